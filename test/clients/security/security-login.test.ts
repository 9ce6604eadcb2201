/** Before a login: little time, small requests; guesses are slowed and counted, and nobody else notices. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { until, waitMsMax } from "../../support/wait.ts";
import { makeUser } from "../../support/users.ts";

/** Ten seconds, less what a timer may be early and a connection may be accepted late. */
const lifeMsMin = 9000;

let broker: TestBroker;
/** Measured while the other tests run, as it takes ten seconds. */
let lives: Promise<number[]>;
before(async () => {
  broker = await startTestBroker();
  await makeUser(broker, "ann", "right", { configure: ".*", write: ".*", read: ".*" });
  const admin = await RawRedis.open(broker.ports.redis);
  assert.equal(await admin.call("acl", "setuser", "default", "resetpass", ">secret"), "+OK\r\n");
  await admin.close();
  lives = livesBeforeLogin();
});
after(() => broker.stop());

/** How long the broker keeps a connection that sends this and no more, ms. */
async function lifeOf(port: number, bytes: Buffer): Promise<number> {
  const startedAt = performance.now();
  const socket: Socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  socket.write(bytes);
  await new Promise((resolve) => socket.on("close", resolve));
  return performance.now() - startedAt;
}

function livesBeforeLogin(): Promise<number[]> {
  const { redis, kafka, amqp } = broker.ports;
  const nothing = Buffer.alloc(0);
  return Promise.all([
    lifeOf(redis, nothing),
    lifeOf(redis, Buffer.from("*1\r\n$4\r\nPING\r\n")),
    lifeOf(kafka, nothing),
    lifeOf(kafka, Buffer.from([0, 0, 0, 10, 0])),
    lifeOf(amqp, nothing),
    lifeOf(amqp, Buffer.from("AMQP\0\0\x09\x01", "latin1")),
  ]);
}

test("a Kafka request of more than 64 KiB before the login ends the connection at once", async () => {
  const announced = Buffer.alloc(4);
  announced.writeInt32BE((64 << 10) + 1);
  // Not by the ten seconds that one has who does not log in.
  assert.ok((await lifeOf(broker.ports.kafka, announced)) < lifeMsMin);
});

const wrongPassword = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

test("garbage before the login makes few log lines, which count it all", async () => {
  const { kafka, amqp } = broker.ports;
  const counted = (message: string): number[] =>
    broker.log
      .split("\n")
      .filter((line) => line.includes(message))
      .map((line) => Number(/ count=(\d+)/.exec(line)![1]));
  const total = (message: string): number => counted(message).reduce((sum, count) => sum + count, 0);
  const closed = "closed a Kafka connection";
  const earlier = total(closed);
  const garbage = Buffer.from([0, 0, 0, 4, 0x7f, 0xff, 0, 0]);
  for (let i = 0; i < 10; i++) {
    await Promise.all(Array.from({ length: 20 }, () => lifeOf(kafka, garbage)));
    await lifeOf(amqp, Buffer.from("GET / HTTP/1.1\r\n"));
  }
  await until(() => total(closed) >= earlier + 200);
  assert.ok(counted(closed).length < 20, broker.log);
});

test("guesses at one user take their turns, and are counted; whoever is logged in goes on meanwhile", async () => {
  const busy = await RawRedis.open(broker.ports.redis);
  assert.equal(await busy.call("auth", "secret"), "+OK\r\n");
  const startedAt = performance.now();
  const guesses = Array.from({ length: 12 }, async (_, i) => {
    const client = await RawRedis.open(broker.ports.redis);
    const answer = await client.call("auth", "ann", `guess ${i}`);
    // What waits behind a login runs after it.
    assert.match(await client.call("get", "a"), /^-NOAUTH/);
    await client.close();
    return { answer, atMs: performance.now() - startedAt };
  });
  let pings = 0;
  let isDone = false;
  const all = Promise.all(guesses).then((answers) => {
    isDone = true;
    return answers;
  });
  while (!isDone) {
    assert.equal(await busy.call("ping"), "+PONG\r\n");
    pings++;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const answers = await all;
  assert.ok(answers.every(({ answer }) => answer === wrongPassword));
  const waited = answers.filter(({ atMs }) => atMs > 900).length;
  assert.ok(waited >= 4, `${waited} of 12 waited`);
  // Behind a guess's turn a ping would wait a second, so there would be about as many pings as guesses.
  assert.ok(pings > 4 * guesses.length, `${pings} pings were answered`);
  const metrics = await (
    await fetch(`http://127.0.0.1:${broker.ports.http}/metrics`, {
      headers: { authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}` },
    })
  ).text();
  const refused = Number(/^troikamq_logins_total\{result="refused"\} (\d+)$/m.exec(metrics)?.[1]);
  assert.ok(refused >= 12, metrics);
  await busy.close();
});

test("two hundred connections with a right password that nobody has used yet all come in", async () => {
  await makeUser(broker, "bob", "b", { configure: ".*", write: ".*", read: ".*" });
  const url = `amqp://bob:b@127.0.0.1:${broker.ports.amqp}`;
  const connections = await Promise.all(Array.from({ length: 200 }, () => amqplib.connect(url)));
  assert.equal(connections.length, 200);
  await Promise.all(connections.map((connection) => connection.close()));
});

test("who does not log in has ten seconds, also one who goes on asking", async () => {
  const found = await lives;
  // That they end at all is what is asked: this process, which sees it, may have to wait for a processor.
  for (const life of found) assert.ok(life > lifeMsMin && life < waitMsMax, found.join(" "));
});
