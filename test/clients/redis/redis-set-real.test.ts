/**
 * Sets in the real redis-server and in ours, replies compared byte by byte in RESP2 and RESP3: each command with its options
 * and errors, keys in general over sets, then random runs. Integers come in their order, as redis's intsets have them. Where
 * redis keeps a set in a hash table its order is chance: there the lines of the reply are compared, in any order. Skipped, and
 * said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";

let ours: TestBroker;
let real: RealRedis;
const pairs: { us: RawRedis; them: RawRedis }[] = [];

before(async () => {
  if (noRealRedis !== false) return;
  ours = await startTestBroker();
  real = await RealRedis.start();
  for (const version of [2, 3]) {
    const pair = { us: await RawRedis.open(ours.ports.redis), them: await RawRedis.open(real.port) };
    await Promise.all([pair.us.call("hello", version), pair.them.call("hello", version)]);
    pairs.push(pair);
  }
});

after(async () => {
  if (noRealRedis !== false) return;
  for (const { us, them } of pairs) await Promise.all([us.close(), them.close()]);
  await real.stop();
  await ours.stop();
});

type Pair = (typeof pairs)[number];

/** Commands whose reply is in the order of the value. */
const unordered = new Set(["smembers", "sinter", "sunion", "sdiff", "sscan", "srandmember", "spop"]);

function linesOf(reply: string): string[] {
  return reply.split("\r\n").toSorted();
}

/** Whether a reply of members has integers alone, at most as many as redis keeps in order. */
function isOfIntset(reply: string): boolean {
  const members = reply.split("\r\n").filter((_, i, all) => i > 0 && all[i - 1]!.startsWith("$"));
  return members.length <= 512 && members.every((member) => /^(0|-?[1-9]\d{0,17})$/.test(member));
}

async function same({ us, them }: Pair, words: Word[], order: "exact" | "any" | "integers"): Promise<void> {
  const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
  const shown = words.map(String).join(" ").slice(0, 200);
  const isFree = order !== "exact" && unordered.has(String(words[0]));
  if (isFree) assert.deepEqual(linesOf(got), linesOf(wanted), shown);
  else assert.equal(got, wanted, shown);
  // Redis's sets made anew of integers are intsets.
  if (order === "integers" && ["sunion", "sdiff"].includes(String(words[0])) && isOfIntset(wanted))
    assert.equal(got, wanted, shown);
}

/** A command on each line. `X64` and the like are so many letters. */
async function sameAll(lines: string, order: "exact" | "any" = "exact"): Promise<void> {
  for (const pair of pairs) {
    for (const line of lines.split("\n")) {
      const words = line.trim().split(" ");
      if (words[0] === "") continue;
      const sent = words.map((word) =>
        word === '""' ? "" : word.replace(/^X(\d+)$/, (_, size) => "x".repeat(Number(size))),
      );
      await same(pair, sent, order);
    }
  }
}

const options = { skip: noRealRedis };

const span = (from: number, to: number, by = 1): string =>
  Array.from({ length: Math.ceil((to - from) / by) }, (_, i) => from + i * by).join(" ");

test("members: add, look, remove", options, async () => {
  await sameAll(`
    flushall
    sadd s b
    sadd s b
    sadd s
    sadd
    scard s
    scard nokey
    scard
    scard s s
    sismember s b
    sismember s c
    sismember nokey b
    sismember s
    sismember s b c
    smismember s b c b
    smismember nokey b c
    smismember s
    smembers s
    smembers nokey
    smembers
    smembers s s
    srem s c
    srem s
    srem nokey c
    srem s b c
    exists s
    type s
    sadd s ""
    smembers s
    sismember s ""
    srem s "" ""
    exists s
    sadd i 3 1 2 3 1
    smembers i
    sadd i -5 10 -10 0 9 100 99 -9223372036854775808 9223372036854775807
    smembers i
    sscan i 0
    srem i 10 -5 no
    smembers i
    smismember i 0 00 -0 +1 1 1.0
    sadd i 01
    object encoding i
    type i
    srem i 01
    object encoding i
    scard i
    sadd big ${span(0, 300, 3)} ${span(1, 300, 3)} ${span(2, 300, 3)}
    smembers big
    object encoding big
    sscan big 0 count 5
    sscan big 7 match 1* count 5
    sscan big 0 match ??7
    srandmember big 300
    srandmember big 1000
    srem big ${span(0, 300, 2)}
    smembers big
    sinter big big
    spop big 1000
    exists big
  `);
});

