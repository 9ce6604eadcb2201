/** Streams, groups and pending entries, bits, HyperLogLogs and dumps outlive a killed broker and its restart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";

/** Everything that can be asked about a stream, times masked. */
async function describe(client: RawRedis, key: string): Promise<string[]> {
  const mask = (reply: string): string =>
    reply
      .replaceAll(/(seen-time|active-time|idle|inactive)\r\n:-?\d+/g, "$1\r\n:T")
      .replaceAll(/:\d{13}\r\n/g, ":T\r\n")
      .replaceAll(/:\d+\r\n(?=:\d+\r\n)/g, ":T\r\n");
  return [
    await client.call("xrange", key, "-", "+"),
    await client.call("xinfo", "stream", key),
    mask(await client.call("xinfo", "stream", key, "full", "count", 0)),
    mask(await client.call("xpending", key, "g", "-", "+", 1000)),
    mask(await client.call("xinfo", "consumers", key, "g")),
  ];
}

test("ids of 64 bits are the same after kill -9, and count on", async () => {
  const broker = await startTestBroker();
  let client = await RawRedis.open(broker.ports.redis);
  const far = "9223372036854775808-18446744073709551613";
  const ids = ["9007199254740993-9007199254740993", far];
  for (const id of ids) assert.equal(await client.call("xadd", "s", id, "a", 1), bulk(id));
  await client.call("xgroup", "create", "s", "g", "9007199254740993-9007199254740992");
  await client.call("xadd", "s", "*", "a", 1);
  await client.call("xreadgroup", "group", "g", "alice", "streams", "s", ">");
  await client.call("xadd", "s", "*", "a", 1);
  assert.equal(await client.call("xadd", "s", "*", "a", 1), bulk("9223372036854775809-0"));
  await client.call("xclaim", "s", "g", "bob", 0, "9223372036854775809-0", "force");
  await client.call("xdel", "s", "9223372036854775808-18446744073709551615");
  await client.call("xadd", "last", "18446744073709551615-18446744073709551614", "a", 1);
  const before = await describe(client, "s");
  assert.match(before[1]!, /max-deleted-entry-id\r\n\$40\r\n9223372036854775808-18446744073709551615/);
  assert.match(before[3]!, /9223372036854775808-18446744073709551614[^]*9223372036854775809-0/);
  await client.close();
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    await broker.kill(signal);
    await broker.restart();
    client = await RawRedis.open(broker.ports.redis);
    assert.deepEqual(await describe(client, "s"), before);
    await client.close();
  }
  client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("xadd", "s", "*", "a", 1), bulk("9223372036854775809-1"));
  // The last one of all is known at once, in a pipeline too.
  const replies = await Promise.all([1, 2].map(() => client.call("xadd", "last", "*", "a", 1)));
  assert.equal(replies[0], bulk("18446744073709551615-18446744073709551615"));
  assert.match(replies[1]!, /^-ERR The stream has exhausted the last possible ID/);
  await client.close();
  await broker.stop();
});

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

test("all of a group's state is the same after kill -9", async () => {
  const broker = await startTestBroker();
  let client = await RawRedis.open(broker.ports.redis);
  for (let i = 1; i <= 300; i++) await client.call("xadd", "s", i % 3 === 0 ? `${i}-1` : `${i}-*`, "n", i);
  await client.call("xgroup", "create", "s", "g", 0);
  await client.call("xgroup", "create", "s", "later", "$");
  await client.call("xreadgroup", "group", "g", "alice", "count", 100, "streams", "s", ">");
  await client.call("xreadgroup", "group", "g", "bob", "count", 50, "streams", "s", ">");
  await client.call("xreadgroup", "group", "g", "carol", "noack", "count", 5, "streams", "s", ">");
  await client.call("xack", "s", "g", "1-0", "2-0", "3-1", "77-0", "140-0");
  await client.call("xclaim", "s", "g", "dave", 0, "10-0", "11-0", "retrycount", 9);
  await client.call("xdel", "s", "20-0", "21-1", "299-0");
  await client.call("xtrim", "s", "maxlen", 260);
  await client.call("xgroup", "delconsumer", "s", "g", "bob");
  await client.call("xsetid", "s", "1000-0");
  await client.call("select", 1);
  await client.call("xadd", "s", "7-7", "in", "one");
  await client.call("select", 0);
  const before = await describe(client, "s");
  assert.match(before[3]!, /\$3\r\n4-0/);
  await client.close();

  await broker.kill();
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.deepEqual(await describe(client, "s"), before);
  await client.call("select", 1);
  assert.match(await client.call("xrange", "s", "-", "+"), /^\*1\r\n\*2\r\n\$3\r\n7-7/);
  await client.call("select", 0);
  // Entries that are gone are still pending, and can still be acknowledged.
  assert.equal(await client.call("xack", "s", "g", "4-0", "20-0"), ":2\r\n");
  assert.match(await client.call("xadd", "s", "*", "a", 1), /^\$\d+\r\n\d{13}-0\r\n$/);
  const changed = await describe(client, "s");
  await client.close();

  await broker.kill("SIGTERM");
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.deepEqual(await describe(client, "s"), changed);
  await client.call("del", "s");
  await client.close();

  await broker.kill();
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("exists", "s"), ":0\r\n");
  await client.close();
  await broker.stop();
});

