/**
 * A hash of many fields: it outlives kill -9, also when the cleaner has written it again from old journal files; HSCAN meets
 * each field once while others change it; what reads all of it lets others have their turns.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";

const fields = 60_000;
const perCall = 500;

async function fill(client: RawRedis, key: string, value: (n: number) => string, step = 1): Promise<void> {
  const calls: Promise<string>[] = [];
  for (let n = 0; n < fields; n += perCall) {
    const words: Word[] = ["hset", key];
    for (let i = n; i < n + perCall; i += step) words.push(`field:${i}`, value(i));
    calls.push(client.call(...words));
  }
  for (const reply of await Promise.all(calls)) assert.match(reply, /^:\d+\r\n$/);
}

/** The bulk strings of a reply. */
function bulks(reply: string): string[] {
  return reply.split("\r\n").filter((_, i, all) => i > 0 && all[i - 1]!.startsWith("$"));
}

function assertFields(reply: string, value: (n: number) => string): void {
  const words = bulks(reply);
  assert.equal(words.length, 2 * fields);
  const found = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) found.set(words[i]!, words[i + 1]!);
  assert.equal(found.size, fields);
  for (let n = 0; n < fields; n++) assert.equal(found.get(`field:${n}`), value(n));
}

test("a large hash is the same after kill -9, before and after the cleaner has written it again", async () => {
  const broker = await startTestBroker({ args: ["--journal-bytes-max", String(4 << 20)] });
  let client = await RawRedis.open(broker.ports.redis);
  const first = (n: number): string => `value-${n}`.padEnd(30, "a");
  const later = (n: number): string => (n % 3 === 0 ? `later-${n}` : first(n));
  await fill(client, "big", first);
  assert.equal(await client.call("expireat", "big", 33_177_117_420), ":1\r\n");
  await client.close();
  await broker.kill();
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assertFields(await client.call("hgetall", "big"), first);
  await client.call("rename", "big", "renamed");
  await client.call("copy", "renamed", "copied");
  // Beyond the journal's budget, so that the old files go: others are served meanwhile.
  await client.call(
    "hset",
    "renamed",
    ...Array.from({ length: fields / 3 }, (_, i) => [`field:${3 * i}`, later(3 * i)]).flat(),
  );
  const filler = "x".repeat(100_000);
  for (let i = 0; i < 600; i++) assert.equal(await client.call("set", "filler", filler), "+OK\r\n");
  await client.close();
  await broker.kill();
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assertFields(await client.call("hgetall", "renamed"), later);
  assertFields(await client.call("hgetall", "copied"), first);
  assert.equal(await client.call("expiretime", "renamed"), ":33177117420\r\n");
  assert.equal(await client.call("exists", "big"), ":0\r\n");
  assert.equal(await client.call("hlen", "copied"), `:${fields}\r\n`);
  assert.equal(await client.call("del", "renamed", "copied"), ":2\r\n");
  await client.close();
  await broker.stop();
});

test("HSCAN meets what is there throughout once; HGETALL and others take turns with other clients", async () => {
  const broker = await startTestBroker();
  const [client, other] = [await RawRedis.open(broker.ports.redis), await RawRedis.open(broker.ports.redis)];
  await fill(client, "big", (n) => `v${n}`);
  const met = new Map<string, number>();
  let cursor = "0";
  let calls = 0;
  do {
    const reply = bulks(await client.call("hscan", "big", cursor, "count", 997));
    cursor = reply[0]!;
    if (cursor !== "0") assert.equal(reply.length, 1 + 2 * 997);
    for (let i = 1; i < reply.length; i += 2) met.set(reply[i]!, (met.get(reply[i]!) ?? 0) + 1);
    // Odd ones go and come back.
    const n = 2 * calls++ + 1;
    await other.call("hdel", "big", `field:${n}`);
    await other.call("hset", "big", `field:${n}`, `again-${n}`, `new:${n}`, "x");
  } while (cursor !== "0");
  assert.ok(calls > fields / 997);
  for (let n = 0; n < fields; n += 2) assert.equal(met.get(`field:${n}`), 1, `field:${n}`);
  const matching = bulks(await client.call("hscan", "big", 0, "match", "field:77*", "count", 1_000_000));
  assert.equal(matching.length, 1 + 2 * (1 + 10 + 100));

  // A request that comes while the long reply is gathered is answered before it. When it comes is the system's business.
  let isBetween = false;
  for (let tries = 0; tries < 20 && !isBetween; tries++) {
    let isOver = false;
    const long = client.call("hgetall", "big").finally(() => (isOver = true));
    await other.call("ping");
    isBetween = !isOver;
    assert.ok(bulks(await long).length >= 2 * fields);
  }
  assert.ok(isBetween);

  const size = Number((await client.call("hlen", "big")).slice(1));
  for (const [count, wanted] of [
    [100, 100],
    [5000, 5000],
    [1_000_000, size],
  ]) {
    const picked = bulks(await client.call("hrandfield", "big", count!));
    assert.equal(picked.length, wanted);
    assert.equal(new Set(picked).size, wanted);
  }
  assert.equal(bulks(await client.call("hrandfield", "big", -5000, "withvalues")).length, 10_000);
  // A hash that goes while it is read ends the reply.
  const cut = client.call("hkeys", "big");
  await other.call("unlink", "big");
  assert.ok(bulks(await cut).length <= size);
  assert.equal(await client.call("exists", "big"), ":0\r\n");
  await Promise.all([client.close(), other.close()]);
  await broker.stop();
});
