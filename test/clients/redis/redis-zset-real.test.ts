/**
 * Sorted sets in the real redis-server and in ours, replies compared byte by byte in RESP2 and RESP3: each command with its options
 * and errors, keys in general over sorted sets, then random runs. Only ZSCAN of what redis keeps in a hash table has an order that is
 * chance: there the lines of the reply are compared, in any order. Skipped, and said so, where there is no redis-server 7.0.
 */
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { Word } from "../../support/raw-redis.ts";
import { noRealRedis } from "../../support/real-redis.ts";
import { BesideRedis } from "../../support/beside-redis.ts";

let beside: BesideRedis;

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start(["zscan", "zrandmember"]);
});

after(async () => {
  if (noRealRedis === false) await beside.stop();
});

const options = { skip: noRealRedis };

test("ZADD and its options, ZINCRBY", options, async () => {
  await beside.sameAll(`
    flushall
    zadd z 1 a
    zadd z 1 a 2 b 3 c
    zadd z ch 2 a 2 b 4 d
    zadd z nx 9 a 9 e
    zadd z xx 8 a 8 f
    zadd z xx ch 7 a 8 b
    zadd z gt 5 a 9 b
    zadd z gt ch 9 a 1 b 3 g
    zadd z lt ch 1 a 9 b 3 h
    zadd z xx gt ch 2 a 5 i
    zadd z xx lt ch 1 a 5 i
    zadd z incr 2.5 a
    zadd z incr nx 1 a
    zadd z incr nx 1 new
    zadd z incr xx 1 new2
    zadd z incr xx 1 new
    zadd z incr gt -1 a
    zadd z incr lt -1 a
    zadd z incr gt 1 a
    zadd z incr 0 a
    zadd z xx incr 1 nokey
    zadd nokey xx 1 a
    zadd nokey xx incr 1 a
    exists nokey
    zrange z 0 -1 withscores
    zadd
    zadd z
    zadd z 1
    zadd z 1 a 2
    zadd z nx
    zadd z nx xx 1 a
    zadd z nx gt 1 a
    zadd z nx lt 1 a
    zadd z gt lt 1 a
    zadd z incr 1 a 2 b
    zadd z nx nx 1 q
    zadd z NX CH 1 q2
    zadd z foo a
    zadd z foo 1 a
    zadd z 1 a x b
    zadd z nan a
    zadd z "" a
    zadd z 1e400 a
    zadd z 1e-400 a
    zadd z 0x10 hex
    zadd z 0x1p3 hex2
    zadd z 0x.8 hex3
    zadd z -0xA.8P-1 hex4
    zadd z 0x0p5 hex5
    zadd z 0x1p-2000 a
    zadd z 0x1p2000 a
    zadd z 0x a
    zadd z 0x1p a
    zadd z 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000.5 long
    zadd z 0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000005 long2
    zscore z long
    zscore z long2
    zadd z infi a
    zadd z 1. dot
    zadd z .5 dot2
    zadd z +5 plus
    zadd z -0 minus
    zadd z inf i -inf j Infinity k
    zadd z incr -inf i
    zadd z incr inf i
    zincrby z inf j
    zincrby z -inf k
    zincrby z 1.5 a
    zincrby z 1 newest
    zincrby new 2 m
    zincrby z x a
    zincrby z nan a
    zincrby z 1
    zincrby z nx a
    zincrby z 0.1 ten
    zincrby z 0.2 ten
    zincrby z -0 zero
    zscore z zero
    zadd z 1e16 big 1e17 bigger 123456789012345678 digits 1e300 huge 1e-300 tiny
    zrange z 0 -1 withscores
    zadd z 3 ""
    zscore z ""
    zcard z
    zcard nokey
    zcard
    set s v
    zadd s 1 a
    zadd s x a
    zadd s xx 1 a
    zincrby s 1 a
  `);
});

test("reading members: ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZREM", options, async () => {
  await beside.sameAll(`
    flushall
    zadd z 1 a 2 b 2 bb 2 ba 3.25 c -inf d inf e
    zscore z a
    zscore z c
    zscore z d
    zscore z no
    zscore nokey a
    zscore z
    zmscore z a no e c
    zmscore nokey a b
    zmscore z
    zrank z a
    zrank z ba
    zrank z no
    zrank nokey a
    zrevrank z a
    zrevrank z e
    zrevrank z no
    zrevrank nokey a
    zrank z
    zrem z no
    zrem nokey a
    zrem z
    zrem z a a b
    zcard z
    zrange z 0 -1 withscores
    zrem z bb ba c d e
    exists z
    type z
    set s v
    zscore s a
    zmscore s a
    zrank s a
    zrevrank s a
    zrem s a
    zcard s
  `);
});

