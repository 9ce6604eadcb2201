/**
 * DUMP and RESTORE beside the real redis-server: the same bytes for the same value, what one has dumped the other restores, and the
 * same errors for what is damaged. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";

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

async function same(...words: Word[]): Promise<string> {
  const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
  assert.equal(got, wanted, words.map(String).join(" ").slice(0, 200));
  return wanted;
}

async function sameAll(lines: string): Promise<void> {
  for (const line of lines.split("\n")) {
    const words = line.trim().split(" ");
    if (words[0] !== "") await same(...words.map((word) => (word === '""' ? "" : word)));
  }
}

/** The bytes of a bulk reply. */
function bulk(reply: string): Buffer {
  assert.ok(reply.startsWith("$"), reply.slice(0, 200));
  return Buffer.from(reply.slice(reply.indexOf("\r\n") + 2, -2), "latin1");
}

function inAnyOrder(reply: string): string {
  return reply.split("\r\n").toSorted().join("\r\n");
}

/** The key has the same value in both; each restores what the other dumps. */
async function sameBothWays(key: string, read: Word[]): Promise<void> {
  const [ourDump, theirDump] = [bulk(await us.call("dump", key)), bulk(await them.call("dump", key))];
  assert.equal(await us.call("restore", "copy", 0, theirDump, "replace"), "+OK\r\n");
  assert.equal(await them.call("restore", "copy", 0, ourDump, "replace"), "+OK\r\n");
  const [command, ...rest] = read as [Word, ...Word[]];
  const [ourCopy, theirCopy] = [
    await us.call(command, "copy", ...rest),
    await them.call(command, "copy", ...rest),
  ];
  assert.equal(inAnyOrder(ourCopy), inAnyOrder(await us.call(command, key, ...rest)));
  assert.equal(inAnyOrder(ourCopy), inAnyOrder(theirCopy));
  await same("object", "encoding", "copy");
}

const options = { skip: noRealRedis };

test("strings: the same bytes", options, async () => {
  const values = [
    "",
    "0",
    "-1",
    "127",
    "128",
    "-128",
    "-129",
    "32767",
    "32768",
    "-32769",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "00",
    "1.5",
    "hello",
    "x".repeat(20),
    "x".repeat(21),
    "x".repeat(63),
    "x".repeat(64),
    "abc".repeat(100),
    "x".repeat(20_000),
    "The quick brown fox jumps over the lazy dog, and the quick dog jumps over the brown fox.",
    Array.from({ length: 3000 }, (_, i) => `line ${i % 77} of ${i}`).join("\n"),
  ];
  for (const value of values) {
    await same("set", "k", value);
    await same("dump", "k");
    await sameBothWays("k", ["get"]);
  }
  // Long ones are compressed in slices.
  const noise = (size: number) =>
    Buffer.from(Array.from({ length: size }, (_, i) => (Math.imul(i, 2654435761) >>> 11) & 0xff));
  const lines = Buffer.from(
    Array.from({ length: 60_000 }, (_, i) => `line ${i % 977} of ${i % 31}`).join("\n"),
  );
  for (const value of [
    noise(65_535),
    noise(65_536),
    noise(700_000),
    lines,
    Buffer.concat([lines, noise(900)]),
  ]) {
    await same("set", "k", value);
    await same("dump", "k");
    await sameBothWays("k", ["get"]);
    await sameAll(`
      multi
      dump k
      exec
    `);
  }
  await same("append", "k", "5");
  await same("dump", "k");
  await same("dump", "nokey");
  await same("dump");
});

const word = fc.constantFrom("a", "ab", "foo ", "bar-", "0123456789", "\u0000\u0001", "zzzzzzzz", "ÿþ");
const text = fc.oneof(
  fc.string({ maxLength: 100, unit: "binary-ascii" }),
  fc.integer().map(String),
  fc.array(word, { maxLength: 400, size: "max" }).map((words) => words.join("")),
  fc.array(fc.nat({ max: 3 }), { maxLength: 9000, size: "max" }).map((digits) => digits.join("")),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);

