/**
 * DUMP and RESTORE beside the real redis-server: what either has serialized, the other restores, and it is the same value then.
 * Skipped, and said so, without a redis-server 7.0; what concerns this broker alone is in test/unit/redis/redis-dump.test.ts.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { Crc64 } from "../../../src/base/checksum/crc64.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";
import { thorough } from "../../support/thorough.ts";

let ours: TestBroker;
let real: RealRedis;
let us: RawRedis;
let them: RawRedis;

before(async () => {
  if (noRealRedis !== false) return;
  ours = await startTestBroker();
  real = await RealRedis.start();
  us = await RawRedis.open(ours.ports.redis);
  them = await RawRedis.open(real.port);
});

after(async () => {
  if (noRealRedis !== false) return;
  await us.close();
  await them.close();
  await real.stop();
  await ours.stop();
});

const options = { skip: noRealRedis };

async function both(...words: Word[]): Promise<void> {
  await Promise.all([us.call(...words), them.call(...words)]);
}

async function same(...words: Word[]): Promise<string> {
  const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
  assert.equal(got, wanted, words.map(String).join(" ").slice(0, 200));
  return wanted;
}

async function dumpOf(client: RawRedis, key: string): Promise<Buffer> {
  const reply = await client.call("dump", key);
  const at = reply.indexOf("\r\n");
  assert.equal(reply[0], "$", reply);
  return Buffer.from(reply.slice(at + 2, -2), "latin1");
}

/** Times are those of when something was given, by one clock; the radix tree is redis's own. */
function masked(reply: string): string {
  return reply
    .replaceAll(/(radix-tree-(?:keys|nodes)\r\n):\d+/g, "$1:N")
    .replaceAll(/\$11\r\nactive-time\r\n:-?\d+\r\n/g, "")
    .replaceAll(/\$8\r\ninactive\r\n:-?\d+\r\n/g, "")
    .replaceAll(/(idle\r\n):\d+/g, "$1:T")
    .replaceAll(/\*(?:6|8|10)\r\n(?=\$4\r\nname)/g, "*N\r\n");
}

async function lookAtStream(client: RawRedis, key: string): Promise<string[]> {
  const replies: string[] = [];
  for (const words of [
    ["xinfo", "stream", key, "full", "count", 0],
    ["xinfo", "groups", key],
    ["xrange", key, "-", "+"],
  ])
    replies.push(masked(await client.call(...words)));
  return replies;
}

/** Both have the same stream `s`: each restores what the other has serialized, and what it has serialized itself. */
async function exchanged(key: string): Promise<void> {
  const [ourDump, theirDump] = [await dumpOf(us, key), await dumpOf(them, key)];
  for (const [from, dump] of [
    [us, ourDump],
    [them, theirDump],
  ] as const) {
    const wanted = await lookAtStream(from, key);
    for (const to of [us, them]) {
      assert.equal(await to.call("restore", "t", 0, dump, "replace"), "+OK\r\n");
      assert.deepEqual(await lookAtStream(to, "t"), wanted);
      // It goes on as a stream.
      assert.match(await to.call("xadd", "t", "*", "f", "v"), /^(?:\$|-ERR The stream has exhausted)/);
      for (const group of ["g", "h"]) {
        await to.call("xreadgroup", "group", group, "new", "streams", "t", ">");
        await to.call("xautoclaim", "t", group, "new", 0, 0);
      }
    }
  }
}