const bounds = [
  "1",
  "(1",
  "2",
  "(2",
  "2.5",
  "-inf",
  "+inf",
  "(inf",
  "(-inf",
  "",
  "(",
  "1e400",
  "-5",
  "0x2",
  "nan",
  "x",
  "(x",
  "1x",
  "inf",
];
const names = ["-", "+", "[a", "(a", "[b", "(b", "[c", "(cc", "[", "(", "a", "--", "+x", "", "[zz"];

test("ranges by rank, score and name, in both directions, with limits", options, async () => {
  const lines: string[] = [
    "flushall",
    "zadd z 1 a 2 b 2 c 2.5 d 3 e -1 f 2 bb",
    "zadd n 0 a 0 b 0 c 0 d 0 ab 0 cc 0 bb",
  ];
  for (const start of [0, 1, -1, -3, 5, 100, -100])
    for (const stop of [0, 2, -1, -2, 100, -100])
      lines.push(
        `zrange z ${start} ${stop}`,
        `zrevrange z ${start} ${stop} withscores`,
        `zrange z ${start} ${stop} rev withscores`,
      );
  const shown = (word: string): string => (word === "" ? '""' : word);
  for (const [i, min] of bounds.entries())
    for (const max of bounds.slice(i % 3))
      lines.push(
        `zrangebyscore z ${shown(min)} ${shown(max)} withscores`,
        `zrevrangebyscore z ${shown(max)} ${shown(min)}`,
        `zcount z ${shown(min)} ${shown(max)}`,
      );
  for (const min of names)
    for (const max of names)
      lines.push(
        `zrangebylex n ${shown(min)} ${shown(max)}`,
        `zrevrangebylex n ${shown(max)} ${shown(min)}`,
        `zlexcount n ${shown(min)} ${shown(max)}`,
      );
  // Scores that differ: redis walks a listpack from one end.
  for (const [i, min] of names.entries())
    for (const max of names.slice(i % 2))
      lines.push(
        `zrangebylex z ${shown(min)} ${shown(max)}`,
        `zrevrangebylex z ${shown(max)} ${shown(min)} limit 0 3`,
        `zlexcount z ${shown(min)} ${shown(max)}`,
      );
  await beside.sameAll(lines.join("\n"));
  await beside.sameAll(`
    zrange z 1 (2 byscore
    zrange z (2 1 byscore rev withscores
    zrange n [a (c bylex
    zrange n (c [a bylex rev
    zrange n [a (c bylex limit 1 1
    zrange z -inf +inf byscore limit 1 2
    zrange z -inf +inf byscore limit 1 -1
    zrange z -inf +inf byscore limit 0 0
    zrange z -inf +inf byscore limit -1 2
    zrange z -inf +inf byscore limit 100 2
    zrange z +inf -inf byscore rev limit 2 2 withscores
    zrangebyscore z -inf +inf limit 2 3 withscores
    zrangebyscore z -inf +inf withscores limit 2 3
    zrevrangebyscore z +inf -inf limit 1 2
    zrevrangebyscore z +inf -inf limit -1 2
    zrangebylex n - + limit 2 3
    zrevrangebylex n + - limit 2 3
    zrevrangebylex n + - limit 0 -5
    zrange z 0 -1 limit 0 1
    zrange z 0 -1 limit 0 -1
    zrange n - + bylex withscores
    zrangebylex n - + withscores
    zrange z 0 -1 byscore bylex
    zrange z 0 -1 bylex byscore
    zrange z 0 -1 rev rev
    zrange z 0 -1 withscores withscores
    zrange z 0 -1 foo
    zrange z 0 -1 limit 0
    zrange z a b byscore
    zrange z 1 2 byscore limit x 1
    zrange z 1 2 byscore limit 1 x
    zrange z x 1
    zrange z 1 1.5
    zrange z 0
    zrange nokey 0 -1
    zrange nokey 0 -1 withscores
    zrange nokey x y byscore
    zrangebyscore z 1 2 rev
    zrevrange z 0 -1 byscore
    zrevrange z 0 -1 rev
    zrevrangebyscore z 1 2 limit 1
    zcount z 1
    zcount nokey 1 2
    zcount nokey x y
    zlexcount nokey - +
    zlexcount n x y
    set s v
    zrange s 0 -1
    zrange s x -1
    zrangebyscore s 1 2
    zcount s 1 2
    zlexcount s - +
    zcount s x y
  `);
});

