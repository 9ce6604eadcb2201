/**
 * Bitmaps, HyperLogLogs and LCS in the real redis-server and in ours, replies compared byte by byte in RESP2 and RESP3: each
 * command with its options and errors, then random runs, after which the bytes of the keys are the same. Skipped, and said so,
 * where there is no redis-server 7.0.
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

/** A command on each line. `X64` and the like are so many letters, `\xff` is a byte. */
async function sameAll(lines: string): Promise<void> {
  for (const pair of pairs) {
    for (const line of lines.split("\n")) {
      const words = line.trim().split(" ");
      if (words[0] === "") continue;
      await same(pair, words.map(wordOf));
    }
  }
}

function wordOf(word: string): string {
  if (word === '""') return "";
  return word
    .replace(/^X(\d+)$/, (_, size) => "x".repeat(Number(size)))
    .replaceAll(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const options = { skip: noRealRedis };

test("SETBIT and GETBIT", options, async () => {
  await sameAll(`
    flushall
    setbit k 7 1
    get k
    object encoding k
    setbit k 7 1
    setbit k 7 0
    setbit k 0 1
    setbit k 100 1
    strlen k
    get k
    getbit k 100
    getbit k 101
    getbit k 99999
    getbit nokey 0
    setbit k 200 0
    strlen k
    setbit k -1 1
    setbit k x 1
    setbit k 1 2
    setbit k 1 -1
    setbit k 1 x
    setbit k 4294967296 1
    getbit k 4294967295
    getbit k 4294967296
    getbit k 18446744073709551615
    setbit k 1
    setbit k
    getbit k
    setbit k #1 1
    hset h f v
    setbit h 1 1
    getbit h 1
    xadd s 1-1 a b
    setbit s 1 1
    getbit s 1
    set n 12345
    setbit n 3 1
    get n
    object encoding n
    expire n 1000
    setbit n 3 0
    ttl n
    watch k
    setbit k 0 1
    multi
    getbit k 0
    exec
    watch k
    setbit k 0 0
    multi
    getbit k 0
    exec
    del k
    setbit k 0 0
    get k
  `);
});

test("BITCOUNT and BITPOS", options, async () => {
  await sameAll(`
    flushall
    set k foobar
    bitcount k
    bitcount k 0 0
    bitcount k 1 1
    bitcount k 0 -1
    bitcount k -2 -1
    bitcount k -1 -2
    bitcount k 5 1
    bitcount k 100 200
    bitcount k -100 100
    bitcount k 0
    bitcount k 0 -1 byte
    bitcount k 5 30 bit
    bitcount k 5 6 bit
    bitcount k 5 5 BIT
    bitcount k -10 -3 bit
    bitcount k 0 -1 foo
    bitcount k x 1
    bitcount k 1 x
    bitcount k 0 1 bit foo
    bitcount nokey
    set e ""
    bitcount e
    bitcount e 0 -1
    bitcount e 0 -1 bit
    bitpos e 0
    bitpos e 1
    bitpos e 0 0
    bitpos e 0 0 -1 bit
    set i 10
    bitcount i
    bitpos k 1
    bitpos k 0
    bitpos k 1 1
    bitpos k 1 1 2
    bitpos k 1 -1
    bitpos k 0 -1 -1
    bitpos k 1 9 20 bit
    bitpos k 0 1 2 bit
    bitpos k 1 3 1
    bitpos k 1 0 -1 byte
    bitpos k 1 0 -1 foo
    bitpos k 1 0 foo bit
    bitpos k 1 foo 1 bit
    bitpos k 1 foo 1 foo
    bitpos k 2
    bitpos k x
    bitpos k
    bitpos k 1 x
    bitpos k 1 1 x
    bitpos k 1 1 2 bit x
    bitpos nokey 0
    bitpos nokey 1
    bitpos nokey 2
    set f \\xff\\xff\\xff
    bitpos f 0
    bitpos f 0 0
    bitpos f 0 1
    bitpos f 0 3
    bitpos f 0 0 -1
    bitpos f 0 0 -1 bit
    bitpos f 0 5 -1 bit
    bitpos f 1 23 23 bit
    bitpos f 1 24 24 bit
    set z \\x00\\x00\\x00
    bitpos z 1
    bitpos z 1 0 -1
    bitpos z 0
    bitpos z 0 7 15 bit
    hset h f v
    bitcount h
    bitpos h 1
    bitpos h 3
    xadd s 1-1 a b
    bitcount s
    bitpos s 1
  `);
});

test("BITOP", options, async () => {
  await sameAll(`
    flushall
    set a \\xff\\x0f\\xaa
    set b \\x0f\\xff
    set e ""
    bitop and d a b
    get d
    object encoding d
    bitop or d a b
    get d
    bitop xor d a b
    get d
    bitop not d a
    get d
    bitop not d a b
    bitop and d a nokey
    get d
    bitop or d a nokey
    get d
    bitop and d nokey a
    get d
    bitop and d nokey nokey2
    exists d
    bitop or d e
    exists d
    set d v
    bitop not d e
    exists d
    bitop and d a
    get d
    bitop foo d a
    bitop and d
    bitop
    hset h f v
    bitop and d a h
    xadd s 1-1 a b
    bitop and d a s
    bitop or h a b
    type h
    bitop or s2 a b
    bitop or a a b a
    get a
    set d v ex 1000
    bitop or d a
    ttl d
    set i 123
    bitop or d i i
    get d
  `);
});

test("BITFIELD", options, async () => {
  await sameAll(`
    flushall
    bitfield k
    exists k
    bitfield k get u8 0
    exists k
    bitfield k set u8 0 255
    get k
    bitfield k set i8 0 -128 get i8 0 get u8 0
    bitfield k incrby u2 100 1 incrby u2 100 1 incrby u2 100 1 incrby u2 100 1
    bitfield k overflow sat incrby u2 102 1 overflow sat incrby u2 102 1 overflow sat incrby u2 102 1 incrby u2 102 1
    bitfield k overflow fail incrby u2 102 1 get u2 102
    bitfield k overflow fail set u2 102 5 get u2 102
    bitfield k overflow sat set u8 0 -1 get u8 0
    bitfield k overflow wrap set u8 0 -2 get u8 0
    bitfield k overflow fail set u8 0 -2 get u8 0
    bitfield k overflow sat set i8 0 200 set i8 0 -200 get i8 0
    bitfield k overflow sat set i8 0 -9223372036854775808 get i8 0 set i59 0 -8935141660703064065 get i59 0
    bitfield k overflow sat set i59 0 -8935141660703064064 get i59 0
    bitfield k set i64 3 -9223372036854775808 get i64 3
    bitfield k incrby i64 3 -1 get i64 3
    bitfield k overflow sat incrby i64 3 9223372036854775807 incrby i64 3 9223372036854775807 incrby i64 3 1
    bitfield k overflow sat set i64 3 -9223372036854775808 incrby i64 3 -5
    bitfield k overflow fail incrby i64 3 -5
    bitfield k set u63 5 9223372036854775807 get u63 5 incrby u63 5 1
    bitfield k overflow sat set u63 5 9223372036854775807 incrby u63 5 1 incrby u63 5 -9223372036854775808
    bitfield k set u1 #3 1 get u8 #0 set i5 #100 -3 get i5 #100
    strlen k
    get k
    object encoding k
    bitfield k get u64 0
    bitfield k get u0 0
    bitfield k get i65 0
    bitfield k get x8 0
    bitfield k get u 0
    bitfield k get "" 0
    bitfield k get u8 -1
    bitfield k get u8 x
    bitfield k get u8 #x
    bitfield k get u8 #
    bitfield k get u8 ""
    bitfield k get u8 4294967295
    bitfield k get u8 4294967296
    bitfield k get u8 #536870912
    bitfield k set u8 0 x
    bitfield k set u8 0
    bitfield k get u8
    bitfield k foo
    bitfield k overflow foo
    bitfield k overflow
    bitfield k overflow wrap
    bitfield
    bitfield_ro k get u8 0 get i4 #1
    bitfield_ro k set u8 0 1
    bitfield_ro k overflow sat get u8 0
    bitfield_ro k
    bitfield_ro nokey get u8 0
    set t 10
    bitfield t get u8 0
    bitfield t overflow fail set u2 0 9
    object encoding t
    bitfield t overflow fail set u2 100 9
    get t
    hset h f v
    bitfield h get u8 0
    bitfield h set u8 0 1
    bitfield_ro h get u8 0
    xadd s 1-1 a b
    bitfield s get u8 0
    bitfield s set u8 0 1
  `);
});

test("HyperLogLogs", options, async () => {
  const many = (prefix: string, to: number) =>
    Array.from({ length: to }, (_, i) => `${prefix}${i}`).join(" ");
  await sameAll(`
    flushall
    pfadd h
    get h
    pfadd h
    pfadd h a b c
    get h
    object encoding h
    pfadd h a
    pfcount h
    get h
    pfcount h
    pfadd h a
    get h
    pfadd h d
    get h
    pfcount nokey
    pfcount nokey h
    pfcount h nokey h
    pfdebug encoding h
    pfdebug decode h
    pfadd m ${many("m", 300)}
    get m
    pfcount m
    get m
    pfdebug decode m
    pfdebug encoding m
    pfadd m ${many("n", 1500)}
    pfdebug encoding m
    get m
    pfcount m
    get m
    pfadd m ${many("o", 20)}
    get m
    pfadd m ${many("n", 20)}
    pfcount m h
    pfmerge u h m
    get u
    pfcount u
    pfmerge u2 h
    get u2
    pfmerge u2
    get u2
    pfmerge u3
    get u3
    pfmerge h nokey
    get h
    pfmerge h m
    get h
    pfadd s1 ${many("p", 100)}
    pfadd s2 ${many("q", 100)}
    pfmerge s3 s1 s2
    get s3
    pfdebug todense s1
    pfdebug todense s1
    get s1
    pfdebug getreg s2
    get s2
    pfdebug decode s2
    pfdebug decode nokey
    pfdebug foo s2
    pfdebug encoding
    pfselftest foo
    config set hll-sparse-max-bytes 30
    config get hll-sparse-max-bytes
    pfadd small ${many("r", 30)}
    pfdebug encoding small
    get small
    config set hll-sparse-max-bytes 3kb
    pfadd small2 ${many("r", 30)}
    pfdebug encoding small2
    set str foobar
    pfadd str a
    pfcount str
    pfcount h str
    pfmerge h str
    pfmerge str h
    pfdebug encoding str
    set str 12345
    pfadd str a
    set str HYLL
    pfadd str a
    set str HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80
    pfadd str a
    pfcount str
    pfcount str h
    pfmerge x str
    exists x
    set str HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f
    pfcount str
    pfcount str h
    set str HYLL\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f
    pfcount str
    set str HYLL\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f
    pfcount str
    set str HYLL\\x01\\x00\\x00\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x7f\\x7f
    pfcount str
    hset hash f v
    pfadd hash a
    pfcount hash
    pfmerge hash h
    pfmerge h hash
    xadd stream 1-1 a b
    pfadd stream a
    pfcount stream
    pfcount
    pfadd
    pfmerge
    append h x
    pfcount h
    watch s3
    pfadd s3 p0
    multi
    pfcount s3
    exec
    watch s3
    pfadd s3 new
    multi
    pfcount s3
    exec
    pfadd s3 new2
    watch s3
    pfcount s3
    multi
    pfcount s3
    exec
  `);
  for (const { us } of pairs) assert.equal(await us.call("pfselftest"), "+OK\r\n");
});

test("LCS", options, async () => {
  await sameAll(`
    flushall
    mset a ohmytext b mynewtext
    lcs a b
    lcs a b len
    lcs a b idx
    lcs a b idx minmatchlen 4
    lcs a b idx minmatchlen 4 withmatchlen
    lcs a b idx withmatchlen
    lcs a b idx minmatchlen -4
    lcs a b withmatchlen
    lcs a b len minmatchlen 4
    lcs a b len idx
    lcs a b foo
    lcs a b minmatchlen
    lcs a b minmatchlen x
    lcs a
    lcs a nokey
    lcs nokey a idx
    lcs nokey nokey2 len
    lcs a a
    lcs a a idx
    hset h f v
    lcs a h
    lcs h a foo
    xadd s 1-1 a b
    lcs s a
    set n 12345
    set n2 2345678
    lcs n n2
    set x X12000
    set y X12000
    lcs x y
    lcs x y len
    lcs x y len idx
  `);
});

test("the encoding and references that OBJECT tells of strings", options, async () => {
  await sameAll(`
    flushall
    set k 12
    object encoding k
    object refcount k
    set k 9999
    object refcount k
    set k 10000
    object refcount k
    set k -1
    object refcount k
    object encoding k
    set k 9999
    incr k
    object refcount k
    decr k
    object refcount k
    append k ""
    object encoding k
    get k
    incr k
    object encoding k
    append k 5
    object encoding k
    object refcount k
    copy k k2
    object encoding k2
    rename k2 k3
    object encoding k3
    append new 5
    object encoding new
    setrange r 0 5
    object encoding r
    setrange r 0 x
    object encoding r
    incrbyfloat f 3
    object encoding f
    incrbyfloat f 1.5
    object encoding f
    set f 5
    incrbyfloat f 1
    object encoding f
    object refcount f
    incr f
    object encoding f
    getset f 3
    object encoding f
    mset f 4 g abc
    object encoding f
    object refcount g
    set l X44
    object encoding l
    set l X45
    object encoding l
    set l 9223372036854775807
    object encoding l
    set l 9223372036854775808
    object encoding l
    setex k 1000 17
    object encoding k
    getex k persist
    object encoding k
    hset h f v
    object refcount h
    object refcount nokey
    object encoding nokey
    object freq nokey
    object idletime nokey
    object help
    object encoding
    object foo k
  `);
});

test("long strings, which are looked at and joined in slices", options, async () => {
  const text = (seed: number) =>
    Buffer.from(Array.from({ length: 400_000 }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 13) & 0xff));
  const zeros = Buffer.alloc(300_000);
  const ones = Buffer.alloc(300_000, 0xff);
  ones[299_999] = 0xfe;
  for (const pair of pairs) {
    await same(pair, ["flushall"]);
    await same(pair, ["mset", "a", text(1), "b", text(7), "z", zeros, "o", ones]);
    await same(pair, ["setrange", "b", 500_000, "x"]);
    for (const how of ["direct", "multi"]) {
      if (how === "multi") await same(pair, ["multi"]);
      for (const line of [
        "bitcount a",
        "bitcount a 3 -3",
        "bitcount a 5 -5 bit",
        "bitcount a 70001 2400007 bit",
        "bitpos z 1",
        "bitpos z 0",
        "bitpos o 0",
        "bitpos o 0 5",
        "bitpos o 0 5 299998",
        "bitpos o 0 1600003 2399998 bit",
        "bitpos o 0 1600003 2399999 bit",
        "bitpos z 1 1600003 2399999 bit",
        "bitop and and a b",
        "bitop or or a b z",
        "bitop xor xor b a o a",
        "bitop not not o",
        "get and",
        "get or",
        "get xor",
        "get not",
        "strlen and",
      ])
        await same(pair, line.split(" "));
      if (how === "multi") await same(pair, ["exec"]);
    }
    await same(pair, ["mset", "s", text(3).subarray(0, 4000), "t", text(9).subarray(0, 9000)]);
    await same(pair, ["lcs", "s", "t"]);
    await same(pair, ["lcs", "s", "t", "len"]);
    await same(pair, ["lcs", "s", "t", "idx", "withmatchlen"]);
    await same(pair, ["lcs", "s", "t", "idx", "minmatchlen", 2]);
    for (let i = 0; i < 40; i++)
      await same(pair, ["pfadd", `h${i}`, ...Array.from({ length: 60 }, (_, j) => i + j)]);
    const keys = Array.from({ length: 40 }, (_, i) => `h${i}`);
    await same(pair, ["pfcount", ...keys, "nokey"]);
    await same(pair, ["pfmerge", "all", ...keys]);
    await same(pair, ["get", "all"]);
  }
});

test("WAIT", options, async () => {
  await sameAll(`
    wait 0 0
    wait -1 0
    wait 1 1
    wait x 0
    wait 0 x
    wait 0 -1
    wait x x
    wait 1 1.5
    wait
    multi
    wait 3 0
    exec
  `);
  for (const { us, them } of pairs) {
    for (const side of [us, them]) {
      const id = (await side.call("client", "id")).slice(1, -2);
      const other = await RawRedis.open(side === us ? ours.ports.redis : real.port);
      for (const [how, wanted] of [
        ["timeout", ":0\r\n"],
        ["error", "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"],
      ] as const) {
        const waiting = side.call("wait", 1, 0);
        while ((await other.call("client", "unblock", id, how)) !== ":1\r\n");
        assert.equal(await waiting, wanted);
      }
      await other.close();
    }
  }
});

const key = fc.constantFrom("a", "b", "c");
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const bitOffset = fc.oneof(fc.nat({ max: 200 }), fc.integer({ min: -2, max: 3000 }));
const index = fc.integer({ min: -50, max: 50 });
const unit = fc.constantFrom("bit", "byte", "BIT");
const type = fc.oneof(
  fc
    .tuple(fc.constantFrom("i", "u"), fc.integer({ min: 1, max: 64 }))
    .map(([sign, bits]) => `${sign}${bits}`),
  fc.constantFrom("u8", "i16", "u1", "i64", "u63"),
);
const operand = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
);
const fieldOffset = fc.oneof(
  fc.nat({ max: 300 }),
  fc.nat({ max: 20 }).map((n) => `#${n}`),
);
const fieldOperation: fc.Arbitrary<Word[]> = fc.oneof(
  fc.tuple(fc.constant("get"), type, fieldOffset),
  fc.tuple(fc.constant("set"), type, fieldOffset, operand),
  fc.tuple(fc.constant("incrby"), type, fieldOffset, operand),
  fc.tuple(fc.constant("overflow"), fc.constantFrom("wrap", "sat", "fail")),
);
const bitCommand: fc.Arbitrary<Word[]> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant("setbit"), key, bitOffset, fc.constantFrom(0, 1, 1)) },
  fc.tuple(fc.constant("getbit"), key, bitOffset),
  fc.tuple(fc.constant("set"), key, bytes),
  fc.tuple(fc.constantFrom("bitcount", "get", "strlen", "incr", "del"), key),
  fc.tuple(fc.constant("bitcount"), key, index, index),
  fc.tuple(fc.constant("bitcount"), key, bitOffset, index, unit),
  fc.tuple(fc.constant("bitpos"), key, fc.constantFrom(0, 1)),
  fc.tuple(fc.constant("bitpos"), key, fc.constantFrom(0, 1), index),
  fc.tuple(fc.constant("bitpos"), key, fc.constantFrom(0, 1), index, index),
  fc.tuple(fc.constant("bitpos"), key, fc.constantFrom(0, 1), index, bitOffset, unit),
  fc.tuple(fc.constant("bitop"), fc.constantFrom("and", "or", "xor", "not"), key, key),
  fc.tuple(fc.constant("bitop"), fc.constantFrom("and", "or", "xor"), key, key, key),
  fc.tuple(fc.constant("bitop"), fc.constantFrom("and", "or", "xor"), key, key, key, key),
  {
    weight: 4,
    arbitrary: fc
      .tuple(key, fc.array(fieldOperation, { maxLength: 6 }))
      .map(([k, all]) => ["bitfield", k].concat(all.flat() as string[])),
  },
  fc.tuple(fc.constant("bitfield_ro"), key, fc.constant("get"), type, fieldOffset),
  fc.tuple(fc.constant("append"), key, bytes),
  fc.tuple(fc.constant("setrange"), key, fc.nat({ max: 60 }), bytes),
  fc.tuple(fc.constant("object"), fc.constantFrom("encoding", "refcount"), key),
  fc.tuple(fc.constant("incrbyfloat"), key, fc.constantFrom("1", "0.5")),
  fc.tuple(fc.constantFrom("copy", "rename"), key, key),
  fc.tuple(fc.constant("lcs"), key, key),
  fc.tuple(fc.constant("lcs"), key, key, fc.constantFrom("len", "idx")),
  fc.tuple(
    fc.constant("lcs"),
    key,
    key,
    fc.constant("idx"),
    fc.constant("minmatchlen"),
    fc.nat({ max: 3 }),
    fc.constant("withmatchlen"),
  ),
  fc.tuple(fc.constant("hset"), fc.constant("c"), fc.constant("f"), fc.constant("v")),
);

