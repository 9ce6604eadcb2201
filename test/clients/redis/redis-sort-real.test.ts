/**
 * SORT and SORT_RO in the real redis-server and in ours, replies compared byte by byte in RESP2 and RESP3: options and errors, then
 * random runs. Skipped, and said so, where there is no redis-server 7.0.
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

async function same({ us, them }: (typeof pairs)[number], words: Word[]): Promise<void> {
  const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
  assert.equal(got, wanted, words.map(String).join(" ").slice(0, 200));
}

async function sameAll(lines: string): Promise<void> {
  for (const pair of pairs) {
    for (const line of lines.split("\n")) {
      const words = line.trim().split(" ");
      if (words[0] !== "")
        await same(
          pair,
          words.map((word) => (word === '""' ? "" : word.replaceAll("_", " ").replaceAll("UNDER", "_"))),
        );
    }
  }
}

const options = { skip: noRealRedis };

test("options, patterns and errors", options, async () => {
  await sameAll(`
    flushall
    sort nokey
    sortUNDERro nokey
    sort nokey store d
    exists d
    set d v
    sort nokey store d
    exists d
    sadd n 3 1 2 10 -5
    sort n
    sortUNDERro n
    sort n desc
    sort n desc asc
    sort n alpha
    sort n alpha desc
    sort n limit 0 2
    sort n limit 1 2
    sort n limit 10 2
    sort n limit -3 2
    sort n limit 0 -1
    sort n limit 2 -1 desc
    sort n limit 0 0
    sort n limit x 1
    sort n limit 1 x
    sort n limit 1
    sort n limit
    sort n foo
    sort n by
    sort n get
    sort n store
    sortUNDERro n store d
    sort n by nosort
    sort n by nosort limit 1 3
    sort n by nosort desc
    sort n by nosort desc get #
    mset w1 5 w2 4 w3 3 w10 2 w-5 1
    sort n by w*
    sort n by w* desc
    sort n by w* get #
    sort n by w* get # get w* get none* get const
    sort n by w* alpha
    sort n by none*
    sort n by none* desc
    sort n by none* alpha get #
    del w2
    sort n by w*
    hset h1 f 5 g a
    hset h2 f 1 g b
    hset h3 f 4
    sort n by h*->f
    sort n by h*->f get h*->g get h*->none get h*
    sort n by h*->g alpha get #
    sort n by h*-> get #
    sort n get h*->f->
    sort n get *->f get w*->f
    set w1 text
    sort n by w*
    sort n by w* alpha get #
    sadd t a c b "" B aa
    sort t
    sort t alpha
    sort t alpha desc
    sort t alpha limit 1 3
    sort t by w*
    sort t by nosort get const
    mset x1 __7 x2 6_ x3 "" x10 0x10 x-5 1e2
    sort n by x*
    del x2
    sort n by x*
    set x2 inf
    sort n by x*
    set x2 nan
    sort n by x*
    set x2 1e400
    sort n by x*
    set s v
    sort s
    hset hh f v
    sort hh
    sortUNDERro hh
    xadd st 1-1 a b
    sort st
    sort st limit x 1
    sort
    sortUNDERro
    sadd big 9223372036854775807 9223372036854775806 -9223372036854775808 1.5 0.5
    sort big
    multi
    sort n
    sort n by w*
    sort n get w* get #
    exec
  `);
});

test("lists and sorted sets, and STORE", options, async () => {
  await sameAll(`
    flushall
    rpush l 3 1 2 10 -5 1
    sort l
    sortUNDERro l desc
    sort l alpha limit 1 3
    sort l by nosort
    sort l by nosort desc
    sort l by nosort limit 1 3
    sort l by nosort limit 1 3 desc
    sort l by nosort limit 10 3
    sort l by nosort limit -2 -2 desc
    zadd z 1 30 2 20 3 10
    sort z
    sort z desc
    sort z by nosort
    sort z by nosort desc
    sort z by nosort desc limit 0 1
    sort z by nosort limit 1 5 get # get w*
    sort l store d
    lrange d 0 -1
    ttl d
    expire d 100
    sort z by nosort desc store d
    lrange d 0 -1
    ttl d
    mset w1 one w10 ten
    sort l get w* get # store d
    lrange d 0 -1
    sort l store l
    lrange l 0 -1
    sort nokey store d
    exists d
    set d string
    sort l limit 0 2 store d
    lrange d 0 -1
    object encoding d
    sort l limit 10 2 store d
    exists d
    sadd s 3 x 1
    sort s store d
    sort s by nosort store d
    lrange d 0 -1
    sort s alpha desc store d
    lrange d 0 -1
    xadd st 1-1 a b
    sort s alpha store st
    type st
    multi
    sort l desc store d
    lrange d 0 -1
    exec
    watch d
    sort l store d
    multi
    get x
    exec
  `);
});

test("large lists and sorted sets, and a large STORE", options, async () => {
  for (const pair of pairs) {
    await same(pair, ["flushall"]);
    for (let from = 0; from < 6000; from += 1000) {
      const members = Array.from({ length: 1000 }, (_, i) => ((from + i) * 7919) % 6011);
      await same(pair, ["rpush", "l", ...members]);
      await same(pair, ["zadd", "z", ...members.flatMap((member) => [(member * 31) % 977, member])]);
    }
    for (const key of ["l", "z"]) {
      await same(pair, ["sort", key]);
      await same(pair, ["sort", key, "by", "nosort", "desc", "limit", 2000, 1500]);
      await same(pair, ["sort", key, "by", "nosort", "get", "#", "store", "d"]);
      await same(pair, ["lrange", "d", 0, -1]);
      await same(pair, ["sort", key, "alpha", "desc", "store", "d"]);
      await same(pair, ["lrange", "d", 0, -1]);
      await same(pair, ["dump", "d"]);
    }
  }
});

test("a number ends at a byte 0, as in C", options, async () => {
  for (const pair of pairs) {
    await same(pair, ["del", "z"]);
    await same(pair, ["sadd", "z", "2\0x", "\0", "1"]);
    await same(pair, ["sort", "z"]);
  }
});

test("a large set", options, async () => {
  for (const pair of pairs) {
    await same(pair, ["flushall"]);
    for (let from = 0; from < 6000; from += 1000) {
      const members = Array.from({ length: 1000 }, (_, i) => (from + i) * 7919);
      await same(pair, ["sadd", "s", ...members]);
      await same(pair, [
        "mset",
        ...members.slice(0, 300).flatMap((member) => [`w${member}`, (member * 31) % 977]),
      ]);
    }
    await same(pair, ["sort", "s"]);
    await same(pair, ["sort", "s", "alpha", "desc"]);
    await same(pair, ["sort", "s", "by", "w*", "limit", 4000, 500, "get", "#", "get", "w*"]);
    await same(pair, ["sort", "s", "get", "w*"]);
  }
});

const element = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.constantFrom("1.5", "-0", "1e2", "07"),
);
const text = fc.oneof(element, fc.string({ maxLength: 5, unit: "grapheme-ascii" }));
const command: fc.Arbitrary<Word[]> = fc.oneof(
  fc.tuple(fc.constant("sadd"), fc.constant("s"), element, element),
  fc.tuple(fc.constant("sadd"), fc.constant("s"), text),
  fc.tuple(fc.constant("srem"), fc.constant("s"), element),
  fc.tuple(fc.constantFrom("rpush", "lpush"), fc.constantFrom("l", "d"), element),
  fc.tuple(fc.constant("zadd"), fc.constant("z"), fc.integer({ min: -3, max: 3 }), element),
  fc.constantFrom<Word[]>(["lrange", "d", 0, -1], ["lpop", "l"], ["zpopmin", "z"], ["type", "d"]),
  fc.tuple(
    fc.constant("set"),
    element.map((e) => `w${e}`),
    text,
  ),
  fc.tuple(
    fc.constant("hset"),
    element.map((e) => `h${e}`),
    fc.constant("f"),
    text,
  ),
  {
    weight: 6,
    arbitrary: fc
      .array(
        fc.oneof(
          fc.constantFrom<Word[]>(["desc"], ["asc"], ["by", "w*"], ["by", "h*->f"], ["get", "#"]),
          fc.constantFrom<Word[]>(["get", "w*"], ["get", "h*->f"], ["get", "h*"]),
          fc.tuple(fc.constant("limit"), fc.integer({ min: -2, max: 9 }), fc.integer({ min: -2, max: 9 })),
        ),
        { maxLength: 5 },
      )
      .chain((parts) => {
        // With ALPHA, elements that are equal by a pattern are in any order.
        const isByPattern = parts.some(([word]) => word === "by");
        const alpha = isByPattern ? fc.constant<Word[]>([]) : fc.constantFrom<Word[]>([], ["alpha"]);
        const key = fc.constantFrom("s", "l", "z", "d");
        const target = fc.constantFrom<Word[]>([], [], ["store", "d"], ["store", "l"]);
        return fc
          .tuple(key, alpha, target, fc.constantFrom<Word[]>([], [], ["by", "nosort"]))
          .map(([name, last, store, own]) =>
            // A set has no order of its own.
            (["sort", name] as Word[]).concat(parts.flat(), last, store, name === "s" ? [] : own),
          );
      }),
  },
);

test("random runs", options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 20, maxLength: 60 }),
      fc.nat({ max: 1 }),
      async (commands, at) => {
        const sides = pairs[at]!;
        await same(sides, ["flushall"]);
        for (const words of commands) await same(sides, words);
      },
    ),
    { numRuns: 100 },
  );
});
