/**
 * A sorted set of many members: it outlives kill -9, also when the cleaner has written it again from old journal files; reading, popping
 * and removing many, and making one of others, lets others have their turns, and what is stored appears at once.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";

const members = 30_000;
const perCall = 500;

async function fill(client: RawRedis, key: string, score: (n: number) => number, step = 1): Promise<void> {
  const calls: Promise<string>[] = [];
  for (let n = 0; n < members; n += perCall) {
    const words: Word[] = ["zadd", key];
    for (let i = n; i < n + perCall; i += step) words.push(score(i), `member:${i}`);
    calls.push(client.call(...words));
  }
  for (const reply of await Promise.all(calls)) assert.match(reply, /^:\d+\r\n$/);
}

/** The bulk strings of a reply. */
function bulks(reply: string): string[] {
  return reply.split("\r\n").filter((_, i, all) => i > 0 && all[i - 1]!.startsWith("$"));
}

/** Member and score in turns, in their order. */
function sorted(score: (n: number) => number, count = members): string[] {
  const all = Array.from({ length: count }, (_, n) => [`member:${n}`, score(n)] as const);
  all.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  return all.flatMap(([member, at]) => [member, String(at)]);
}

const scattered = (n: number): number => (n * 7919) % 10_007;

test("a large sorted set is the same after kill -9, before and after the cleaner has written it again", async () => {
  const broker = await startTestBroker({ args: ["--journal-bytes-max", String(2 << 20)] });
  let client = await RawRedis.open(broker.ports.redis);
  const later = (n: number): number => (n % 3 === 0 ? n + 0.5 : scattered(n));
  const all = (key: string): Promise<string> => client.call("zrange", key, 0, -1, "withscores");
  await fill(client, "big", scattered);
  assert.equal(await client.call("expireat", "big", 33_177_117_420), ":1\r\n");
  await client.close();
  await broker.kill();
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.deepEqual(bulks(await all("big")), sorted(scattered));
  await client.call("rename", "big", "renamed");
  await client.call("copy", "renamed", "copied");
  assert.equal(await client.call("zunionstore", "doubled", 2, "renamed", "copied"), `:${members}\r\n`);
  assert.equal(await client.call("zrangestore", "low", "copied", 0, 4999), ":5000\r\n");
  await client.call(
    "zadd",
    "renamed",
    ...Array.from({ length: members / 3 }, (_, i) => [later(3 * i), `member:${3 * i}`]).flat(),
  );
  assert.equal(await client.call("zremrangebyrank", "copied", 0, 9999), ":10000\r\n");
  const filler = "x".repeat(100_000);
  for (let i = 0; i < 300; i++) assert.equal(await client.call("set", "filler", filler), "+OK\r\n");
  await client.close();
  await broker.kill();
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.deepEqual(bulks(await all("renamed")), sorted(later));
  assert.deepEqual(bulks(await all("copied")), sorted(scattered).slice(20_000));
  assert.deepEqual(
    bulks(await all("doubled")),
    sorted((n) => 2 * scattered(n)),
  );
  assert.deepEqual(bulks(await all("low")), sorted(scattered).slice(0, 10_000));
  assert.equal(await client.call("expiretime", "renamed"), ":33177117420\r\n");
  assert.equal(await client.call("exists", "big"), ":0\r\n");
  assert.equal(await client.call("del", "renamed", "copied", "doubled"), ":3\r\n");
  await client.close();
  await broker.stop();
});

