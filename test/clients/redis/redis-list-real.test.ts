/**
 * Lists in the real redis-server and in ours, replies compared byte by byte in RESP2 and RESP3: each command with its options and
 * errors, keys in general over lists, then random runs, on small lists and on large ones. Skipped, and said so, where there is no
 * redis-server 7.0.
 */
import { after, before, test } from "node:test";
import fc from "fast-check";
import { BesideRedis } from "../../support/beside-redis.ts";
import type { Word } from "../../support/raw-redis.ts";
import { noRealRedis } from "../../support/real-redis.ts";

let beside: BesideRedis;

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start([]);
});

after(async () => {
  if (noRealRedis === false) await beside.stop();
});

const options = { skip: noRealRedis };
const int64s = ["9223372036854775807", "-9223372036854775807", "-9223372036854775808", "9223372036854775808"];

test("pushes, lengths, indexes, sets", options, async () => {
  await beside.sameAll(`
    flushall
    lpush
    lpush l
    lpush l a
    lpush l b c d
    rpush l x "" y
    lrange l 0 -1
    lpushx l 1 2
    rpushx l 3 4
    lpushx no 1
    rpushx no 1 2
    lpushx no
    rpushx
    exists no
    llen l
    llen no
    llen
    llen l x
    lindex l 0
    lindex l -1
    lindex l 5
    lindex l 100
    lindex l -100
    lindex l x
    lindex l 01
    lindex l 1.5
    lindex no x
    lindex no 0
    lindex l
    ${int64s.map((n) => `lindex l ${n}`).join("\n")}
    lset l 0 new
    lset l -1 last
    lset l 100 x
    lset l -100 x
    lset l x x
    lset no x x
    lset no 0 x
    lset l 0
    lset l 1 X100
    lset l 1 X5000
    lset l 1 short
    lrange l 0 -1
    set s v
    lpush s a
    lpushx s a
    rpush s a
    rpushx s a
    llen s
    lindex s 0
    lindex s x
    lset s 0 a
    lset s x a
    xadd st 1-1 a b
    lpush st a
    llen st
    lpush l X64 X65 X253 X254 X255 X256 X65535 X65536
    lrange l 0 -1
    object encoding l
    type l
  `);
});

test("pops, ranges, trims", options, async () => {
  const bad = ["x", "-1", "1.5", "", ...int64s].map((word) => (word === "" ? '""' : word));
  await beside.sameAll(`
    flushall
    rpush l a b c d e f g h
    lpop l
    rpop l
    lpop l 2
    rpop l 2
    lpop l 0
    rpop l 0
    lpop no
    rpop no
    lpop no 2
    lpop no 0
    rpop no -1
    lpop no x
    lpop
    rpop l 1 2
    lpop l 1 2 3
    lpop l 100
    exists l
    ${bad.map((word) => `lpop l ${word}\nrpop l ${word}\nlpop s2 ${word}`).join("\n")}
    rpush l a b c d e f g h
    ${bad.map((word) => `lrange l ${word} 1\nlrange l 0 ${word}\nlrange no ${word} ${word}`).join("\n")}
    ${[0, 1, 3, 7, 8, 100, -1, -2, -8, -9, -100]
      .map((a) => [0, 2, 7, 8, -1, -3, -100].map((b) => `lrange l ${a} ${b}`).join("\n"))
      .join("\n")}
    lrange l 0
    lrange l 0 1 2
    lrange no 0 -1
    ltrim l 1 -2
    lrange l 0 -1
    ltrim l -4 100
    lrange l 0 -1
    ltrim l x 1
    ltrim l 1 x
    ltrim no x 1
    ltrim no 0 1
    ltrim l
    ltrim l 2 1
    exists l
    rpush l a b c
    ltrim l 5 9
    exists l
    rpush l a b c
    ltrim l -100 -50
    exists l
    rpush l a b c
    ltrim l 1 1
    lrange l 0 -1
    set s v
    lpop s
    lpop s 0
    lpop s x
    rpop s 1
    lrange s 0 -1
    lrange s x -1
    ltrim s 0 1
    ltrim s x 1
  `);
});