test("removing ranges, and popping", options, async () => {
  const fill = "zadd z 1 a 2 b 2 c 2.5 d 3 e -1 f 2 bb";
  await beside.sameAll(`
    flushall
    ${fill}
    zremrangebyrank z 1 2
    zrange z 0 -1 withscores
    zremrangebyrank z -2 -1
    zrange z 0 -1 withscores
    zremrangebyrank z 5 9
    zremrangebyrank z 0 -1
    exists z
    ${fill}
    zremrangebyscore z (1 2
    zremrangebyscore z 2 1
    zremrangebyscore z 3 (3
    zrange z 0 -1 withscores
    zremrangebyscore z -inf +inf
    exists z
    zadd n 0 a 0 b 0 c 0 d 0 ab
    zremrangebylex n (a [b
    zrange n 0 -1
    zremrangebylex n + -
    zremrangebylex n - +
    exists n
    zremrangebyrank z x 1
    zremrangebyrank nokey 0 1
    zremrangebyrank z 1
    zremrangebyscore z x 1
    zremrangebyscore nokey 0 1
    zremrangebylex z x 1
    zremrangebylex nokey - +
    ${fill}
    zpopmin z
    zpopmax z
    zpopmin z 2
    zpopmax z 0
    zpopmin z -1
    zpopmin z x
    zpopmin z 1 2
    zpopmin nokey
    zpopmin nokey 2
    zpopmin nokey -1
    zpopmax z 100
    exists z
    zpopmin
    ${fill}
    zmpop 1 z min
    zmpop 2 nokey z max count 2
    zmpop 2 nokey nokey2 min
    zmpop 1 z min count 0
    zmpop 1 z min count x
    zmpop 1 z min count
    zmpop 1 z min count 1 count 2
    zmpop 1 z foo
    zmpop 0 z min
    zmpop x z min
    zmpop 2 z min
    zmpop -1 z min
    zmpop 1 z
    zmpop 1 z min foo 1
    zmpop 1 z max count 100
    exists z
    set s v
    zremrangebyrank s 0 1
    zremrangebyscore s 0 1
    zremrangebyscore s x 1
    zremrangebylex s - +
    zpopmin s
    zpopmax s 0
    zpopmin s x
    zmpop 2 nokey s min
    zmpop 1 s min
  `);
});

test("other types are refused, keys in general take sorted sets, encodings", options, async () => {
  const many = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `${from + i} m${from + i}`).join(" ");
  await beside.sameAll(`
    flushall
    xadd st 1-1 a b
    zadd st 1 a
    zrange st 0 -1
    hset h f v
    zadd h 1 a
    zadd z 1 a 2 b
    get z
    hget z f
    append z x
    incr z
    setnx z x
    type z
    object encoding z
    object refcount z
    expire z 1000
    ttl z
    zadd z 3 c
    ttl z
    persist z
    rename z z2
    zrange z2 0 -1 withscores
    exists z
    copy z2 c
    copy z2 c replace
    zadd c 9 only
    zcard z2
    zcard c
    copy z2 c db 3
    move z2 4
    exists z2
    select 4
    zrange z2 0 -1
    swapdb 4 5
    zcard z2
    select 5
    zcard z2
    flushdb
    select 0
    scan 0 type zset count 1000
    set c string
    get c
    zadd d 1 a
    unlink d
    zadd d 1 a
    del d d
    zadd p 1 a
    pexpireat p 1
    exists p
    zadd w 1 a
    multi
    zadd w 2 b
    zrange w 0 -1 withscores
    zpopmin w 5
    zscan w 0
    exec
    zadd w 1 a
    watch w
    zadd w 3 a
    multi
    zscore w a
    exec
    watch w
    zrem w nomember
    zadd w 3 a
    multi
    zscore w a
    exec
    zadd e ${many(0, 128)}
    object encoding e
    zadd e 5 m0
    object encoding e
    zadd e 128 m128
    object encoding e
    zrem e m0 m1 m2
    object encoding e
    zadd l 1 X64
    object encoding l
    zadd l 1 X65
    object encoding l
    zadd l2 1 X65
    object encoding l2
    zadd l2 -0 short
    zrange l2 0 -1 withscores
    zincrby l2 0 short
    zadd l3 -0 short 1 X65
    zrange l3 0 -1 withscores
    zadd one 1 X5000
    object encoding one
    copy one two
    object encoding two
    rename one three
    zscore three X5000
    zadd b ${many(0, 200)}
    zrange b 0 -1 withscores
    zrevrange b 3 150
    zrangebyscore b 50 (180 withscores
    zrank b m150
    zrevrank b m150
    zcount b 10 (190
    zadd b 0.5 m199
    zrange b 0 5 withscores
    copy b b2
    zremrangebyrank b 5 180
    zrange b 0 -1 withscores
    zrange b2 0 -1
    rename b2 b
    zcard b
    zpopmax b 50
    move b 1
    exists b
    flushall
  `);
});

