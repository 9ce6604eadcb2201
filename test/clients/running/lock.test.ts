/**
 * One broker holds a data directory: whatever became of the one before, and whatever numbers processes have.
 * The lock is the kernel's; the file LOCK only says who has it.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { startBroker } from "../../../src/embed.ts";
import { checkDataDirectory } from "../../../src/storage/index.ts";
import { startTestBroker, TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";

const launcher = path.join(import.meta.dirname, "../../../bin/troikamq.js");
const runtime = process.env["TROIKAMQ_TEST_RUNTIME"] ?? "bun";
const restarts = 8;

let parent: string;
before(() => {
  parent = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-lock-"));
});
after(() => fs.rmSync(parent, { recursive: true, force: true }));

/** A broker under another program: what it says until its ready line, or until it ends. */
class Wrapped {
  readonly child: ChildProcess;
  readonly outcome: Promise<{ ready: { pid: number; ports: { redis: number } } | null; stderr: string }>;
  readonly exited: Promise<void>;

  /** `command` runs "$0" with the arguments "$@". */
  constructor(command: string, args: readonly string[], directory: string) {
    const ports = ["--redis-port", "0", "--amqp-port", "off", "--kafka-port", "off", "--http-port", "off"];
    const start = [process.execPath, launcher, "start", "--data-dir", directory, ...ports];
    const environment = { ...process.env, TROIKAMQ_RUNTIME: runtime };
    this.child = spawn(command, [...args, ...start], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    this.exited = new Promise((resolve) => this.child.on("exit", () => resolve()));
    let stdout = "";
    let stderr = "";
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    this.outcome = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        if (stdout.includes("\n")) resolve({ ready: JSON.parse(stdout), stderr });
      });
      this.child.on("close", () => resolve({ ready: null, stderr }));
    });
  }
}

test("SIGKILL and an immediate start, again and again", async () => {
  const broker = await startTestBroker();
  for (let i = 0; i < restarts; i++) {
    const client = await RawRedis.open(broker.ports.redis);
    assert.match(await client.call("XADD", "s", "*", "n", String(i)), /^\$/);
    await client.close();
    await broker.kill();
    await broker.start();
  }
  const client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("XLEN", "s"), `:${restarts}\r\n`);
  await client.close();
  await broker.stop();
});

test(
  "a holder that was killed and not yet reaped holds nothing",
  { skip: process.platform === "linux" ? false : "reads /proc" },
  async () => {
    const directory = path.join(parent, "zombie");
    // The shell becomes a program that never asks after its child.
    const wrapped = new Wrapped("sh", ["-c", '"$0" "$@" & exec sleep 120'], directory);
    const { ready, stderr } = await wrapped.outcome;
    assert.ok(ready !== null, stderr);
    process.kill(ready.pid, "SIGKILL");
    const stateOf = (): string => fs.readFileSync(`/proc/${ready.pid}/stat`, "utf8").split(") ")[1]![0]!;
    while (stateOf() !== "Z") await new Promise((resolve) => setImmediate(resolve));
    try {
      const next = new TestBroker({ dataDir: directory });
      await next.start();
      assert.equal(stateOf(), "Z");
      await next.stop();
    } finally {
      wrapped.child.kill("SIGKILL");
      await wrapped.exited;
    }
  },
);

const unshare = ["--pid", "--fork", "--kill-child"];
const canUnshare = spawnSync("unshare", [...unshare, "true"]).status === 0;

test(
  "two brokers that are both process 1 of their container cannot share a volume",
  {
    skip: canUnshare ? false : "NOT TESTED: unshare --pid is not allowed here; run as root on Linux",
    timeout: 60_000,
  },
  async () => {
    const directory = path.join(parent, "volume");
    const first = new Wrapped("unshare", unshare, directory);
    const { ready, stderr } = await first.outcome;
    try {
      assert.ok(ready !== null, stderr);
      assert.equal(ready.pid, 1);
      const second = new Wrapped("unshare", unshare, directory);
      const refused = await second.outcome;
      assert.equal(refused.ready, null, "two brokers write one directory");
      assert.match(refused.stderr, /is in use by process 1 on host \S+ since \d{4}-/);
      const client = await RawRedis.open(ready.ports.redis);
      assert.match(await client.call("XADD", "s", "*", "n", "1"), /^\$/);
      await client.close();
    } finally {
      first.child.kill("SIGKILL");
      await first.exited;
    }
  },
);