test("long replies, removals and results beside other clients; a stored result appears at once", async () => {
  const broker = await startTestBroker();
  const [client, other] = [await RawRedis.open(broker.ports.redis), await RawRedis.open(broker.ports.redis)];
  await fill(client, "big", scattered);
  await fill(client, "odd", (n) => n, 2);
  const whole = sorted(scattered);
  /** What a request gets that comes amid others. That the work takes turns is counted in redis-zset-slices.long.test.ts. */
  const between = async (
    shown: string,
    long: () => Promise<string>,
    check: (reply: string) => void,
  ): Promise<void> => {
    const [reply, pong] = await Promise.all([long(), other.call("ping")]);
    assert.equal(pong, "+PONG\r\n", shown);
    check(reply);
  };
  await between(
    "zrange",
    () => client.call("zrange", "big", 0, -1, "rev", "withscores"),
    (reply) => assert.equal(bulks(reply).length, 2 * members),
  );
  await between(
    "zrangebyscore",
    () => client.call("zrangebyscore", "big", 100, "+inf", "limit", 10, 20_000, "withscores"),
    (reply) => {
      const from = 2 * (10 + whole.filter((word, i) => i % 2 === 1 && Number(word) < 100).length);
      assert.deepEqual(bulks(reply), whole.slice(from, from + 40_000));
    },
  );
  await between(
    "zinterstore",
    () => client.call("zinterstore", "both", 2, "big", "odd"),
    (reply) => assert.equal(reply, `:${members / 2}\r\n`),
  );
  await between(
    "zunion",
    () => client.call("zunion", 2, "big", "odd", "withscores"),
    (reply) => {
      assert.deepEqual(
        bulks(reply),
        sorted((n) => scattered(n) + (n % 2 === 0 ? n : 0)),
      );
    },
  );
  await between(
    "zdiffstore",
    () => client.call("zdiffstore", "rest", 2, "big", "odd"),
    (reply) => assert.equal(reply, `:${members / 2}\r\n`),
  );
  // All of it or nothing.
  await client.call("del", "stored");
  const storing = client.call("zunionstore", "stored", 2, "big", "odd");
  const seen = new Set<string>();
  for (let isOver = false; !isOver;) {
    seen.add(await other.call("zcard", "stored"));
    isOver = await Promise.race([
      storing.then(() => true),
      new Promise<boolean>((r) => setImmediate(() => r(false))),
    ]);
  }
  seen.add(await other.call("zcard", "stored"));
  assert.deepEqual(
    [...seen].filter((size) => size !== ":0\r\n"),
    [`:${members}\r\n`],
  );
  const scanned: string[] = [];
  let cursor = "0";
  do {
    const reply = bulks(await client.call("zscan", "big", cursor, "count", 997));
    cursor = reply.shift()!;
    scanned.push(...reply);
  } while (cursor !== "0");
  assert.deepEqual(new Set(scanned), new Set(whole));
  assert.equal(scanned.length, 2 * members);
  for (const [count, wanted] of [
    [100, 100],
    [5000, 5000],
    [1_000_000, members],
  ]) {
    const picked = bulks(await client.call("zrandmember", "big", count!));
    assert.equal(picked.length, wanted);
    assert.equal(new Set(picked).size, wanted);
  }
  // Others add and remove at both ends, outside of what is read.
  const read = client.call("zrange", "big", 100, -100, "withscores");
  await other.call("zadd", "big", -5, "first", 1e9, "last");
  assert.ok(bulks(await read).length >= 2 * (members - 201));
  await other.call("zrem", "big", "first", "last");

  assert.deepEqual(
    bulks(await client.call("zpopmin", "stored", 3000)),
    sorted((n) => scattered(n) + (n % 2 === 0 ? n : 0)).slice(0, 6000),
  );
  const popped = bulks(await client.call("zpopmax", "both", 1_000_000));
  assert.equal(popped.length, members);
  assert.equal(await client.call("exists", "both"), ":0\r\n");
  assert.equal(await client.call("zremrangebyrank", "big", 0, 9999), ":10000\r\n");
  const left = Number((await client.call("zcard", "big")).slice(1));
  assert.deepEqual(
    bulks(await client.call("zrange", "big", 0, -1, "withscores")),
    whole.slice(2 * (members - left)),
  );
  // One that goes while it is read ends the reply.
  const cut = client.call("zrange", "big", 0, -1);
  await other.call("unlink", "big");
  assert.ok(bulks(await cut).length <= left);
  await Promise.all([client.close(), other.close()]);
  await broker.stop();
});

test("in MULTI a long command is one moment", async () => {
  const broker = await startTestBroker();
  const client = await RawRedis.open(broker.ports.redis);
  await fill(client, "big", scattered);
  await client.call("multi");
  await client.call("zrangestore", "copy", "big", 0, -1);
  await client.call("zremrangebyscore", "big", "-inf", "+inf");
  await client.call("zcard", "copy");
  await client.call("exists", "big");
  assert.equal(await client.call("exec"), `*4\r\n:${members}\r\n:${members}\r\n:${members}\r\n:0\r\n`);
  await client.close();
  await broker.stop();
});

test("places: a search over many is right, and takes turns", async () => {
  const broker = await startTestBroker();
  const [client, other] = [await RawRedis.open(broker.ports.redis), await RawRedis.open(broker.ports.redis)];
  const calls: Promise<string>[] = [];
  for (let n = 0; n < members; n += perCall) {
    const words: Word[] = ["geoadd", "places"];
    for (let i = n; i < n + perCall; i++)
      words.push((i % 600) / 100, Math.floor(i / 600) / 100, `place:${i}`);
    calls.push(client.call(...words));
  }
  await Promise.all(calls);
  let isBetween = false;
  for (let tries = 0; tries < 50 && !isBetween; tries++) {
    let isOver = false;
    const long = client
      .call("geosearch", "places", "fromlonlat", 3, 0.5, "bybox", 4000, 4000, "km", "asc", "withdist")
      .finally(() => (isOver = true));
    await other.call("ping");
    isBetween = !isOver;
    const words = bulks(await long);
    assert.equal(words.length, 2 * members);
    assert.equal(new Set(words.filter((_, i) => i % 2 === 0)).size, members);
    for (let i = 3; i < words.length; i += 2) assert.ok(Number(words[i - 2]) <= Number(words[i]));
  }
  assert.ok(isBetween);
  assert.equal(
    await client.call(
      "geosearchstore",
      "near",
      "places",
      "fromlonlat",
      3,
      0.5,
      "byradius",
      4000,
      "km",
      "count",
      20_000,
    ),
    ":20000\r\n",
  );
  assert.equal(await client.call("zcard", "near"), ":20000\r\n");
  await Promise.all([client.close(), other.close()]);
  await broker.stop();
});