test("ZSCAN: options and errors, and small sorted sets whole", options, async () => {
  await beside.sameAll(`
    flushall
    zadd z 1 a 2.5 b 1e17 ab 0.1 c -inf d 5e18 e 1e16 f 123456789012345678 g -1e17 h 1e300 i
    zscan z 0
    zscan z 5
    zscan z 0 match a*
    zscan z 0 match nothing
    zscan z 0 count 1
    zscan z 0 match a* count 1000
    zscan z 0 count 0
    zscan z 0 count x
    zscan z 0 match
    zscan z 0 foo bar
    zscan z x
    zscan z
    zscan nokey 0
    zscan nokey x
    set s v
    zscan s 0
    zadd z 1 X70
  `);
  await beside.sameAll("zscan z 0 count 100", "any");
});

test("union, intersection and difference, of sorted sets and sets, shown and stored", options, async () => {
  const lines = `
    flushall
    zadd a 1 x 2 y 3 z 4 w
    zadd b 10 x 20 y 0.5 v
    zadd c -inf x inf y 1 z
    zadd d inf x -inf y
    sadd s x v q
    sadd i 1 2 3
    set str v
    hset h f v
    xadd st 1-1 f v`;
  const asks: string[] = [];
  const keySets = [
    "1 a",
    "2 a b",
    "2 b a",
    "3 a b c",
    "2 c d",
    "2 a s",
    "2 s a",
    "2 a nokey",
    "2 nokey a",
    "2 a a",
    "1 s",
    "1 nokey",
    "2 i s",
    "2 a str",
    "2 str a",
    "1 h",
    "1 st",
    "3 a b",
    "0 a",
    "-1 a",
    "x a",
    "5 a b",
  ];
  const weights: Record<string, string[]> = {
    "1 a": ["weights 2"],
    "2 a b": ["weights 2 0.5", "weights 1 -1", "weights 0 0", "weights inf 1", "weights x 1", "weights 1"],
    "2 c d": ["weights 0 0", "weights 1 1", "weights -1 inf", "weights nan 1"],
  };
  const aggregates = ["", "aggregate sum", "aggregate MIN", "aggregate max", "aggregate foo", "aggregate"];
  for (const keys of keySets) {
    for (const operation of ["zunion", "zinter", "zdiff"]) {
      asks.push(`${operation} ${keys}`, `${operation} ${keys} withscores`, `${operation} ${keys} foo`);
      asks.push(`${operation}store dst ${keys}`, "zrange dst 0 -1 withscores", "object encoding dst");
    }
    asks.push(`zintercard ${keys}`, `zintercard ${keys} limit 1`, `zintercard ${keys} limit 0`);
    for (const weight of ["", ...(weights[keys] ?? [])])
      for (const aggregate of aggregates)
        asks.push(
          `zunion ${keys} ${weight} ${aggregate} withscores`.replaceAll(/ +/g, " "),
          `zinter ${keys} ${aggregate} ${weight} withscores`.replaceAll(/ +/g, " "),
          `zunionstore dst ${keys} ${weight} ${aggregate}`.trim().replaceAll(/ +/g, " "),
          "zrange dst 0 -1 withscores",
        );
  }
  await beside.sameAll(`${lines}\n${asks.join("\n")}`);
  await beside.sameAll(`
    zunion
    zunion 1
    zunionstore dst
    zunionstore dst 1
    zdiff 1 a weights 2
    zdiffstore dst 1 a aggregate sum
    zunionstore dst 1 a withscores
    zintercard 1 a limit -1
    zintercard 1 a limit x
    zintercard 1 a limit
    zintercard 1 a withscores
    zintercard 1 a weights 1
    zinter 1 str foo
    zunionstore a 2 a b
    zrange a 0 -1 withscores
    zinterstore str 2 a b
    type str
    zinterstore str 2 a nokey
    exists str
    zunionstore h 1 a
    type h
    zdiffstore h 2 a a
    exists h
    expire a 1000
    zunionstore a 1 b
    ttl a
    multi
    zunionstore m 2 a b
    zunion 2 a b withscores
    exec
    watch m
    zunionstore m 1 a
    multi
    get m
    exec
    zadd l 1 X65
    zunionstore dst 2 l a
    object encoding dst
    zdiffstore dst 2 l a
    object encoding dst
    zdiffstore dst 2 a l
    object encoding dst
  `);
});