test("LINSERT, LREM, LPOS", options, async () => {
  await beside.sameAll(`
    flushall
    rpush l a b c b d b a
    linsert l before b X
    linsert l AFTER b Y
    linsert l after a end
    linsert l before a start
    linsert l before nope x
    linsert no before a x
    linsert l middle a x
    linsert no middle a x
    linsert l before a
    linsert l before a b c
    lrange l 0 -1
    lrem l 1 b
    lrange l 0 -1
    lrem l -1 b
    lrange l 0 -1
    lrem l 0 a
    lrange l 0 -1
    lrem l 0 nope
    lrem l x a
    lrem no x a
    lrem no 0 a
    lrem l 0
    ${int64s.map((n) => `lrem l ${n} nope`).join("\n")}
    rpush q x x x
    lrem q 2 x
    lrange q 0 -1
    lrem q 0 x
    exists q
    rpush q x x x
    lrem q -5 x
    exists q
    del l
    rpush l a b c 1 2 3 c c a
    lpos l c
    lpos l c rank 2
    lpos l c rank -1
    lpos l c rank -2
    lpos l c rank 4
    lpos l c rank -4
    lpos l c count 0
    lpos l c count 2
    lpos l c count 2 rank -1
    lpos l c count 0 rank -2
    lpos l c rank 2 count 1 maxlen 7
    lpos l c maxlen 2
    lpos l c maxlen 3
    lpos l a maxlen 1 rank -1
    lpos l c count 0 maxlen 0
    lpos l c count 0 maxlen 7
    lpos l nope
    lpos l nope count 0
    lpos no c
    lpos no c count 0
    lpos no c rank 0
    lpos l c rank 0
    lpos l c rank x
    lpos l c count x
    lpos l c count -1
    lpos l c maxlen x
    lpos l c maxlen -1
    lpos l c rank
    lpos l c foo 1
    lpos l c count 1 count 2
    lpos l c rank 1 rank 2
    lpos l
    ${int64s.map((n) => `lpos l c rank ${n}\nlpos l c count ${n}\nlpos l c maxlen ${n}`).join("\n")}
    set s v
    linsert s before a b
    linsert s middle a b
    lrem s 0 a
    lrem s x a
    lpos s a
    lpos s a rank 0
  `);
});

test("LMOVE, RPOPLPUSH, LMPOP", options, async () => {
  await beside.sameAll(`
    flushall
    rpush l a b c d
    lmove l m left right
    lmove l m LEFT LEFT
    lmove l m right left
    lmove l m right right
    exists l
    lrange m 0 -1
    rpoplpush m n
    rpoplpush m m
    lmove m m left right
    lmove m m left left
    lmove m m right right
    lrange m 0 -1
    lmove no m left right
    rpoplpush no m
    lmove no no2 left right
    lmove m n up down
    lmove m n left
    lmove no s left up
    rpoplpush m
    rpush one x
    expire one 1000
    rpoplpush one one
    lmove one one left left
    ttl one
    lrange one 0 -1
    set s v
    lmove m s left right
    lmove s m left right
    lmove no s left right
    rpoplpush m s
    rpoplpush s m
    lrange m 0 -1
    del l
    rpush l a b c d e f
    lmpop 1 l left
    lmpop 1 l right
    lmpop 2 no l left count 2
    lmpop 2 no no2 left
    lmpop 1 l left count 0
    lmpop 1 l left count -1
    lmpop 1 l left count x
    lmpop 1 l left count
    lmpop 1 l left count 1 count 2
    lmpop 1 l left foo 1
    lmpop 1 l up
    lmpop 0 l left
    lmpop -1 l left
    lmpop x l left
    lmpop 3 l left
    lmpop 2 l left
    lmpop 1 l
    lmpop 2 no s left
    lmpop 1 s left
    lmpop 1 l right count 100
    exists l
  `);
});

test(
  "blocking commands that need not wait, their arguments, and what they do in MULTI",
  options,
  async () => {
    const timeouts = ["x", "-1", "-0.1", "1e400", "1e18", "nan", "inf", "-inf", '""', "0x1", "1."];
    await beside.sameAll(`
    flushall
    rpush l a b c d e f g h
    blpop l 0
    brpop l 0
    blpop no l 1
    brpop no l 0.5
    blmove l m left right 0
    brpoplpush l m 0
    blmpop 0 1 l left
    blmpop 0 2 no l right count 2
    lrange m 0 -1
    set s v
    ${timeouts.map((t) => `blpop s ${t}\nblmove s m left right ${t}\nbrpoplpush s m ${t}\nblmpop ${t} 1 s left`).join("\n")}
    blpop l
    blmpop 0 0 l left
    blmpop 0 1 l
    blmpop x 0 l left
    blmpop 0 2 l left
    blmpop 0 1 l left count 0
    blmove l m up down x
    blmove l m left right
    brpoplpush l m
    blpop s 0
    blpop no s l 0
    blmove s l left right 0
    rpush l a
    blmove l s left right 0
    blmpop 0 2 no s left
    multi
    blpop no 0
    brpop no no2 0
    blmove no m left right 0
    brpoplpush no m 0
    blmpop 0 1 no left
    rpush no x
    blpop no 0
    exec
    blpop no 0.001
    blmove no m left right 0.001
    brpoplpush no m 0.01
    blmpop 0.01 2 no no2 left
  `);
  },
);

