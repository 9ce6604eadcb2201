/**
 * Hashes in the real redis-server and in ours, replies compared byte by byte in RESP2 and RESP3: each command with its
 * options and errors, keys in general over hashes, then random runs. Where redis keeps a hash in a hash table its order is
 * chance: there the lines of the reply are compared, in any order. Skipped, and said so, where there is no redis-server 7.0.
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

/** Commands whose reply is in the order of the value. */
const unordered = new Set(["hgetall", "hkeys", "hvals", "hscan", "hrandfield"]);

function inAnyOrder(reply: string): string {
  return reply.split("\r\n").toSorted().join("\r\n");
}

async function same({ us, them }: (typeof pairs)[number], words: Word[], isOrdered: boolean): Promise<void> {
  const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
  const shown = words.map(String).join(" ").slice(0, 200);
  if (!isOrdered && unordered.has(String(words[0]))) assert.equal(inAnyOrder(got), inAnyOrder(wanted), shown);
  else assert.equal(got, wanted, shown);
}

/** A command on each line. `X64` and the like are so many letters. */
async function sameAll(lines: string, isOrdered = true): Promise<void> {
  for (const pair of pairs) {
    for (const line of lines.split("\n")) {
      const words = line.trim().split(" ");
      if (words[0] === "") continue;
      const sent = words.map((word) =>
        word === '""' ? "" : word.replace(/^X(\d+)$/, (_, size) => "x".repeat(Number(size))),
      );
      await same(pair, sent, isOrdered);
    }
  }
}

const options = { skip: noRealRedis };

test("fields: set, read, delete", options, async () => {
  await sameAll(`
    flushall
    hset h f v
    hset h f v2 g w
    hset h f
    hset h f v g
    hset h
    hset
    hmset h a 1 b 2
    hmset h a
    hmset h a 1 b
    hget h f
    hget h nofield
    hget nokey f
    hget h
    hmget h f nofield g f
    hmget nokey a b
    hmget h
    hlen h
    hlen nokey
    hlen
    hexists h f
    hexists h no
    hexists nokey f
    hstrlen h f
    hstrlen h no
    hstrlen nokey f
    hsetnx h f x
    hsetnx h new x
    hsetnx nokey2 new x
    hget nokey2 new
    hset h "" empty
    hget h ""
    hset h e ""
    hget h e
    hstrlen h e
    hgetall h
    hkeys h
    hvals h
    hgetall nokey
    hkeys nokey
    hvals nokey
    hset h f longer-value-than-before
    hset h f s
    hgetall h
    hdel h f nofield g f
    hdel nokey f
    hdel h
    hgetall h
    hdel h a b new "" e
    exists h
    type h
    hlen h
  `);
});

test("numbers in fields", options, async () => {
  await sameAll(`
    flushall
    hincrby h n 5
    hincrby h n -7
    hincrby h n 0
    hincrby h n x
    hincrby h n 1.5
    hincrby h n
    hset h m 9223372036854775806
    hincrby h m 1
    hincrby h m 1
    hincrby h m -9223372036854775807
    hset h m 9007199254740993
    hincrby h m 3
    hincrby h m -9007199254740993
    hset h m 01
    hincrby h m 1
    hset h m abc
    hincrby h m 1
    hset h m ""
    hincrby h m 1
    hincrby h n 9223372036854775808
    hincrbyfloat h f 0.1
    hincrbyfloat h f 0.2
    hincrbyfloat h f -3e3
    hincrbyfloat h f abc
    hincrbyfloat h f inf
    hincrbyfloat h f -inf
    hincrbyfloat h f nan
    hincrbyfloat h f ""
    hset h f 3.0e3
    hincrbyfloat h f 1e-7
    hset h f abc
    hincrbyfloat h f 1
    hset h f 1e300
    hincrbyfloat h f 1e300
    hincrbyfloat h n 1.25
    hincrbyfloat h f 17179869184
    hincrbyfloat new f 10.50
    hget new f
    hlen h
    hget h n
  `);
});

test("other types are refused, keys in general take hashes", options, async () => {
  await sameAll(`
    flushall
    set s v
    xadd st 1-1 a b
    hset s f v
    hset st f v
    hget s f
    hgetall st
    hincrby s f 1
    hscan s 0
    hrandfield s
    hdel s f
    hset h f v g w
    get h
    set h v get
    append h x
    incr h
    getset h x
    strlen h
    getrange h 0 1
    setrange h 0 x
    getdel h
    mget h s
    setnx h x
    msetnx h x
    type h
    object encoding h
    object refcount h
    exists h
    expire h 1000
    ttl h
    hset h k v
    ttl h
    persist h
    rename h h2
    hgetall h2
    exists h
    renamenx h2 s
    rename h2 s
    type s
    hgetall s
    copy s c
    copy s c
    copy s c replace
    hset c only-here 1
    hlen s
    hlen c
    copy s c db 3
    move s 3
    move s 4
    exists s
    select 4
    hgetall s
    swapdb 4 5
    hgetall s
    select 5
    hgetall s
    select 3
    hgetall c
    flushdb
    hgetall c
    select 0
    set c string
    get c
    hset g f v
    scan 0 type hash count 1000
    scan 0 type string match g count 1000
    unlink g
    hset g f v
    del g g
    hset g f v
    pexpireat g 1
    exists g
    hset w f v
    multi
    hset w f 2
    hget w f
    hgetall w
    hscan w 0
    exec
    watch w
    hset w f 3
    multi
    hget w f
    exec
    watch w
    hdel w nofield
    multi
    hget w f
    exec
  `);
});