test("random strings: the same bytes", options, async () => {
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      await same("set", "k", Buffer.from(value, "latin1"));
      await same("dump", "k");
      await sameBothWays("k", ["get"]);
    }),
    { numRuns: 300 },
  );
});

test("hashes that redis keeps in a listpack: the same bytes", options, async () => {
  const field = fc.oneof(
    fc.nat({ max: 60 }).map((n) => `field-${n}`),
    fc.integer().map(String),
  );
  const short = fc.oneof(
    fc.string({ maxLength: 64, unit: "binary-ascii" }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.integer({ min: -5000, max: 5000 }).map(String),
    fc.constantFrom(
      "4095",
      "4096",
      "-4096",
      "-4097",
      "8388607",
      "8388608",
      "-8388609",
      "x".repeat(64),
      "-0",
      "01",
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(field, short), { minLength: 1, maxLength: 60 }),
      fc.array(field, { maxLength: 10 }),
      async (pairs, removed) => {
        await same("del", "h");
        await same("hset", "h", ...pairs.flat());
        if (removed.length > 0) await same("hdel", "h", ...removed);
        if ((await same("exists", "h")) === ":0\r\n") return;
        await same("dump", "h");
        await sameBothWays("h", ["hgetall"]);
      },
    ),
    { numRuns: 100 },
  );
});

test("hashes that are large, here or there: each restores what the other dumps", options, async () => {
  const many = (count: number, value: string) =>
    Array.from({ length: count }, (_, i) => [`f${i}`, `${value}${i}`]).flat();
  for (const [count, value] of [
    [1, "x".repeat(65)],
    [100, "x".repeat(100)],
    [200, "v"],
    [512, "v"],
    [513, "v"],
    [3000, "v"],
    [20_000, "some value or other "],
  ] as const) {
    await same("del", "h");
    await same("hset", "h", ...many(count, value));
    await same("object", "encoding", "h");
    await sameBothWays("h", ["hgetall"]);
    await same("hlen", "copy");
    await same("hset", "copy", "f1", "changed", "new", "field");
    await same("hget", "copy", "f1");
  }
  // The same in MULTI, where nothing goes on in later turns.
  const dump = bulk(await us.call("dump", "h"));
  await same("multi");
  await us.call("dump", "h");
  await us.call("restore", "again", 0, dump);
  await us.call("hlen", "again");
  await us.call("exec");
  await them.call("discard");
  assert.equal(await us.call("hlen", "again"), ":20000\r\n");
  assert.equal(await us.call("hget", "again", "f77"), await us.call("hget", "h", "f77"));
});

test("sets: of integers the same bytes, each restores what the other dumps", options, async () => {
  const integer = fc.oneof(
    fc.integer({ min: -100, max: 100 }).map(String),
    fc.constantFrom("32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483648"),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(integer, { minLength: 1, maxLength: 200, size: "max" }),
      fc.array(fc.string({ maxLength: 40, unit: "binary-ascii" }), { maxLength: 3 }),
      async (integers, texts) => {
        await same("del", "s");
        await same("sadd", "s", ...integers);
        await same("dump", "s");
        await sameBothWays("s", ["smembers"]);
        if (texts.length === 0) return;
        await same("sadd", "s", ...texts);
        await sameBothWays("s", ["smembers"]);
      },
    ),
    { numRuns: 50 },
  );
  for (const count of [512, 513, 20_000]) {
    await same("del", "s");
    await same("sadd", "s", ...Array.from({ length: count }, (_, i) => i * 70));
    if (count === 512) await same("dump", "s");
    await sameBothWays("s", ["smembers"]);
    await same("sadd", "s", "some text or other");
    await sameBothWays("s", ["smembers"]);
    await same("sadd", "copy", "another");
    await same("scard", "copy");
  }
  // A listpack, as redis 7.2 has dumped sets.
  const listpack = [0x0b, 0, 0, 0, 2, 0, 0x81, 0x61, 2, 5, 1];
  const bytes = payload(
    Buffer.from([20, listpack.length + 1, listpack.length + 1, ...listpack.slice(1), 0xff]),
  );
  assert.equal(await us.call("restore", "s", 0, bytes, "replace"), "+OK\r\n");
  assert.equal(inAnyOrder(await us.call("smembers", "s")), inAnyOrder("*2\r\n$1\r\na\r\n$1\r\n5\r\n"));
});