test("keys in general over lists", options, async () => {
  await beside.sameAll(`
    flushall
    rpush l a b
    get l
    append l x
    setnx l x
    hget l f
    incr l
    type l
    object encoding l
    object refcount l
    expire l 1000
    ttl l
    rpush l c
    ttl l
    persist l
    rename l l2
    lrange l2 0 -1
    exists l
    copy l2 c
    copy l2 c
    copy l2 c replace
    rpush c only
    llen l2
    llen c
    copy l2 c db 3
    move l2 4
    exists l2
    select 4
    lrange l2 0 -1
    swapdb 4 5
    llen l2
    select 5
    llen l2
    flushdb
    select 0
    scan 0 type list count 1000
    set c string
    get c
    rpush d 1 a
    unlink d
    rpush d 1 a
    del d d
    rpush p 1 a
    pexpireat p 1
    exists p
    rpush w a
    multi
    rpush w b
    lrange w 0 -1
    lpop w 5
    llen w
    exec
    rpush w a
    watch w
    rpush w b
    multi
    llen w
    exec
    watch w
    lrem w 0 nothing
    multi
    llen w
    exec
    watch w
    rpoplpush w w
    multi
    llen w
    exec
    rpush one a
    watch one
    rpoplpush one one
    multi
    llen one
    exec
    watch w
    ltrim w 0 -1
    multi
    llen w
    exec
    command info lpush blmpop
    command getkeys lmpop 2 a b left
    command getkeys blmpop 0 2 a b left
    command getkeys blpop a b 0
  `);
});

const value = fc.oneof(
  { weight: 20, arbitrary: fc.nat({ max: 7 }).map((n) => `v${n}`) },
  { weight: 3, arbitrary: fc.nat({ max: 400 }).map((n) => "w".repeat(n)) },
  { weight: 1, arbitrary: fc.constantFrom("x".repeat(5000), "y".repeat(9000), "") },
);
const many = fc.oneof(
  { weight: 10, arbitrary: fc.array(value, { minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.array(value, { minLength: 150, maxLength: 300, size: "max" }) },
);
const key = fc.constantFrom("a", "b", "c");
const index = fc.integer({ min: -320, max: 320 });
const side = fc.constantFrom("left", "right");
const small = fc.integer({ min: 1, max: 6 });

const command: fc.Arbitrary<Word[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom("lpush", "rpush"), key, many)
      .map(([c, k, all]) => [[c, k], all].flat()),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("lpushx", "rpushx"), key, many)
      .map(([c, k, all]) => [[c, k], all].flat()),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("lpop", "rpop"), key).map(([c, k]) => [c, k]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("lpop", "rpop"), key, fc.oneof(small, fc.nat({ max: 200 })))
      .map(([c, k, n]) => [c, k, n]),
  },
  { weight: 3, arbitrary: fc.tuple(key, index).map(([k, n]) => ["lindex", k, n]) },
  { weight: 4, arbitrary: fc.tuple(key, index, value).map(([k, n, v]) => ["lset", k, n, v]) },
  { weight: 3, arbitrary: fc.tuple(key, index, index).map(([k, a, b]) => ["lrange", k, a, b]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(key, fc.nat({ max: 20 }), fc.integer({ min: -20, max: -1 }))
      .map(([k, a, b]) => ["ltrim", k, a, b]),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(key, fc.constantFrom("before", "after"), value, value)
      .map(([k, w, p, v]) => ["linsert", k, w, p, v]),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(key, fc.integer({ min: -3, max: 3 }), value).map(([k, n, v]) => ["lrem", k, n, v]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, value, fc.constantFrom(1, 2, 3, -1, -2, -3), fc.nat({ max: 4 }), fc.nat({ max: 50 }))
      .map(([k, v, rank, count, length]) => ["lpos", k, v, "rank", rank, "count", count, "maxlen", length]),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(key, key, side, side).map(([a, b, from, to]) => ["lmove", a, b, from, to]),
  },
  { weight: 1, arbitrary: fc.tuple(key, key).map(([a, b]) => ["rpoplpush", a, b]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(key, key, side, small)
      .map(([a, b, where, n]) => ["lmpop", 2, a, b, where, "count", n]),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(key, key, side).map(([a, b, where]) => ["blmpop", 0.001, 2, a, b, where]),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("rename", "copy"), key, key).map(([c, a, b]) => [c, a, b]),
  },
  { weight: 1, arbitrary: key.map((k) => ["llen", k]) },
);

test("random commands", options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<2 | 3>(2, 3),
      fc.array(command, { minLength: 60, maxLength: 200, size: "max" }),
      async (version, commands) => {
        await beside.same(version, ["flushall"]);
        for (const words of commands) await beside.same(version, words);
        for (const name of ["a", "b", "c"]) await beside.same(version, ["lrange", name, 0, -1]);
      },
    ),
    { numRuns: 40, endOnFailure: true },
  );
});