test("bits, HyperLogLogs and restored values are the same after kill -9, with their encodings and dumps", async () => {
  const broker = await startTestBroker();
  let client = await RawRedis.open(broker.ports.redis);
  await client.call("setbit", "bits", 1000, 1);
  await client.call("bitfield", "bits", "set", "u16", 77, 4711, "incrby", "i5", 99, 30);
  await client.call("bitop", "not", "inverted", "bits");
  await client.call("set", "number", 12);
  await client.call("append", "number", 3);
  await client.call("incrbyfloat", "float", 3);
  const elements = (from: number) => Array.from({ length: 1000 }, (_, i) => `element${from + i}`);
  await client.call("pfadd", "sparse", ...elements(0).slice(0, 50));
  await client.call("pfcount", "sparse");
  await client.call("pfadd", "dense", ...elements(0));
  await client.call("pfadd", "dense", ...elements(1000));
  await client.call("pfcount", "dense");
  await client.call("pfadd", "dense", "one more", ...elements(2000));
  await client.call("pfmerge", "merged", "sparse", "dense");
  await client.call(
    "hset",
    "hash",
    ...elements(0)
      .slice(0, 200)
      .flatMap((field) => [field, "v"]),
  );
  await client.call("hset", "large", ...elements(0).flatMap((field) => [field, "v".repeat(70)]));
  await client.call(
    "sadd",
    "integers",
    ...elements(0)
      .slice(0, 400)
      .map((text) => text.slice(7)),
  );
  await client.call("sadd", "texts", ...elements(0));
  await client.call("rpush", "list", ...elements(0).slice(0, 20));
  await client.call("rpush", "largelist", ...elements(0), "x".repeat(70_000), ...elements(1000));
  await client.call(
    "zadd",
    "zset",
    ...elements(0)
      .slice(0, 100)
      .flatMap((each, i) => [i / 3, each]),
  );
  await client.call("zadd", "largezset", ...elements(0).flatMap((each, i) => [i / 3, each]));
  await client.call("sort", "texts", "alpha", "desc", "store", "sorted");
  await client.call("sort", "list", "by", "nosort", "limit", 2, 5, "store", "few");
  const zeros = (zero: string) =>
    elements(0)
      .slice(0, 200)
      .flatMap((each) => [zero, each]);
  await client.call("zadd", "zeros", ...zeros("1"));
  await client.call("zadd", "zeros", ...zeros("-0"));
  await client.call("zunionstore", "zeros3", 1, "zeros");
  const ordered = ["list", "largelist", "zset", "largezset", "zeros"];
  for (const key of ["bits", "dense", "hash", "large", "integers", "texts", ...ordered]) {
    const dump = Buffer.from(
      (await client.call("dump", key)).replace(/^\$\d+\r\n/, "").slice(0, -2),
      "latin1",
    );
    assert.equal(await client.call("restore", `${key}2`, 33_177_117_420_000, dump, "absttl"), "+OK\r\n");
  }
  const keys = ["bits", "inverted", "number", "float", "sparse", "dense", "merged", "bits2", "dense2"];
  const state = async (): Promise<string[]> => {
    const replies: string[] = [];
    for (const key of keys) replies.push(await client.call("get", key));
    const kept = [...ordered, ...ordered.map((key) => `${key}2`), "sorted", "few", "zeros3"];
    for (const key of [...keys, "hash", "hash2", "integers", "integers2", ...kept])
      replies.push(await client.call("dump", key));
    for (const key of [...keys, "hash", "hash2", "large", "large2", ...kept]) {
      replies.push(await client.call("object", "encoding", key), await client.call("pexpiretime", key));
    }
    for (const key of ["large", "large2", "texts", "texts2"]) {
      const command = key.startsWith("large") ? "hgetall" : "smembers";
      replies.push((await client.call(command, key)).split("\r\n").toSorted().join());
    }
    return replies;
  };
  const before = await state();
  await client.close();
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    await broker.kill(signal);
    await broker.restart();
    client = await RawRedis.open(broker.ports.redis);
    assert.deepEqual(await state(), before);
    await client.close();
  }
  await broker.stop();
});