const anyElement = fc.oneof(
  fc.string({ maxLength: 70, unit: "binary-ascii" }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.integer({ min: -5000, max: 5000 }).map(String),
  fc.constantFrom("", "127", "128", "4095", "-4097", "x".repeat(64), "x".repeat(5000), "y".repeat(9000)),
);

test("lists: pushed at the tail the same bytes, each restores what the other dumps", options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyElement, { minLength: 1, maxLength: 300, size: "max" }),
      fc.array(fc.tuple(fc.constantFrom("lpush", "rpush", "lpop", "rpop"), anyElement), { maxLength: 10 }),
      async (elements, changes) => {
        await same("del", "l");
        await same("rpush", "l", ...elements);
        await same("dump", "l");
        await sameInOrder("l", ["lrange", "l", 0, -1]);
        for (const [command, element] of changes)
          await same(command, "l", ...(command.endsWith("push") ? [element] : []));
        if ((await same("exists", "l")) === ":1\r\n") await sameInOrder("l", ["lrange", "l", 0, -1]);
      },
    ),
    { numRuns: 60 },
  );
  // Short ones are one node, whatever made them.
  await sameAll(`
    del l
    rpush l a b c 4 5
    lpush l -1 x
    linsert l before b y
    lset l 0 12345678901
    lrem l 1 c
    dump l
  `);
  for (const [count, value] of [
    [128, "v"],
    [129, "v"],
    [5000, "some value or other "],
    [40, "x".repeat(9000)],
    [3, "long ".repeat(40_000)],
  ] as const) {
    await same("del", "l");
    for (let from = 0; from < count; from += 1000)
      await same(
        "rpush",
        "l",
        ...Array.from({ length: Math.min(1000, count - from) }, (_, i) => `${value}${from + i}`),
      );
    await same("rpush", "l", "short", "7");
    await same("dump", "l");
    await sameInOrder("l", ["lrange", "l", 0, -1]);
    await same("lpush", "copy", "first");
    await same("lindex", "copy", 1);
    await same("llen", "copy");
  }
  await sameInMulti("l");
});

test("sorted sets: the same bytes, each restores what the other dumps", options, async () => {
  const score = fc.oneof(
    fc.integer({ min: -200, max: 200 }).map(String),
    fc.double({ noNaN: true }).map((value) => (Object.is(value, -0) ? "0" : String(value))),
    fc.constantFrom("inf", "-inf", "0.1", "-0", "1e17", "4611686018427387904", "-4611686018427387904"),
    fc.constantFrom("4611686018427387903", "9007199254740993", "9223372036854775807", "1e300", "5e-324"),
  );
  const member = anyElement.filter((each) => each.length <= 64);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(score, member), { minLength: 1, maxLength: 140, size: "max" }),
      fc.array(member, { maxLength: 10 }),
      fc.constantFrom("", "x".repeat(65), "x".repeat(30_000)),
      async (pairs, removed, long) => {
        await same("del", "z");
        await same("zadd", "z", ...pairs.flat());
        if (long !== "") await same("zadd", "z", "2.5", long);
        if (removed.length > 0) await same("zrem", "z", ...removed);
        if ((await same("exists", "z")) === ":0\r\n") return;
        await same("object", "encoding", "z");
        await same("dump", "z");
        await sameInOrder("z", ["zrange", "z", 0, -1, "withscores"]);
      },
    ),
    { numRuns: 100 },
  );
  // A listpack has no -0; what has become more than one keeps it.
  await same("del", "z");
  await same("zadd", "z", ...Array.from({ length: 200 }, (_, i) => [1, `m${i}`]).flat());
  await same("zadd", "z", ...Array.from({ length: 200 }, (_, i) => ["-0", `m${i}`]).flat());
  await same("dump", "z");
  await sameInOrder("z", ["zrange", "z", 0, -1, "withscores"]);
  await same("dump", "copy");
  for (const count of [128, 129, 3000, 20_000]) {
    await same("del", "z");
    for (let from = 0; from < count; from += 1000)
      await same(
        "zadd",
        "z",
        ...Array.from({ length: Math.min(1000, count - from) }, (_, i) => [
          ((from + i) * 7919) % 1009,
          `member${from + i}`,
        ]).flat(),
      );
    await same("dump", "z");
    await sameInOrder("z", ["zrange", "z", 0, -1, "withscores"]);
    await same("zadd", "copy", 5, "another", 6, "member7");
    await same("zrank", "copy", "member7");
  }
  await sameInMulti("z");
});