test("streams with groups, deleted entries and long fields", options, async () => {
  await both("flushall");
  const lines = `
    xadd s 1-1 a 1 b 2
    xadd s 1-2 a 3 b 4
    xadd s 1-3 a 3 c 4
    xadd s 2-0 a -129 b 70000
    xadd s 3-9 a -9223372036854775808 b 9223372036854775807
    xadd s 18446744073709551614-5 a x
    xadd s 18446744073709551615-18446744073709551615 a x
    xgroup create s g 0
    xgroup create s h 2 entriesread 77
    xgroup createconsumer s g idle
    xreadgroup group g one count 4 streams s >
    xreadgroup group g two count 1 streams s >
    xclaim s g two 0 1-2 retrycount 70000
    xack s g 1-3
    xdel s 1-1
    xdel s 2-0
    xtrim s minid 1-2
  `;
  for (const line of lines.trim().split("\n")) await both(...line.trim().split(" "));
  await exchanged("s");
  await both("del", "s");
  await both("xgroup", "create", "s", "g", 0, "mkstream");
  await exchanged("s");
  await both(
    "xadd",
    "s",
    "5-5",
    "x".repeat(70),
    "y".repeat(5000),
    "",
    "",
    Buffer.from([0, 255, 10]),
    "z".repeat(20_000),
  );
  await exchanged("s");
  for (let i = 1; i <= 450; i++) await both("xadd", "s", `9-${i}`, "f", i % 7 === 0 ? "-5" : "value", "g", i);
  await both("xreadgroup", "group", "g", "one", "count", 300, "streams", "s", ">");
  await both("xdel", "s", ...Array.from({ length: 150 }, (_, i) => `9-${3 * i + 1}`));
  await exchanged("s");
  await both("xtrim", "s", "maxlen", 0);
  await exchanged("s");
});

test("strings and hashes", options, async () => {
  await both("flushall");
  const values = [
    "",
    "1",
    "-1",
    "128",
    "-32769",
    "2147483647",
    "99999999999",
    "0012",
    "text",
    "x".repeat(63),
  ];
  values.push("x".repeat(64), "abc".repeat(10_000), "y".repeat(16_384));
  for (const value of values) {
    await both("set", "k", value);
    for (const from of [us, them]) {
      const dump = await dumpOf(from, "k");
      await same("restore", "r", 0, dump, "replace");
      assert.equal(await same("get", "r"), `$${value.length}\r\n${value}\r\n`);
    }
  }
  for (const count of [1, 100, 600]) {
    await both("del", "h");
    for (let i = 0; i < count; i++)
      await both("hset", "h", `field${i}`, i % 3 === 0 ? i : "v".repeat(i % 100));
    const wanted = (await them.call("hgetall", "h")).split("\r\n").toSorted();
    for (const from of [us, them]) {
      const dump = await dumpOf(from, "h");
      await same("restore", "r", 0, dump, "replace");
      await same("hlen", "r");
      for (const to of [us, them])
        assert.deepEqual((await to.call("hgetall", "r")).split("\r\n").toSorted(), wanted);
    }
  }
});