test("random runs on bits", options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(bitCommand, { minLength: 20, maxLength: 60 }),
      fc.nat({ max: 1 }),
      async (commands, at) => {
        const sides = pairs[at]!;
        await same(sides, ["flushall"]);
        for (const words of commands) await same(sides, words);
        for (const name of ["a", "b", "c"]) await same(sides, ["get", name]);
      },
    ),
    { numRuns: 150 },
  );
});

const element = fc.oneof(
  fc.nat({ max: 100_000 }).map((n) => `element:${n}`),
  fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
);
const sketchCommand: fc.Arbitrary<Word[]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(key, fc.array(element, { maxLength: 60, size: "max" }))
      .map(([k, all]): Word[] => (["pfadd", k] as Word[]).concat(all)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(key, fc.nat({ max: 1_000_000 }))
      .map(([k, from]): Word[] =>
        ["pfadd", k].concat(Array.from({ length: 700 }, (_, i) => `many:${from + i}`)),
      ),
  },
  fc.tuple(fc.constantFrom("pfcount", "get"), key),
  fc.tuple(fc.constant("pfcount"), key, key),
  fc.tuple(fc.constant("pfmerge"), key, key),
  fc.tuple(fc.constant("pfmerge"), key, key, key),
  fc.tuple(fc.constant("pfdebug"), fc.constantFrom("encoding", "decode"), key),
  fc.tuple(fc.constantFrom("copy", "rename", "del"), key, key),
);

test("random runs on HyperLogLogs", options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sketchCommand, { minLength: 10, maxLength: 60, size: "max" }),
      fc.nat({ max: 1 }),
      async (commands, at) => {
        const sides = pairs[at]!;
        await same(sides, ["flushall"]);
        for (const words of commands) await same(sides, words);
        for (const name of ["a", "b", "c"]) await same(sides, ["get", name]);
      },
    ),
    { numRuns: 80 },
  );
});