/** As `sameBothWays`, of what has an order: reading the key and its copies gives the same, byte by byte. */
async function sameInOrder(key: string, [command, , ...rest]: [string, string, ...Word[]]): Promise<void> {
  const [ourDump, theirDump] = [bulk(await us.call("dump", key)), bulk(await them.call("dump", key))];
  assert.equal(await us.call("restore", "copy", 0, theirDump, "replace"), "+OK\r\n");
  assert.equal(await them.call("restore", "copy", 0, ourDump, "replace"), "+OK\r\n");
  assert.equal(await us.call(command, "copy", ...rest), await same(command, key, ...rest));
  await same(command, "copy", ...rest);
  await same("object", "encoding", "copy");
}

/** In MULTI, where nothing goes on in later turns. */
async function sameInMulti(key: string): Promise<void> {
  const dump = bulk(await same("dump", key));
  await same("multi");
  await same("dump", key);
  await same("restore", "again", 0, dump, "replace");
  await same("dump", "again");
  await same("exec");
}

test("lists and sorted sets in the forms of earlier versions", options, async () => {
  const string = (value: string) => [value.length, ...Buffer.from(value)];
  const ziplist = (...elements: number[][]) => {
    const body: number[] = [];
    let sizeBefore = 0;
    let last = 10;
    for (const element of elements) {
      last = 10 + body.length;
      body.push(sizeBefore, ...element);
      sizeBefore = element.length + 1;
    }
    const size = 11 + body.length;
    return [size, size, 0, 0, 0, last, 0, 0, 0, elements.length, 0, ...body, 0xff];
  };
  const listpack = (...elements: number[][]) => {
    const body = elements.flatMap((element) => [...element, element.length]);
    return [body.length + 7, body.length + 7, 0, 0, 0, elements.length, 0, ...body, 0xff];
  };
  const half = string("0.5");
  const double = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return [...bytes];
  };
  for (const [bytes, ...read] of [
    [[1, 3, ...string("a"), 0xc0, 7, ...string("")], "lrange", "k", 0, -1],
    [[10, ...ziplist(string("a"), [0xfe, 0x80], [0xf1 + 3])], "lrange", "k", 0, -1],
    [[14, 2, ...ziplist(string("a"), string("b")), ...ziplist([0xf1])], "lrange", "k", 0, -1],
    [
      [18, 3, 2, ...listpack([0x81, 0x61], [5]), 1, ...string("plain"), 2, ...listpack([0x80])],
      "lrange",
      "k",
      0,
      -1,
    ],
    [[18, 2, 2, ...listpack(), 2, ...listpack([1])], "lrange", "k", 0, -1],
    [
      [
        3,
        4,
        ...string("a"),
        ...string("1.5"),
        ...string("b"),
        254,
        ...string("c"),
        255,
        0xc0,
        7,
        ...string("-3"),
      ],
      "zrange",
      "k",
      0,
      -1,
      "withscores",
    ],
    [
      [5, 2, ...string("b"), ...double(2.25), ...string("a"), ...double(-0)],
      "zrange",
      "k",
      0,
      -1,
      "withscores",
    ],
    [
      [12, ...ziplist(string("a"), half, string("b"), [0xf1 + 1], string("c"), string("inf"))],
      "zrange",
      "k",
      0,
      -1,
      "withscores",
    ],
    [[17, ...listpack([0x81, 0x61], [1], [0x81, 0x62], [0x83, 0x31, 0x2e, 0x35])], "zrange", "k", 0, -1],
  ] as [number[], string, ...Word[]][]) {
    await same("restore", "k", 0, payload(Buffer.from(bytes)), "replace");
    await same(...read);
    await same("object", "encoding", "k");
    // Redis keeps the nodes of a list that it has read.
    if (read[0] === "zrange") await same("dump", "k");
  }
  for (const bytes of [
    [1, 0],
    [10, ...ziplist()],
    [14, 0],
    [18, 0],
    [18, 1, 2, ...listpack()],
    [18, 1, 3, ...listpack([1])],
    [1, 2, ...string("a")],
    [18, 2, 2, ...listpack([1])],
    [18, 1, 2, 7, 7, 0, 0, 0, 0, 0, 0xf0],
    [5, 0],
    [5, 1, ...string("a"), ...double(NaN)],
    [5, 1, ...string("a"), 1, 2],
    [3, 1, ...string("a"), 253],
    [17, ...listpack()],
    [17, ...listpack([1])],
  ]) {
    const reply = await us.call("restore", "k", 0, payload(Buffer.from(bytes)), "replace");
    assert.equal(reply, "-ERR Bad data format\r\n", String(bytes));
  }
  await same("dump", "k");
});