test("arguments and errors", options, async () => {
  await both("flushall");
  await both("xadd", "s", "1-1", "a", 1);
  await both("set", "k", "v");
  const dumps = { s: await dumpOf(them, "s"), k: await dumpOf(them, "k") };
  await same("dump", "none");
  for (const dump of Object.values(dumps)) {
    await same("restore", "k", 0, dump);
    await same("restore", "s", 0, dump);
    await same("restore", "t", -1, dump);
    await same("restore", "t", "x", dump);
    await same("restore", "k", "x", dump);
    await same("restore", "t", 0, dump, "foo");
    await same("restore", "t", 0, dump, "idletime");
    await same("restore", "t", 0, dump, "idletime", -1);
    await same("restore", "t", 0, dump, "idletime", "x");
    await same("restore", "t", 0, dump, "freq", 256);
    await same("restore", "t", 0, dump, "freq", -1);
    await same("restore", "t", 0, dump, "freq", 1, "idletime", 1);
    await same("restore", "t", 0, dump.subarray(0, -1));
    // A string's type is 0, which the checksum does not see at the front.
    for (const client of [us, them])
      assert.match(await client.call("restore", "t", 0, dump.subarray(1)), /^-ERR (?:DUMP payload|Bad data)/);
    await same("restore", "t", 0, "");
    await same("restore", "t", 0, "0123456789");
    const newer = Buffer.from(dump);
    newer[newer.length - 10] = 99;
    new Crc64().update(newer, 0, newer.length - 8).write(newer, newer.length - 8);
    await same("restore", "t", 0, newer);
    await same("exists", "t");
    await same("restore", "t", 33_177_117_420_000, dump, "absttl");
    await same("pexpiretime", "t");
    await same("restore", "t", 0, dump, "REPLACE", "idletime", 5);
    await same("pexpiretime", "t");
    await same("restore", "t", 1000, dump, "absttl");
    await same("restore", "t", 1000, dump, "absttl", "replace");
    await same("exists", "t");
    await same("restore", "t", 1000_000, dump, "freq", 5);
    await same("type", "t");
    await same("ttl", "t");
    await same("watch", "t");
    await same("restore", "t", 0, dump, "replace");
    await same("multi");
    await same("restore", "u", 0, dump, "replace");
    await same("exec");
    await same("exists", "u");
    await same("multi");
    await same("restore", "u", 0, dump, "replace");
    await same("type", "u");
    await same("exec");
    await same("del", "t", "u");
  }
  // What redis finds only after the checksum.
  for (const cut of [
    dumps.s.subarray(0, 30),
    Buffer.from([19]),
    // Redis reads on into version and checksum where they are enough.
    Buffer.from([0, 50, 65]),
    Buffer.from([4, 0]),
    Buffer.from([99, 1]),
  ]) {
    const bad = Buffer.concat([cut, Buffer.from([10, 0]), Buffer.alloc(8)]);
    new Crc64().update(bad, 0, bad.length - 8).write(bad, bad.length - 8);
    const [got, wanted] = [await us.call("restore", "t", 0, bad), await them.call("restore", "t", 0, bad)];
    assert.match(wanted, /^-ERR Bad data format/);
    assert.match(got, /^-ERR Bad data format/);
  }
});

test("a blocked reader gets what is restored", options, async () => {
  await both("flushall");
  await both("xadd", "s", "1-1", "a", 1);
  const dump = await dumpOf(them, "s");
  const waiter = await RawRedis.open(ours.ports.redis);
  const answer = waiter.call("xread", "block", 0, "streams", "t", 0);
  while (!(await us.call("info", "clients")).includes("blocked_clients:1"));
  await us.call("restore", "t", 0, dump);
  assert.match(await answer, /1-1/);
  await waiter.close();
});

const field = fc.oneof(
  fc.constantFrom("f", "g", "", "longer name"),
  fc.integer().map(String),
  fc.string({ maxLength: 80 }),
);
const consumer = fc.constantFrom("x", "y", "z");
const group = fc.constantFrom("g", "h");
const id = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3 }))
  .map((part) => part.join("-"));
const w = (word: Word): fc.Arbitrary<Word> => fc.constant(word);

const command: fc.Arbitrary<Word[]> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc
      .tuple(id, fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 4 }))
      .map(([at, pairs]) => (["xadd", "s", at] as Word[]).concat(pairs.flat())),
  },
  { weight: 4, arbitrary: w("f").chain(() => fc.tuple(w("xadd"), w("s"), w("50-*"), w("f"), field)) },
  { weight: 2, arbitrary: fc.tuple(w("xgroup"), w("create"), w("s"), group, id, w("mkstream")) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(group, consumer, fc.integer({ min: 1, max: 6 }))
      .map(([name, who, count]) => ["xreadgroup", "group", name, who, "count", count, "streams", "s", ">"]),
  },
  fc.tuple(w("xack"), w("s"), group, id),
  fc.tuple(w("xclaim"), w("s"), group, consumer, w(0), id),
  { weight: 2, arbitrary: fc.tuple(w("xdel"), w("s"), id) },
  fc.tuple(w("xtrim"), w("s"), w("maxlen"), fc.integer({ min: 0, max: 10 })),
  fc.tuple(w("xgroup"), w("setid"), w("s"), group, id),
);

test("random streams go both ways", options, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 60 }), async (commands) => {
      await both("flushall");
      await both("xgroup", "create", "s", "g", 0, "mkstream");
      for (const words of commands) await both(...words);
      await exchanged("s");
    }),
    { numRuns: 40 * thorough },
  );
});