test("the encoding that OBJECT tells", options, async () => {
  const many = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `f${from + i} v`).join(" ");
  await sameAll(
    `
    flushall
    hset h ${many(0, 512)}
    object encoding h
    hset h f0 again
    object encoding h
    hset h f512 v
    object encoding h
    hdel h f0 f1 f2
    object encoding h
    hlen h
    hset big ${many(0, 513)}
    object encoding big
    hset l f X64
    object encoding l
    hset l f X65
    object encoding l
    hset l f x
    object encoding l
    hset k X64 v
    object encoding k
    hset k X65 v
    object encoding k
    hset one f X5000
    object encoding one
    hstrlen one f
    copy one two
    object encoding two
    hdel two f
    exists two
    rename one three
    object encoding three
    hget three f
    hsetnx n f X65
    object encoding n
    hset b ${many(0, 60)}
    hset b ${many(60, 200)}
    object encoding b
    hgetall b
    hkeys b
    hvals b
    hset b f7 X300
    hset b f7 short
    hget b f7
    hset b f8 X70000
    hstrlen b f8
    hmget b f7 f8 f9 nofield
    hincrby b n 5
    copy b b2
    hdel b ${many(0, 199).replaceAll(" v", "")}
    hgetall b
    hlen b2
    rename b2 b
    hlen b
    move b 1
    exists b
    select 1
    hlen b
    flushall
    hlen b
    select 0
  `,
    false,
  );
});

test("HSCAN and HRANDFIELD: options and errors, and small hashes whole", options, async () => {
  await sameAll(`
    flushall
    hset h a 1 b 2 ab 3
    hscan h 0
    hscan h 5
    hscan h 0 match a*
    hscan h 0 match nothing
    hscan h 0 count 1
    hscan h 0 match a* count 1000
    hscan h 0 count 0
    hscan h 0 count x
    hscan h 0 match
    hscan h 0 type string
    hscan h 0 foo bar
    hscan h x
    hscan h
    hscan nokey 0
    hscan nokey 5 foo
    hscan nokey x
    hrandfield nokey
    hrandfield nokey 3
    hrandfield nokey 3 withvalues
    hrandfield h 0
    hrandfield h 0 withvalues
    hrandfield h x
    hrandfield h 1 foo
    hrandfield h 1 withvalues foo
    hrandfield h -9223372036854775808
    hrandfield h -9223372036854775807 withvalues
    hrandfield h 9223372036854775807 withvalues
    hset one f v
    hrandfield one
    hrandfield one 5
    hrandfield one 5 withvalues
    hrandfield one -3
    hrandfield one -3 withvalues
  `);
  await sameAll(
    `
    hrandfield h 3
    hrandfield h 7
    hrandfield h 3 withvalues
  `,
    false,
  );
});

const key = fc.constantFrom("a", "b", "c");
const field = fc.oneof(
  fc.nat({ max: 12 }).map((n) => `f${n}`),
  fc.nat({ max: 200 }).map((n) => `field-${n}`),
  fc.constantFrom("", "x".repeat(64), "y".repeat(65), "z".repeat(300)),
);
const value = fc.oneof(
  fc.string({ maxLength: 20, unit: "binary-ascii" }),
  fc.integer().map(String),
  fc.constantFrom(
    "",
    "9223372036854775807",
    "0.1",
    "v".repeat(64),
    "v".repeat(253),
    "v".repeat(254),
    "v".repeat(2000),
  ),
);
const pair = fc.tuple(field, value);
const command: fc.Arbitrary<Word[]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(key, fc.array(pair, { minLength: 1, maxLength: 30 }))
      .map(([k, all]) => ["hset", k].concat(all.flat())),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.array(field, { minLength: 1, maxLength: 6 }))
      .map(([k, all]) => ["hdel", k].concat(all)),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("hget", "hexists", "hstrlen"), key, field) },
  fc.tuple(fc.constant("hmget"), key, field, field),
  fc.tuple(
    fc.constantFrom("hgetall", "hkeys", "hvals", "hlen", "type", "exists", "ttl", "del", "persist"),
    key,
  ),
  fc.tuple(fc.constant("hsetnx"), key, field, value),
  fc.tuple(fc.constant("hincrby"), key, field, fc.integer()),
  fc.tuple(fc.constant("hincrbyfloat"), key, field, fc.constantFrom("0.1", "-3.25", "1e3")),
  fc.tuple(fc.constantFrom("rename", "renamenx", "copy"), key, key),
  fc.tuple(fc.constant("copy"), key, key, fc.constant("replace")),
  fc.tuple(fc.constant("move"), key, fc.constantFrom(0, 1)),
  fc.tuple(fc.constant("set"), key, value),
  fc.tuple(fc.constant("get"), key),
  fc.tuple(fc.constant("object"), fc.constant("encoding"), key),
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
        await same(sides, ["flushall"], true);
        await same(sides, ["select", 0], true);
        for (const words of commands) await same(sides, words, false);
        for (const name of ["a", "b", "c"]) await same(sides, ["hgetall", name], false);
      },
    ),
    { numRuns: 120 },
  );
});