test("the encoding that OBJECT tells", options, async () => {
  await sameAll(
    `
    flushall
    sadd s ${span(0, 512)}
    object encoding s
    sadd s 0
    object encoding s
    smembers s
    sadd s 512
    object encoding s
    smembers s
    srem s 0 1 2
    object encoding s
    sadd t 1 2 a
    object encoding t
    srem t a
    object encoding t
    smembers t
    sadd u 9223372036854775807 -9223372036854775808
    object encoding u
    sadd u 9223372036854775808
    object encoding u
    sadd v X5000
    object encoding v
    copy s c
    object encoding c
    copy t c2
    object encoding c2
    sadd w 1
    rename w w2
    object encoding w2
    sunionstore d t
    object encoding d
    smembers d
    sinterstore d t t
    object encoding d
    sdiffstore d t nokey
    object encoding d
    sunionstore d s
    object encoding d
    sadd f 1 2 3 a b
    sadd g a b
    sdiffstore d f g
    object encoding d
    sdiff f g
    sadd small a
    sadd n ${span(0, 50)} a
    sdiffstore d n small small small nokey
    object encoding d
    sadd ma ${span(0, 20)} a
    srem ma a
    object encoding ma
    spop ma 20
    exists ma
    sadd mb ${span(0, 600)}
    object encoding mb
    object encoding mb
  `,
    "any",
  );
});

test("what SPOP leaves may be an intset again", options, async () => {
  for (const { us, them } of pairs) {
    for (const [count, members] of [
      [20, "a"],
      [50, "a"],
      [200, "a"],
      [600, ""],
    ] as const) {
      for (const taken of [1, 0.3, 0.8, 0.84, 0.9, 0.99]) {
        const words: Word[] = ["sadd", "s", ...span(0, count).split(" ")];
        if (members !== "") words.push(members);
        for (const side of [us, them]) {
          await side.call("del", "s");
          await side.call(...words);
          if (members !== "") await side.call("srem", "s", members);
          await side.call("spop", "s", Math.floor(count * taken));
        }
        await same({ us, them }, ["object", "encoding", "s"], "exact");
        await same({ us, them }, ["scard", "s"], "exact");
        const [got, left] = await Promise.all([us.call("smembers", "s"), them.call("scard", "s")]);
        assert.equal(/^[*~](\d+)/.exec(got)![1], left.slice(1, -2));
        if ((await us.call("object", "encoding", "s")).includes("intset")) {
          const numbers = got.split("\r\n").filter((line) => /^\d+$/.test(line));
          assert.deepEqual(
            numbers,
            numbers.toSorted((a, b) => Number(a) - Number(b)),
          );
        }
      }
    }
  }
});

test("union, intersection and difference", options, async () => {
  await sameAll(`
    flushall
    set str v
    sadd a 1 2 3 4 5
    sadd b 3 4 5 6 7
    sadd c 5 10 3
    sadd one x
    sunion a b c
    sunion a
    sunion nokey
    sunion nokey a nokey
    sunion
    sunion a str
    sunion str a
    sinter a b
    sinter a b c
    sinter a
    sinter c b a
    sinter a nokey
    sinter nokey str
    sinter str nokey
    sinter a str
    sinter
    sinter one one
    sinter a one
    sdiff a b
    sdiff a b c
    sdiff a
    sdiff a a
    sdiff a nokey
    sdiff nokey a
    sdiff nokey str
    sdiff a b a
    sdiff a str
    sdiff
    sintercard 2 a b
    sintercard 1 a
    sintercard 2 a nokey
    sintercard 3 a b c limit 1
    sintercard 3 a b c limit 0
    sintercard 3 a b c LIMIT 10
    sintercard 2 a b limit 2 limit 1
    sintercard 0 a
    sintercard -1 a
    sintercard x a
    sintercard 3 a b
    sintercard 1 a b
    sintercard 1 a limit
    sintercard 1 a limit -1
    sintercard 1 a limit x
    sintercard 1 str
    sintercard 2 nokey str
    sintercard 9223372036854775807 a
    sintercard 9223372036854775808 a
    sintercard 1
    sunionstore d a b
    smembers d
    sinterstore d a b
    smembers d
    sdiffstore d a b
    smembers d
    sdiffstore a a b
    smembers a
    sunionstore a a b
    smembers a
    sinterstore d a nokey
    exists d
    sinterstore d a nokey
    sadd d z
    sdiffstore d a a
    exists d
    sunionstore d nokey nokey
    exists d
    sunionstore str a
    type str
    smembers str
    set str2 v
    sinterstore str2 nokey a
    exists str2
    set str2 v
    sinterstore d a str2
    sunionstore d str2
    sdiffstore d a str2
    sdiffstore str2 a nokey
    smembers str2
    sunionstore d
    sinterstore d
    sdiffstore d
    sadd e 1
    expire e 1000
    sunionstore e a
    ttl e
    expire e 1000
    sadd e 77
    ttl e
    sadd l1 ${span(0, 400)}
    sadd l2 ${span(200, 600)}
    sunion l1 b
    sinter l1 l2
    sdiff l1 l2
    sinter l1 l2 b
    sinterstore d l1 l2
    object encoding d
    smembers d
    sdiffstore d l1 l2
    smembers d
    sunionstore d l1 l2
    object encoding d
    scard d
    sintercard 2 l1 l2
    sintercard 2 l1 l2 limit 7
    sunionstore d l1 a
    object encoding d
    smembers d
  `);
});