/** What a deleted and what a replaced lock file look like. */
const lossesOfLock = {
  deleted: (file: string) => fs.rmSync(file),
  replaced(file: string) {
    fs.writeFileSync(`${file}.new`, "");
    fs.renameSync(`${file}.new`, file);
  },
} as const;

for (const [name, lose] of Object.entries(lossesOfLock)) {
  test(
    `LOCK.db is ${name} while a broker runs: it ends with code 1 and a line, and what it had answered is there`,
    { timeout: 60_000 },
    async () => {
      const broker = await startTestBroker();
      const client = await RawRedis.open(broker.ports.redis);
      assert.match(await client.call("XADD", "s", "*", "n", "1"), /^\$/);
      lose(path.join(broker.dataDir, "LOCK.db"));
      assert.equal(await broker.ended(), 1, broker.log);
      const lines = broker.log.split("\n").filter((line) => line.includes(" error "));
      assert.equal(lines.length, 1, broker.log);
      assert.match(
        lines[0]!,
        new RegExp(`the lock of the data directory is lost, .*LOCK\\.db has been ${name}`),
      );
      await client.close();
      await broker.start();
      const again = await RawRedis.open(broker.ports.redis);
      assert.equal(await again.call("XLEN", "s"), ":1\r\n");
      await again.close();
      await broker.stop();
    },
  );
}

test(
  "while the holder lives, a second start is refused though LOCK.db is gone; a killed one and a copy refuse nothing",
  { skip: process.platform === "linux" ? false : "reads /proc" },
  async () => {
    const first = await startTestBroker();
    // A stopped process does not notice, and holds nothing that the kernel would show.
    process.kill(first.pid, "SIGSTOP");
    fs.rmSync(path.join(first.dataDir, "LOCK.db"));
    const copy = path.join(parent, "copy");
    fs.cpSync(first.dataDir, copy, { recursive: true });
    const second = new TestBroker({ dataDir: first.dataDir });
    await assert.rejects(
      second.start(),
      new RegExp(`in use by process ${first.pid} on host \\S+ since \\S+, though its LOCK\\.db has been`),
    );
    const beside = new TestBroker({ dataDir: copy });
    await beside.start();
    await beside.stop();
    await first.kill();
    await first.start();
    await first.stop();
  },
);

test("two brokers in one process cannot share a directory; check and repair of it say who has it", async () => {
  const directory = path.join(parent, "embedded");
  const options = { dataDir: directory, ports: { http: "off", amqp: "off", kafka: "off" } } as const;
  const broker = await startBroker(options);
  await assert.rejects(startBroker(options), /in use by another broker in this process/);
  for (const more of [[], ["--repair"]]) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [launcher, "check", ...more, "--data-dir", directory],
      { env: { ...process.env, TROIKAMQ_RUNTIME: runtime }, encoding: "utf8" },
    );
    assert.equal(status, 1, stderr);
    assert.match(stdout, new RegExp(`in use by process ${process.pid} on host`));
    assert.equal(stdout.trim().split("\n").length, 1);
  }
  await broker.close();
  assert.ok(!fs.existsSync(path.join(directory, "LOCK")));
  const again = await startBroker(options);
  await again.close();
  assert.equal((await checkDataDirectory(directory)).ok, true);
});

test("a directory of other things, and a file, are refused and left as they are", async () => {
  const directory = path.join(parent, "home");
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, "letter.txt"), "dear");
  const options = { ports: { http: "off", amqp: "off", kafka: "off" } } as const;
  await assert.rejects(startBroker({ ...options, dataDir: directory }), /holds other things \(letter\.txt\)/);
  assert.deepEqual(fs.readdirSync(directory), ["letter.txt"]);
  const file = path.join(directory, "letter.txt");
  await assert.rejects(startBroker({ ...options, dataDir: file }), /is not a directory/);
  const { ok, lines } = await checkDataDirectory(file);
  assert.equal(ok, false);
  assert.match(lines.join("\n"), /is not a directory/);
});