test("RESTORE: options and errors", options, async () => {
  await sameAll(`
    flushall
    set k value
  `);
  const dump = bulk(await same("dump", "k"));
  const broken = Buffer.from(dump);
  broken[1]! ^= 1;
  const future = Buffer.from(dump);
  future[future.length - 10] = 99;
  for (const words of [
    ["k", 0, dump],
    ["k", "x", dump],
    ["n", "x", dump],
    ["n", -1, dump],
    ["n", 0, broken],
    ["n", 0, future],
    ["n", 0, ""],
    ["n", 0, dump.subarray(3)],
    ["n", 0, dump, "foo"],
    ["n", 0, dump, "replace", "foo"],
    ["n", 0, dump, "idletime"],
    ["n", 0, dump, "idletime", -1],
    ["n", 0, dump, "idletime", "x"],
    ["n", 0, dump, "freq", -1],
    ["n", 0, dump, "freq", 256],
    ["n", 0, dump, "idletime", 5, "freq", 5],
    ["n", 0, dump, "freq", 5, "idletime", 5],
    ["k", 0, broken],
    ["k", 0, broken, "replace"],
    ["n"],
    ["n", 0],
    ["n", 0, dump],
    ["n", 100_000, dump],
    ["n", 100_000, dump, "replace"],
    ["n2", 33_177_117_420_000, dump, "absttl"],
    ["n3", 1000, dump, "absttl"],
    ["n2", 1000, dump, "absttl", "replace"],
    ["n4", 0, dump, "absttl"],
    ["n5", 0, dump, "idletime", 1000],
    ["n6", 0, dump, "freq", 100, "REPLACE"],
  ] as Word[][])
    await same("restore", ...words);
  await sameAll(`
    get n
    persist n
    exists n2
    exists n3
    pexpiretime n4
    get n4
    get n5
    get n6
    hset h f v
  `);
  await same("restore", "h", 0, dump);
  await same("restore", "h", 0, dump, "replace");
  await same("type", "h");
  await same("watch", "k");
  await same("restore", "k", 0, dump, "replace");
  await sameAll(`
    multi
    get k
    exec
    restore
    get k
  `);
});