test("ZRANGESTORE", options, async () => {
  await beside.sameAll(`
    flushall
    zadd z 1 a 2 b 2 c 2.5 d 3 e -1 f 2 bb
    zadd n 0 a 0 b 0 c 0 d 0 ab
    zrangestore dst z 0 -1
    zrange dst 0 -1 withscores
    zrangestore dst z 1 2 rev
    zrange dst 0 -1 withscores
    zrangestore dst z (1 3 byscore limit 1 2
    zrange dst 0 -1 withscores
    zrangestore dst z 3 (1 byscore rev limit 0 1
    zrange dst 0 -1 withscores
    zrangestore dst n [a (c bylex
    zrange dst 0 -1 withscores
    zrangestore dst z 5 1
    exists dst
    zrangestore dst z 0 -1 withscores
    zrangestore dst z 0 -1 limit 0 1
    zrangestore dst z x y byscore
    zrangestore dst z 0
    set dst v
    zrangestore dst nokey 0 -1
    exists dst
    set dst v
    zrangestore dst z 0 0
    type dst
    object encoding dst
    zrangestore z z 0 2
    zrange z 0 -1
    set s v
    zrangestore dst s 0 -1
    zrange dst 0 -1
  `);
});

test("ZRANDMEMBER: options and errors", options, async () => {
  await beside.sameAll(`
    flushall
    zadd z 1 a 2 b 3.5 c
    zrandmember nokey
    zrandmember nokey 3
    zrandmember nokey 3 withscores
    zrandmember z 0
    zrandmember z 0 withscores
    zrandmember z x
    zrandmember z 1 foo
    zrandmember z 1 withscores foo
    zrandmember z -9223372036854775808
    zrandmember z -9223372036854775807 withscores
    zrandmember z 9223372036854775807 withscores
    set s v
    zrandmember s
    zrandmember s 1
    zadd one 2.5 v
    zrandmember one
    zrandmember one 5
    zrandmember one 5 withscores
    zrandmember one -3
    zrandmember one -3 withscores
  `);
  await beside.sameAll("zrandmember z 3\nzrandmember z 7", "any");
});

const key = fc.constantFrom("a", "b", "c");
/** Beyond listpacks redis says nothing of names where scores differ. */
const sameScores = fc.constant("names");
const member = fc.oneof(
  fc.nat({ max: 12 }).map((n) => `m${n}`),
  fc.nat({ max: 200 }).map((n) => `member-${n}`),
  fc.constantFrom("", "x".repeat(64), "y".repeat(65), "z".repeat(300)),
);
const score = fc.oneof(
  fc.integer({ min: -5, max: 5 }).map(String),
  fc.double({ noNaN: true, min: -1e20, max: 1e20 }).map(String),
  fc.constantFrom("inf", "-inf", "0.1", "1e17", "3.0", "-0"),
);
const rank = fc.integer({ min: -40, max: 40 });
const scoreBound = fc.oneof(
  score,
  score.map((text) => `(${text}`),
  fc.constantFrom("-inf", "+inf"),
);
const nameBound = fc.oneof(
  member.map((text) => `[${text}`),
  member.map((text) => `(${text}`),
  fc.constantFrom("-", "+"),
);
const limit = fc.oneof(
  fc.constant([]),
  fc.tuple(fc.constant("limit"), fc.integer({ min: -1, max: 20 }), fc.integer({ min: -1, max: 20 })),
);
const withScores = fc.constantFrom<Word[]>([], ["withscores"]);
const pairs = (most: number): fc.Arbitrary<Word[]> =>
  fc.array(fc.tuple(score, member), { minLength: 1, maxLength: most, size: "max" }).map((all) => all.flat());