test("SMOVE, SPOP, SRANDMEMBER and SSCAN: options and errors", options, async () => {
  await sameAll(`
    flushall
    set str v
    xadd st 1-1 a b
    sadd a 1 2 3
    sadd b 3
    smove a b 1
    smove a b 1
    smove a b 3
    smove a b 9
    smove nokey b 1
    smove nokey str 1
    smove a str 2
    smove str a 2
    smove a st 2
    smove st a 2
    smove a a 2
    smove a a 9
    smove a new 2
    exists a
    smembers new
    smembers b
    smove b new
    smove b new 1
    object encoding new
    smove b t 3
    exists b
    sadd m x
    smove m new x
    object encoding new
    exists m
    spop nokey
    spop nokey 0
    spop nokey 5
    spop nokey -1
    spop nokey x
    spop str
    spop str 1
    spop str 0
    spop t 1 2
    spop
    spop t x
    spop t -1
    spop t 9223372036854775808
    spop t 0
    spop t
    exists t
    sadd t 5
    spop t 9223372036854775807
    exists t
    sadd t 3 2 1
    spop t 3
    sadd t a
    spop t 1
    srandmember nokey
    srandmember nokey 5
    srandmember nokey -5
    srandmember nokey x
    srandmember str
    srandmember str 3
    sadd r 7
    srandmember r
    srandmember r 3
    srandmember r -3
    srandmember r 0
    srandmember r x
    srandmember r -9223372036854775808
    srandmember r 9223372036854775808
    srandmember r 1 2
    srandmember
    sadd r 5 6
    srandmember r 3
    srandmember r 100
    sscan r 0
    sscan r 5
    sscan r 0 match 5
    sscan r 0 match no*
    sscan r 0 count 1
    sscan r 0 match ? count 1000
    sscan r 0 count 0
    sscan r 0 count x
    sscan r 0 match
    sscan r 0 type string
    sscan r 0 foo bar
    sscan r x
    sscan r
    sscan nokey 0
    sscan nokey 5 foo
    sscan nokey x
    sscan str 0
  `);
  await sameAll(
    `
    sadd w a b c dd
    sscan w 0
    sscan w 0 match d*
    smembers w
    sinter w w
    srandmember w 4
    srandmember w 10
    spop w 10
    exists w
  `,
    "any",
  );
});

test("other types are refused, keys in general take sets", options, async () => {
  await sameAll(`
    flushall
    set str v
    hset h f v
    xadd st 1-1 a b
    sadd str a
    sadd h a
    sadd st a
    srem str a
    sismember h a
    smismember str a
    scard st
    smembers str
    smembers st
    sadd s 1 2
    get s
    set s v
    append s x
    incr s
    hget s f
    hset s f v
    xadd s * a b
    mget s str
    strlen s
    sadd s 1 2
    del s
    sadd s 1 2
    type s
    object encoding s
    object refcount s
    exists s
    expire s 1000
    ttl s
    sadd s 3
    ttl s
    persist s
    rename s s2
    smembers s2
    exists s
    renamenx s2 str
    rename s2 str
    type str
    smembers str
    copy str c
    copy str c
    copy str c replace
    sadd c 9
    scard str
    scard c
    copy str c db 3
    move str 3
    move str 4
    exists str
    select 4
    smembers str
    swapdb 4 5
    smembers str
    select 5
    smembers str
    select 3
    smembers c
    flushdb
    smembers c
    select 0
    set c string
    get c
    sadd g v
    scan 0 type set count 1000
    scan 0 type set match g count 1000
    unlink g
    sadd g v
    pexpireat g 1
    exists g
    smembers g
    sadd w 1
    multi
    sadd w 2
    sismember w 2
    smembers w
    sinter w w
    sunionstore w2 w w
    smembers w2
    spop w 5
    sscan w2 0
    exec
    watch w2
    sadd w2 7
    multi
    scard w2
    exec
    watch w2
    sadd w2 7
    srem w2 nomember
    smove nokey w2 a
    multi
    scard w2
    exec
    watch w2
    sunionstore w2 w2
    multi
    scard w2
    exec
    watch nokey
    sinterstore nokey nokey2 nokey3
    multi
    scard w2
    exec
    sadd w4 1
    watch w4
    spop w4
    multi
    scard w2
    exec
    sadd w2 1 2 3
    watch w2
    smove w2 w3 1
    multi
    scard w2
    exec
    watch w3
    smove w2 w3 2
    multi
    scard w2
    exec
    watch w3
    smove w3 w3 2
    multi
    scard w2
    exec
  `);
});