test("payloads whose sum is right and whose value is not: an error, and the key stays", options, async () => {
  const wrapped = (...bytes: number[]) => payload(Buffer.from(bytes));
  await us.call("set", "k", "stays");
  const listpack = [0x0d, 0, 0, 0, 2, 0, 0x81, 0x61, 2, 0x81, 0x62, 2, 0xff];
  const asString = (type: number, bytes: number[]) => wrapped(type, bytes.length, ...bytes);
  assert.equal(await us.call("restore", "good", 0, asString(16, listpack)), "+OK\r\n");
  assert.equal(await us.call("hget", "good", "a"), "$1\r\nb\r\n");
  const damaged = [
    wrapped(),
    wrapped(0),
    wrapped(0, 5, 0x61),
    wrapped(0, 0xc4),
    wrapped(0, 0xc3, 2, 0xbf, 0xff, 0, 0),
    wrapped(0, 0xc3, 3, 0x80, 0x7f, 0xff, 0xff, 0xff, 0, 0x61, 0x61),
    wrapped(0, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    wrapped(4, 0),
    wrapped(4, 2, 1, 0x61, 1, 0x62),
    wrapped(4, 0x80, 0xff, 0xff, 0xff, 0xff),
    wrapped(99, 1, 0x61),
    asString(16, [7, 0, 0, 0, 0, 0, 0xff]),
    asString(16, [0x0a, 0, 0, 0, 1, 0, 0x81, 0x61, 2, 0xff]),
    ...[0, 6, 9, 12].map((at) => asString(16, listpack.with(at, 0xf5))),
    // The first element is so long that nothing is left.
    asString(16, listpack.with(6, 0x87)),
    asString(13, [11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0xff]),
    wrapped(2, 0),
    asString(11, [2, 0, 0, 0, 0, 0, 0, 0]),
    asString(11, [2, 0, 0, 0, 2, 0, 0, 0, 1, 0]),
    asString(11, [3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]),
    asString(11, [2, 0, 0, 0]),
  ];
  for (const bytes of damaged) {
    const got = await us.call("restore", "k", 0, bytes, "replace");
    assert.equal(got, "-ERR Bad data format\r\n", bytes.toString("hex"));
    assert.equal(await us.call("get", "k"), "$5\r\nstays\r\n");
  }
});

test("a ziplist, as redis before 7.0 has dumped hashes", options, async () => {
  const elements = [
    [0x05, ...Buffer.from("field")],
    [0xc0, 0x39, 0x30],
    [0x01, 0x61],
    [0xf1 + 7],
    [0x01, 0x62],
    [0xfe, 0x80],
    [0x01, 0x63],
    [0xd0, 0, 0, 0, 0x80],
    [0x01, 0x64],
    [0xe0, 1, 0, 0, 0, 0, 0, 0, 0x80],
    [0x01, 0x65],
    [0xf0, 0xff, 0xff, 0x7f],
    [0x40, 0x02, 0x79, 0x7a],
    [0x80, 0, 0, 0, 1, 0x78],
  ];
  const body: number[] = [];
  let sizeBefore = 0;
  let last = 0;
  for (const element of elements) {
    last = 10 + body.length;
    body.push(sizeBefore, ...element);
    sizeBefore = element.length + 1;
  }
  const size = 10 + body.length + 1;
  const ziplist = [size, 0, 0, 0, last, 0, 0, 0, elements.length, 0, ...body, 0xff];
  const dump = payload(Buffer.from([13, 0x40, ziplist.length, ...ziplist]));
  await same("restore", "z", 0, dump, "replace");
  await same("hgetall", "z");
  await same("object", "encoding", "z");
});

/** With version and sum, which the real server is not asked for: it is computed bit by bit. */
function payload(value: Buffer): Buffer {
  const body = Buffer.concat([value, Buffer.from([10, 0])]);
  let sum = 0n;
  for (const byte of body) {
    sum ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1n) === 1n ? (sum >> 1n) ^ 0x95ac9329ac4bc9b5n : sum >> 1n;
  }
  const end = Buffer.alloc(8);
  end.writeBigUInt64LE(sum);
  return Buffer.concat([body, end]);
}