const wordsOf = (...parts: (Word | readonly Word[])[]): Word[] => parts.flat();
const command: fc.Arbitrary<Word[]> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(key, fc.subarray(["nx", "xx", "gt", "lt", "ch"]), pairs(30))
      .map(([k, given, all]): Word[] => wordsOf("zadd", k, given.length > 2 ? [] : given, all)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(key, pairs(1)).map(([k, all]): Word[] => wordsOf("zadd", k, "incr", all)),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant("zincrby"), key, score, member) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(sameScores, fc.array(member, { minLength: 1, maxLength: 30 }))
      .map(([k, all]): Word[] =>
        wordsOf(
          "zadd",
          k,
          all.flatMap((m) => [0, m]),
        ),
      ),
  },
  fc.tuple(fc.constant("zpopmin"), sameScores),
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.array(member, { minLength: 1, maxLength: 6 }))
      .map(([k, all]): Word[] => wordsOf("zrem", k, all)),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("zscore", "zrank", "zrevrank", "zmscore"), key, member) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom("zrange", "zrevrange"), key, rank, rank, withScores)
      .map((w) => w.flat()),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom("zrangebyscore", "zrevrangebyscore"),
        key,
        scoreBound,
        scoreBound,
        limit,
        withScores,
      )
      .map((w) => w.flat()),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("zrangebylex", "zrevrangebylex"), sameScores, nameBound, nameBound, limit)
      .map((w) => w.flat()),
  },
  fc.tuple(fc.constant("zcount"), key, scoreBound, scoreBound),
  fc.tuple(fc.constant("zlexcount"), sameScores, nameBound, nameBound),
  fc.tuple(fc.constant("zremrangebyrank"), key, rank, rank),
  fc.tuple(fc.constant("zremrangebyscore"), key, scoreBound, scoreBound),
  fc.tuple(fc.constant("zremrangebylex"), sameScores, nameBound, nameBound),
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("zpopmin", "zpopmax"), key, fc.nat({ max: 5 })) },
  fc.tuple(fc.constantFrom("zpopmin", "zpopmax", "zcard", "type", "exists", "ttl", "del", "persist"), key),
  fc.tuple(
    fc.constant("zmpop"),
    fc.constant(2),
    key,
    key,
    fc.constantFrom("min", "max"),
    fc.constant("count"),
    fc.integer({ min: 1, max: 5 }),
  ),
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom("zunion", "zinter", "zdiff"),
        fc.array(fc.constantFrom("a", "b", "c", "set"), { minLength: 1, maxLength: 3 }),
        withScores,
      )
      .map(([name, all, scores]): Word[] => wordsOf(name, all.length, all, scores)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom("zunionstore", "zinterstore"),
        key,
        fc.array(fc.constantFrom("a", "b", "c", "set"), { minLength: 1, maxLength: 3 }),
        fc.constantFrom("sum", "min", "max"),
        score,
      )
      .map(([name, to, all, how, weight]) =>
        wordsOf(
          name,
          to,
          all.length,
          all,
          "aggregate",
          how,
          "weights",
          all.map(() => weight),
        ),
      ),
  },
  fc.tuple(fc.constant("zdiffstore"), key, fc.constant(2), key, fc.constantFrom("a", "b", "set")),
  fc.tuple(fc.constant("zintercard"), fc.constant(2), key, key, fc.constant("limit"), fc.nat({ max: 5 })),
  fc.tuple(fc.constant("zrangestore"), key, key, rank, rank),
  fc.array(member, { minLength: 1, maxLength: 10 }).map((all) => wordsOf("sadd", "set", all)),
  fc.tuple(fc.constantFrom("rename", "renamenx", "copy"), key, key),
  fc.tuple(fc.constant("copy"), key, key, fc.constant("replace")),
  fc.tuple(fc.constant("move"), key, fc.constantFrom(0, 1)),
  fc.tuple(fc.constant("set"), key, fc.constant("v")),
  fc.tuple(fc.constant("object"), fc.constant("encoding"), key),
  fc.tuple(fc.constant("zscan"), key, fc.constant(0), fc.constant("count"), fc.constant(1000)),
  fc.tuple(fc.constant("expireat"), key, fc.constantFrom(33_177_117_420, 1)),
  fc.tuple(fc.constant("select"), fc.constantFrom(0, 1)),
  fc.tuple(fc.constant("swapdb"), fc.constant(0), fc.constant(1)),
);

test("random runs", options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 20, maxLength: 80 }),
      fc.constantFrom<2 | 3>(2, 3),
      async (commands, version) => {
        await beside.same(version, ["flushall"]);
        await beside.same(version, ["select", 0]);
        for (const words of commands) await beside.same(version, words, "any");
        for (const name of ["a", "b", "c"]) await beside.same(version, ["zrange", name, 0, -1, "withscores"]);
      },
    ),
    { numRuns: 150 },
  );
});
