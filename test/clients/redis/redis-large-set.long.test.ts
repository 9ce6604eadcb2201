/**
 * A set of many members, and what is stored of such: it outlives kill -9, also when the cleaner has written it again from old
 * journal files; what a kill interrupts is there whole or not at all; SSCAN meets each member once while others change the set.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";

const size = 20_000;
const perCall = 1000;

async function fill(client: RawRedis, key: string, from: number, to: number): Promise<void> {
  const calls: Promise<string>[] = [];
  for (let n = from; n < to; n += perCall)
    calls.push(client.call("sadd", key, ...Array.from({ length: perCall }, (_, i) => `member:${n + i}`)));
  for (const reply of await Promise.all(calls)) assert.equal(reply, `:${perCall}\r\n`);
}

/** The bulk strings of a reply. */
function bulks(reply: string): string[] {
  return reply.split("\r\n").filter((_, i, all) => i > 0 && all[i - 1]!.startsWith("$"));
}

async function assertMembers(client: RawRedis, key: string, isThere: (n: number) => boolean): Promise<void> {
  const members = new Set(bulks(await client.call("smembers", key)));
  let count = 0;
  for (let n = 0; n < 2 * size; n++) {
    if (!isThere(n)) continue;
    count++;
    assert.ok(members.has(`member:${n}`), `${key}: ${n}`);
  }
  assert.equal(members.size, count, key);
  assert.equal(await client.call("scard", key), `:${count}\r\n`);
}

test("large sets and what is stored of them are the same after kill -9, before and after the cleaner has been at work", async () => {
  const broker = await startTestBroker({ args: ["--journal-bytes-max", String(4 << 20)] });
  let client = await RawRedis.open(broker.ports.redis);
  const restart = async (): Promise<void> => {
    await client.close();
    await broker.kill();
    await broker.restart();
    client = await RawRedis.open(broker.ports.redis);
  };
  await fill(client, "low", 0, size);
  await fill(client, "high", size / 2, size * 1.5);
  assert.equal(await client.call("sunionstore", "union", "low", "high"), `:${size * 1.5}\r\n`);
  assert.equal(await client.call("sinterstore", "inter", "low", "high"), `:${size / 2}\r\n`);
  assert.equal(await client.call("sdiffstore", "diff", "low", "high"), `:${size / 2}\r\n`);
  assert.equal(await client.call("expireat", "inter", 33_177_117_420), ":1\r\n");
  const check = async (isAtEnd: boolean): Promise<void> => {
    await assertMembers(client, "union", (n) => n < size * 1.5);
    await assertMembers(client, "inter", (n) => n >= size / 2 && n < size);
    await assertMembers(
      client,
      isAtEnd ? "renamed" : "diff",
      (n) => n < size / 2 && (!isAtEnd || n % 3 !== 0),
    );
    assert.equal(await client.call("expiretime", "inter"), ":33177117420\r\n");
  };
  await restart();
  await check(false);
  await client.call("rename", "diff", "renamed");
  await client.call(
    "srem",
    "renamed",
    ...Array.from({ length: Math.ceil(size / 6) }, (_, i) => `member:${3 * i}`),
  );
  await client.call("copy", "union", "copied");
  assert.equal(bulks(await client.call("spop", "copied", size)).length, size);
  const copied = bulks(await client.call("smembers", "copied")).toSorted();
  assert.equal(copied.length, size / 2);
  // Beyond the journal's budget, so that the old files go.
  const filler = "x".repeat(100_000);
  for (let i = 0; i < 400; i++) assert.equal(await client.call("set", "filler", filler), "+OK\r\n");
  await restart();
  await check(true);
  assert.deepEqual(bulks(await client.call("smembers", "copied")).toSorted(), copied);
  // A kill in the middle.
  void client.call("sunionstore", "interrupted", "union", "high");
  await restart();
  const count = await client.call("scard", "interrupted");
  assert.ok([":0\r\n", `:${size * 1.5}\r\n`].includes(count), count);
  assert.equal(await client.call("del", "union", "renamed", "copied", "low"), ":4\r\n");
  await restart();
  assert.equal(await client.call("exists", "union", "renamed", "copied", "low", "diff"), ":0\r\n");
  await client.close();
  await broker.stop();
});

test("SSCAN meets what is there throughout once", async () => {
  const broker = await startTestBroker();
  const [client, other] = [await RawRedis.open(broker.ports.redis), await RawRedis.open(broker.ports.redis)];
  await fill(client, "big", 0, size);
  const met = new Map<string, number>();
  let cursor = "0";
  let calls = 0;
  do {
    const reply = bulks(await client.call("sscan", "big", cursor, "count", 997));
    cursor = reply[0]!;
    if (cursor !== "0") assert.equal(reply.length, 1 + 997);
    for (const member of reply.slice(1)) met.set(member, (met.get(member) ?? 0) + 1);
    // Odd ones go and come back.
    const n = 2 * calls++ + 1;
    await other.call("srem", "big", `member:${n}`);
    await other.call("sadd", "big", `member:${n}`, `new:${n}`);
  } while (cursor !== "0");
  assert.ok(calls > size / 997);
  for (let n = 0; n < size; n += 2) assert.equal(met.get(`member:${n}`), 1, `member:${n}`);
  const matching = bulks(await client.call("sscan", "big", 0, "match", "member:77*", "count", 1_000_000));
  assert.equal(matching.length, 1 + (1 + 10 + 100));
  await Promise.all([client.close(), other.close()]);
  await broker.stop();
});
