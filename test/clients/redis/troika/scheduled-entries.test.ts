/** Entries that enter a stream later, with ioredis, and over a killed broker. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "amqplib";
import type { Redis } from "ioredis";
import { PushingRedis } from "../../../support/pushing-redis.ts";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { openIoredis, until } from "../../../support/redis-clients.ts";

let broker: TestBroker;
let client: Redis;

before(async () => {
  broker = await startTestBroker();
  client = openIoredis(broker.ports.redis).on("error", () => {});
});

after(async () => {
  client.disconnect();
  await broker.stop();
});

type Scheduled = [handle: string, due: number, fields: string[]];
type Entry = [id: string, fields: string[]];

const later = (key: string, ms: number, ...fields: string[]): Promise<string> =>
  client.call("TROIKA.XADD", key, "DELAY", ms, "*", ...fields) as Promise<string>;
const scheduled = (key: string, ...more: (string | number)[]): Promise<Scheduled[]> =>
  client.call("TROIKA.SCHEDULED", key, ...more) as Promise<Scheduled[]>;

test("an entry is there at its time, for a client that waits, and never before", async () => {
  const far = await later("far", 600_000, "n", "1", "n", "2");
  assert.equal(await client.exists("far"), 0);
  const [[handle, due, fields]] = (await scheduled("far")) as [Scheduled];
  assert.deepEqual([handle, fields], [far, ["n", "1", "n", "2"]]);
  assert.ok(due > Date.now());
  const waiting = openIoredis(broker.ports.redis, { protocol: 2 });
  const read = waiting.xread("BLOCK", 0, "STREAMS", "s", "0");
  try {
    // Not the wish but the time counts for the order.
    const startedAt = Date.now();
    const second = later("s", 300, "n", "2");
    const first = later("s", 200, "n", "1");
    await Promise.all([second, first]);
    const [[, [[id, got]]]] = (await read) as unknown as [[string, [Entry]]];
    assert.deepEqual(got, ["n", "1"]);
    assert.ok(Number(id.split("-")[0]) >= startedAt + 200, `${id} is not before its time`);
    await until(async () => (await client.xlen("s")) === 2, "the second entry");
    assert.deepEqual(await scheduled("s"), []);
  } finally {
    waiting.disconnect();
  }
});

test("DELIVERAT in the past is at once; cancelled entries do not come", async () => {
  const handle = await later("c", 600_000, "n", "1");
  await later("c", 500, "n", "2");
  assert.equal((await scheduled("c", "FROM", handle, "COUNT", 1)).length, 1);
  assert.equal(await client.call("TROIKA.CANCEL", "c", handle, handle, "5-5"), 1);
  assert.equal(await client.call("TROIKA.CANCEL", "none", handle), 0);
  await client.call("TROIKA.XADD", "c", "DELIVERAT", 1000, "*", "n", "0");
  await until(async () => (await client.xlen("c")) === 2, "the others");
  assert.deepEqual(await scheduled("c"), []);
  const entries = await client.xrange("c", "-", "+");
  assert.deepEqual(
    entries.map(([, fields]) => fields),
    [
      ["n", "0"],
      ["n", "2"],
    ],
  );
});

test("a client that tracks the key is told when an entry enters it", async () => {
  const raw = await PushingRedis.open(broker.ports.redis, 3);
  try {
    await raw.call("client", "tracking", "on", "bcast", "prefix", "tracked");
    await later("tracked", 1, "n", "1");
    let told = "";
    await until(async () => (told += (await raw.settled()).join("")).includes("tracked"), "the invalidation");
    assert.equal(told, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$7\r\ntracked\r\n");
  } finally {
    await raw.close();
  }
});

test("an entry does not enter a queue that belongs to one AMQP connection", async () => {
  const connection = await connect(`amqp://127.0.0.1:${broker.ports.amqp}`);
  connection.on("error", () => {});
  try {
    const channel = await connection.createChannel();
    await later("own", 600, "n", "1");
    await channel.assertQueue("own", { exclusive: true });
    await later("behind", 600, "n", "2");
    await until(async () => (await client.xlen("behind")) === 1, "the entry behind it");
    assert.equal((await channel.checkQueue("own")).messageCount, 0);
  } finally {
    await connection.close();
  }
  await until(async () => (await client.exists("own")) === 1, "the entry");
  assert.deepEqual((await client.xrange("own", "-", "+"))[0]![1], ["n", "1"]);
});

test("errors say what is wrong", async () => {
  await client.set("text", "x");
  await assert.rejects(later("text", 1, "a", "b"), /^ReplyError: WRONGTYPE/);
  await assert.rejects(later("e", -1, "a", "b"), /invalid time/);
  await assert.rejects(client.call("TROIKA.XADD", "e", "DELAY", "x", "*", "a", "b"), /not an integer/);
  await assert.rejects(client.call("TROIKA.XADD", "e", "SOON", "1", "*", "a", "b"), /syntax error/);
  await assert.rejects(client.call("TROIKA.XADD", "e", "DELAY", "1", "5-1", "a", "b"), /syntax error/);
  await assert.rejects(client.call("TROIKA.XADD", "e", "DELAY", "1", "*", "a", "b", "c"), /wrong number/);
});

test("what waits outlives kill -9: none is lost, none comes twice", async () => {
  await later("k", 1, "n", "0");
  await until(async () => (await client.xlen("k")) === 1, "the first entry");
  // All but the last are overdue when the broker is back, unless it is back soon.
  const delays = [40, 30, 20, 600_000, 1_500];
  const handles = await Promise.all(delays.map((ms) => later("k", ms, "n", String(ms))));
  await client.call("TROIKA.CANCEL", "k", handles[3]!);
  client.disconnect();
  await broker.kill();
  await broker.restart();
  client = openIoredis(broker.ports.redis).on("error", () => {});
  await until(async () => (await client.xlen("k")) === 5, "all entries");
  const entries = await client.xrange("k", "-", "+");
  const numbers = entries.map(([, fields]) => fields[1]);
  assert.deepEqual(
    numbers.toSorted((a, b) => Number(a) - Number(b)),
    ["0", "20", "30", "40", "1500"],
  );
  assert.equal(numbers.at(-1), "1500");
  assert.deepEqual(await scheduled("k"), []);
});

test("AMQP clients cannot open the virtual hosts in which the broker keeps what waits", async () => {
  await later("hidden", 600_000, "n", "1");
  await client.call("ACL", "SETUSER", "all", "on", ">secret", "~*", "&*", "+@all");
  await client.call("SELECT", 1);
  await client.call("XADD", "s", "*", "n", "1");
  await client.call("SELECT", 0);
  for (const vhost of ["\0scheduled//", "\0redis/1", "\0live-history"]) {
    const url = `amqp://all:secret@127.0.0.1:${broker.ports.amqp}/${encodeURIComponent(vhost)}`;
    await assert.rejects(connect(url), /ConnectionClose/);
  }
});
