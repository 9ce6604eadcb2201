/** A broker with a password asks for it on every protocol; one without asks nobody on this machine. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { Kafka, logLevel } from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaWireClient } from "../../support/kafka-wire-client.ts";
import { RawRedis } from "../../support/raw-redis.ts";

const password = "correct horse";
const launcher = path.join(import.meta.dirname, "../../../bin/troikamq.js");

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker({
    args: ["--user", "anna", "--log-level", "debug"],
    env: { TROIKAMQ_PASSWORD: password },
  });
});
after(() => broker.stop());

const wrongPassword = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

test("Redis: nothing without AUTH; the default user and the named one have the password", async () => {
  const client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("get", "a"), "-NOAUTH Authentication required.\r\n");
  assert.match(await client.call("hello", "3"), /^-NOAUTH HELLO must be called/);
  assert.equal(await client.call("auth", "wrong"), wrongPassword);
  assert.equal(await client.call("auth", "guest", "guest"), wrongPassword);
  assert.equal(await client.call("auth", "anna", "correct horsE"), wrongPassword);
  assert.equal(await client.call("auth", "anna", password), "+OK\r\n");
  assert.equal(await client.call("set", "a", "1"), "+OK\r\n");
  assert.equal(await client.call("reset"), "+RESET\r\n");
  assert.equal(await client.call("get", "a"), "-NOAUTH Authentication required.\r\n");
  assert.equal(await client.call("auth", password), "+OK\r\n");
  assert.equal(
    await client.call("config", "get", "requirepass"),
    "*2\r\n$11\r\nrequirepass\r\n$8\r\n********\r\n",
  );
  await client.close();
});

function amqp(user: string, secret: string): Promise<amqplib.ChannelModel> {
  const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(secret)}`;
  return amqplib.connect(`amqp://${credentials}@127.0.0.1:${broker.ports.amqp}`);
}

test("AMQP: the named user has the password, and guest's well-known one opens nothing", async () => {
  await assert.rejects(amqp("guest", "guest"), /ACCESS.REFUSED/);
  await assert.rejects(amqp("anna", "wrong"), /ACCESS.REFUSED/);
  const connection = await amqp("anna", password);
  await connection.createChannel();
  await connection.close();
});

test("Kafka: SASL PLAIN or the end of the connection", async () => {
  const brokers = [`127.0.0.1:${broker.ports.kafka}`];
  const retry = { retries: 0 };
  const make = (secret: string): Kafka =>
    new Kafka({
      brokers,
      retry,
      logLevel: logLevel.NOTHING,
      sasl: { mechanism: "plain", username: "anna", password: secret },
    });
  await assert.rejects(make("wrong").admin().connect(), /Authentication failed/);
  const admin = make(password).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "t", numPartitions: 1 }] });
  assert.deepEqual(await admin.listTopics(), ["t"]);
  await admin.disconnect();
  const open = new Kafka({ brokers, retry, logLevel: logLevel.NOTHING }).admin();
  await assert.rejects(open.connect().then(() => open.listTopics()));
  await open.disconnect().catch(() => {});
  const raw = await KafkaWireClient.connect(broker.ports.kafka);
  await assert.rejects(raw.request("ListGroups", 4, { statesFilter: [] }), /closed/);
});

test("Kafka: who asks to act as another user is refused in Kafka's words, but only with the right password", async () => {
  const said = async (token: string): Promise<[number, string | null]> => {
    const client = await KafkaWireClient.connect(broker.ports.kafka);
    await client.request("SaslHandshake", 1, { mechanism: "PLAIN" });
    const answer = await client.request("SaslAuthenticate", 2, { authBytes: Buffer.from(token) });
    const { errorCode, errorMessage } = answer;
    if (errorCode !== 0)
      await assert.rejects(client.request("ListGroups", 4, { statesFilter: [] }), /closed|ended/);
    else client.close();
    return [errorCode, errorMessage];
  };
  assert.deepEqual(await said(`anna\0anna\0${password}`), [0, null]);
  const another =
    "Authentication failed: Client requested an authorization id that is different from username";
  assert.deepEqual(await said(`bob\0anna\0${password}`), [58, another]);
  const invalid = "Authentication failed: Invalid username or password";
  assert.deepEqual(await said("bob\0anna\0wrong"), [58, invalid]);
});

function basic(user: string, secret: string): string {
  return `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
}

test("HTTP: health is for everybody, all else for who has the password; browsers may do nothing with it", async () => {
  const ask = (page: string, authorization = "", method = "GET"): Promise<Response> =>
    fetch(`http://127.0.0.1:${broker.ports.http}${page}`, { method, headers: { authorization } });
  assert.equal((await ask("/livez")).status, 200);
  assert.deepEqual(await (await ask("/readyz")).json(), { ready: true });
  const known = basic("anna", password);
  assert.deepEqual(await (await ask("/readyz", known)).json(), {
    ready: true,
    checks: { journal: "ok", disk: "ok" },
  });
  const strangers = [
    "",
    "Basic",
    "Basic !",
    "Basic YW5uYQ==",
    basic("anna", "x"),
    basic("guest", "guest"),
    "Bearer x",
  ];
  for (const page of ["/", "/metrics", "/nothing"]) {
    for (const stranger of strangers) {
      const refused = await ask(page, stranger);
      assert.equal(refused.status, 401, `${page} ${stranger}`);
      assert.match(refused.headers.get("www-authenticate")!, /^Basic realm=/);
      assert.equal(refused.headers.get("set-cookie"), null);
    }
    const shown = await ask(page, known);
    assert.equal(shown.status, page === "/nothing" ? 404 : 200);
    assert.equal(shown.headers.get("x-content-type-options"), "nosniff");
    assert.equal(shown.headers.get("x-frame-options"), "DENY");
    assert.match(shown.headers.get("content-security-policy")!, /default-src 'none'/);
    assert.equal(shown.headers.get("access-control-allow-origin"), null);
  }
  assert.equal((await ask("/metrics", known, "POST")).status, 405);
});

test("no output of it shows the password, and no health page, metric or help", async () => {
  const parts = [broker.log];
  for (const page of ["/", "/readyz", "/metrics", "/nothing"]) {
    for (const authorization of ["", basic("anna", password)]) {
      const answer = await fetch(`http://127.0.0.1:${broker.ports.http}${page}`, {
        headers: { authorization },
      });
      parts.push(JSON.stringify([...answer.headers]), await answer.text());
    }
  }
  const client = await RawRedis.open(broker.ports.redis);
  await client.call("auth", password);
  for (const words of [
    ["config", "get", "*"],
    ["info", "everything"],
    ["client", "list"],
  ]) {
    parts.push(await client.call(...words));
  }
  await client.close();
  parts.push((await run(["start", "--help"])).stdout);
  assert.match(parts.at(-1)!, /--password PASSWORD/);
  for (const part of parts) {
    assert.ok(part.length > 0);
    assert.ok(!part.includes(password), part);
  }
});

function run(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const runtime = process.env["TROIKAMQ_TEST_RUNTIME"] ?? "bun";
    const child = spawn(process.execPath, [launcher, ...args], {
      env: {
        ...process.env,
        TROIKAMQ_RUNTIME: runtime,
        TROIKAMQ_PASSWORD: args.includes("--help") ? password : "",
      },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    child.on("exit", (code) => resolve({ code, stdout, stderr }));
  });
}

test("an open host without a password does not start", async () => {
  const { code, stdout, stderr } = await run(["start", "--data-dir", "memory", "--host", "0.0.0.0"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^troikamq: --host 0\.0\.0\.0 can be reached by others .* --insecure\n$/);
});