const key = fc.constantFrom("a", "b", "c", "d");
const integer = fc.oneof(
  fc.nat({ max: 12 }),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom("9223372036854775807", "-9223372036854775808", "9007199254740993", "1000000000000"),
);
const member = fc.oneof(
  { weight: 4, arbitrary: integer.map(String) },
  { weight: 1, arbitrary: fc.nat({ max: 20 }).map((n) => `m${n}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "00", "-0", "+1", "1.0", "x".repeat(300), "9223372036854775808"),
  },
);
const someMembers = (max: number) =>
  fc.oneof(
    fc.array(integer.map(String), { minLength: 1, maxLength: max }),
    fc.array(member, { minLength: 1, maxLength: max }),
  );
const someKeys = fc.array(fc.oneof({ weight: 9, arbitrary: key }, fc.constant("nokey")), {
  minLength: 1,
  maxLength: 4,
});
const joined = (...parts: Word[][]): Word[] => parts.flat();
const command: fc.Arbitrary<Word[]> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(key, someMembers(40)).map(([k, all]) => joined(["sadd", k], all)) },
  { weight: 3, arbitrary: fc.tuple(key, someMembers(12)).map(([k, all]) => joined(["srem", k], all)) },
  { weight: 2, arbitrary: fc.tuple(key, someMembers(4)).map(([k, all]) => joined(["smismember", k], all)) },
  fc.tuple(fc.constant("sismember"), key, member),
  { weight: 2, arbitrary: fc.tuple(fc.constant("smove"), key, key, member) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom("sinter", "sunion", "sdiff"), someKeys)
      .map(([name, keys]) => joined([name], keys)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom("sinterstore", "sunionstore", "sdiffstore"), key, someKeys)
      .map(([name, to, keys]) => joined([name, to], keys)),
  },
  fc
    .tuple(someKeys, fc.nat({ max: 5 }))
    .map(([keys, limit]) => joined(["sintercard", keys.length], keys, ["limit", limit])),
  fc.tuple(fc.constantFrom("smembers", "scard", "type", "exists", "ttl", "del", "persist"), key),
  fc.tuple(fc.constant("spop"), key, fc.constant(100_000)),
  fc.tuple(fc.constant("srandmember"), key, fc.constant(100_000)),
  fc.tuple(fc.constantFrom("rename", "renamenx", "copy"), key, key),
  fc.tuple(fc.constant("copy"), key, key, fc.constant("replace")),
  fc.tuple(fc.constant("move"), key, fc.constantFrom(0, 1)),
  fc.tuple(fc.constant("set"), key, member),
  { weight: 2, arbitrary: fc.tuple(fc.constant("object"), fc.constant("encoding"), key) },
  fc.tuple(fc.constant("expireat"), key, fc.constantFrom(33_177_117_420, 1)),
  fc.tuple(fc.constant("select"), fc.constantFrom(0, 1)),
  fc.tuple(fc.constant("swapdb"), fc.constant(0), fc.constant(1)),
  fc.tuple(fc.constantFrom("dbsize", "flushdb")),
);

test("random runs", options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 20, maxLength: 80 }),
      fc.nat({ max: 1 }),
      async (commands, at) => {
        const sides = pairs[at]!;
        await same(sides, ["flushall"], "exact");
        await same(sides, ["select", 0], "exact");
        for (const words of commands) {
          await same(sides, words, "integers");
          // An intset is in order, whatever came before.
          const k = String(words[1]);
          const isSet = (await sides.them.call("type", k)) === "+set\r\n";
          if (isSet && (await sides.them.call("object", "encoding", k)).includes("intset"))
            for (const read of ["smembers", "sunion", "sinter"]) await same(sides, [read, k], "exact");
        }
        for (const name of ["a", "b", "c", "d"]) {
          await same(sides, ["object", "encoding", name], "exact");
          await same(sides, ["smembers", name], "any");
        }
      },
    ),
    { numRuns: 120 },
  );
});
