/** The program as an operator meets it: one JSON line, clear refusals, exit codes, health. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import net from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { portNames } from "../../../src/base/config/listeners.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { waitMsMax } from "../../support/wait.ts";

const launcher = path.join(import.meta.dirname, "../../../bin/troikamq.js");
const allOff = portNames.flatMap((name) => [`--${name}-port`, "off"]);
const freePorts = allOff.map((word) => (word === "off" ? "0" : word));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const runtime = process.env["TROIKAMQ_TEST_RUNTIME"] ?? "bun";
    const child = spawn(process.execPath, [launcher, ...args], {
      env: { ...process.env, TROIKAMQ_RUNTIME: runtime, ...environment },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    child.on("exit", (code) => resolve({ code, stdout, stderr }));
  });
}

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

test("a directory that another broker holds is one clear line and exit code 1", async () => {
  const { code, stdout, stderr } = await run(["start", "--data-dir", broker.dataDir, ...freePorts]);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`data directory .* is in use by process ${broker.pid}`));
  assert.equal(stderr.trim().split("\n").length, 1);
});

for (const protocol of portNames) {
  test(`a ${protocol} port in use is one clear line and exit code 1`, async () => {
    const port = String(broker.ports[protocol]);
    const others = allOff.filter((_, i) => Math.floor(i / 2) !== portNames.indexOf(protocol));
    const args = [
      "start",
      "--data-dir",
      "memory",
      "--log-level",
      "error",
      `--${protocol}-port`,
      port,
      ...others,
    ];
    const { code, stderr } = await run(args);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`${protocol}.*${port}.*in use`, "i"));
    assert.equal(stderr.trim().split("\n").length, 1);
  });
}

test("an unknown option, a bad value and an unknown key are named, with exit code 2", async () => {
  const wrong: [args: string[], environment: Record<string, string>, named: RegExp][] = [
    [["start", "--redis-prot", "1"], {}, /redis-prot/],
    [["start", "--redis-port", "seventy"], {}, /redis-port.*seventy/],
    [["start"], { TROIKAMQ_REDIS_PORT: "seventy" }, /TROIKAMQ_REDIS_PORT.*seventy/],
    [["start", ...allOff], {}, /every port is off/],
    [
      ["start", "--redis-port", "7001", "--amqp-port", "7001"],
      {},
      /--redis-port and --amqp-port are both 7001/,
    ],
    [["start", "--advertised-host", "a b"], {}, /--advertised-host: "a b" is not a valid value/],
    [["check", "--repair=maybe"], {}, /--repair takes no value/],
  ];
  for (const [args, environment, named] of wrong) {
    const { code, stderr } = await run(args, environment);
    assert.equal(code, 2);
    assert.match(stderr, named);
    assert.equal(stderr.trim().split("\n").length, 1);
  }
});

test("a host that is not this machine's is one clear line and exit code 1", async () => {
  // RFC 5737: nobody has it.
  const { code, stderr } = await run(["start", "--data-dir", "memory", "--insecure", "--host", "192.0.2.1"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^troikamq: redis port 6379 on 192\.0\.2\.1 .* is no address of this machine; [^\n]+\n$/m,
  );
});

test("an unknown variable is told, and the broker starts; one of a Kubernetes service is not even told", async () => {
  const environment = {
    TROIKAMQ_REDIS_PROT: "1",
    TROIKAMQ_SERVICE_HOST: "10.0.0.1",
    TROIKAMQ_PORT: "tcp://10.0.0.1:6379",
    TROIKAMQ_REDIS_PORT: "tcp://10.0.0.1:6379",
    TROIKAMQ_PORT_6379_TCP_ADDR: "10.0.0.1",
  };
  const other = await startTestBroker({ env: environment });
  assert.equal(await other.kill("SIGTERM"), 0);
  assert.match(
    other.log,
    /^troikamq: unknown environment variable TROIKAMQ_REDIS_PROT is ignored; did you mean TROIKAMQ_REDIS_PORT\?\n/,
  );
  assert.doesNotMatch(other.log, /TCP|SERVICE|tcp/);
  await other.stop();
});

test("localhost is both loopback addresses", async () => {
  for (const host of ["127.0.0.1", "::1"]) {
    await new Promise<void>((resolve, reject) => {
      const socket = net.connect({ host, port: broker.ports.redis });
      socket.once("connect", () => {
        socket.destroy();
        resolve();
      });
      socket.once("error", (error: NodeJS.ErrnoException) => {
        // A machine without IPv6 has one loopback address only.
        if (host === "::1" && error.code === "EADDRNOTAVAIL") resolve();
        else reject(error);
      });
    });
  }
});

test("health and metrics", async () => {
  const base = `http://127.0.0.1:${broker.ports.http}`;
  assert.equal((await fetch(`${base}/livez`)).status, 200);
  assert.equal((await fetch(`${base}/readyz`)).status, 200);
  const metrics = await (await fetch(`${base}/metrics`)).text();
  assert.match(metrics, /^troikamq_connections\{protocol="redis"\} \d+$/m);
  assert.match(metrics, /^troikamq_journal_syncs_total \d+$/m);
});

test("a peer that speaks nonsense is sent away and nobody else notices", async () => {
  for (const protocol of ["redis", "amqp", "kafka"] as const) {
    await new Promise<void>((resolve, reject) => {
      const socket = net.connect({ host: "127.0.0.1", port: broker.ports[protocol] });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      setTimeout(
        () => reject(new Error(`${protocol} kept a connection that spoke nonsense`)),
        waitMsMax,
      ).unref();
      socket.on("data", () => {});
      socket.write(Buffer.from("\x7f\xff\xff\xffnonsense\r\n*1\r\n!\r\n".repeat(20), "latin1"));
    });
  }
  assert.equal((await fetch(`http://127.0.0.1:${broker.ports.http}/livez`)).status, 200);
});

test("SIGTERM drains and exits 0", async () => {
  const other = await startTestBroker();
  assert.equal(await other.kill("SIGTERM"), 0);
  await other.stop();
});

test("SIGTERM tells AMQP clients why, after their confirms", async () => {
  const other = await startTestBroker();
  const connection = await amqplib.connect(other.amqpUrl);
  const errors: string[] = [];
  connection.on("error", (error: Error) => errors.push(error.message));
  const closed = new Promise<void>((resolve) => connection.once("close", () => resolve()));
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("q", { durable: true });
  let confirmed = 0;
  for (let i = 0; i < 500; i++)
    channel.sendToQueue("q", Buffer.from("x"), { persistent: true }, () => confirmed++);
  await channel.checkQueue("q");
  assert.equal(await other.kill("SIGTERM"), 0);
  await closed;
  await other.stop();
  assert.equal(confirmed, 500);
  // amqplib takes a shutdown by the operator for no error.
  assert.deepEqual(errors, []);
});
