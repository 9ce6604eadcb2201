/**
 * The same commands to the real redis-server and to us, replies compared byte by byte: first one of each kind with its
 * options and errors, then random runs. Skipped, and said so, where there is no redis-server 7.0.
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

/** A command on each line. */
async function sameAll(lines: string): Promise<void> {
  for (const line of lines.split("\n")) {
    const words = line.trim().split(" ");
    if (words[0] !== "") await same(...words.map((word) => (word === '""' ? "" : word)));
  }
}

const options = { skip: noRealRedis };

test("SET and its options", options, async () => {
  await sameAll(`
    flushall
    set k v
    get k
    set k w nx
    set n w xx
    set n w nx
    set k w xx get
    set k x get
    set new x get
    set new2 x nx get
    set new2 y nx get
    set k v ex 100
    ttl k
    set k v2 keepttl
    ttl k
    set k v3
    ttl k
    set k v exat 33177117420
    expiretime k
    pexpiretime k
    set k v pxat 33177117420123
    pexpiretime k
    set k v px 1000000
    set k v ex 0
    set k v ex -1
    set k v ex abc
    set k v ex
    set k v px 9223372036854775807
    set k v ex 9223372036854775
    set k v ex 10000000000000000
    set k v exat 9223372036854775
    set k v nx xx
    set k v ex 10 px 10
    set k v ex 10 keepttl
    set k v keepttl ex 10
    set k v persist
    set k v foo
    set k
    set
    set past v exat 1
    get past
    exists past
    setnx k v
    setnx k2 v
    setex k 100 v
    setex k 0 v
    setex k x v
    psetex k 100000 v
    psetex k -5 v
    setex k 9223372036854775807 v
    getset k new
    getset nokey new
    getdel k
    getdel k
    getex nokey ex 10
    set k v
    getex k
    getex k ex 100
    ttl k
    getex k persist
    ttl k
    getex k px 100000
    getex k exat 33177117420
    pexpiretime k
    getex k pxat 33177117420000
    getex k ex 0
    getex k ex
    getex k foo
    getex k ex 10 persist
    getex k persist ex 10
    getex k nx
    getex k keepttl
    getex k exat 1
    get k
  `);
});

test("strings and their parts", options, async () => {
  await sameAll(`
    flushall
    mset a 1 b 2 c 3
    mset a 1 b
    mget a b nokey c
    msetnx d 1 a 2
    exists d
    msetnx d 1 e 2
    msetnx d 1 e
    append a bc
    append nokey ""
    exists nokey
    append nokey xyz
    strlen nokey
    strlen none
    setrange s 5 hello
    get s
    setrange s 0 abc
    setrange s -1 x
    setrange s x x
    setrange none 3 ""
    exists none
    setrange s 3 ""
    setrange s 536870912 x
    setrange s 536870911 ""
    setrange none 536870912 x
    getrange s 0 3
    getrange s 0 -1
    getrange s -3 -1
    getrange s -1 -3
    getrange s 5 2
    getrange s -100 100
    getrange s -100 -50
    getrange s 100 200
    getrange none 0 -1
    getrange s a 1
    getrange s 0 9223372036854775808
    getrange s -9223372036854775808 9223372036854775807
    substr s 0 2
  `);
});

test("arithmetic", options, async () => {
  await sameAll(`
    flushall
    incr i
    incrby i 41
    decr i
    decrby i 100
    get i
    set i 9223372036854775806
    incr i
    incr i
    get i
    incrby i -9223372036854775807
    set i -9223372036854775807
    decr i
    decr i
    decrby i 9223372036854775807
    set i 0
    decrby i -9223372036854775808
    incrby i -9223372036854775808
    incrby i 9223372036854775807
    incrby i 1
    set i 9007199254740991
    incr i
    incr i
    incrby i 9007199254740993
    decrby i 3
    set i 9007199254740993
    incrby i -9007199254740993
    set i x
    incr i
    set i ""
    incr i
    set i 01
    incr i
    set i 1.5
    incr i
    incrby i x
    incrby i 1.0
    incrby i 9223372036854775808
    set i 10 ex 100
    incr i
    ttl i
    incrbyfloat f 0.1
    incrbyfloat f 0.2
    incrbyfloat f 3e3
    incrbyfloat f -3000.3
    set f 3.0e3
    incrbyfloat f 1e-7
    set f 1234567.1
    incrbyfloat f 0.1
    set f 17179869184
    incrbyfloat f 1.5
    incrbyfloat f 1e20
    incrbyfloat f 0.123456789012345678
    incrbyfloat f inf
    incrbyfloat f -inf
    incrbyfloat f nan
    incrbyfloat f abc
    incrbyfloat f ""
    set f inf
    incrbyfloat f 1
    set f abc
    incrbyfloat f 1
    set f 1
    incrbyfloat f -1.1
    incrbyfloat f 0.1
    set f -0.0
    incrbyfloat f 0
    set f 1e300
    incrbyfloat f 1e300
    incrbyfloat f 1
    incrbyfloat f 1e4000
    incrbyfloat f 1
    incrbyfloat f 1e5000
    incrbyfloat f 1e-5000
    set f 1.
    incrbyfloat f .5
    incrbyfloat f +.5
    set f 1000000000000000000000
    incrbyfloat f 0.5
  `);
  for (let i = 0; i < 300; i++) {
    await same("set", "f", `${(i * 7919) % 1013}.${(i * 104_729) % 99_991}`);
    await same("incrbyfloat", "f", `${i % 2 === 0 ? "-" : ""}${(i * 31) % 97}.${(i * 6007) % 9973}`);
    await same("incrbyfloat", "f", `${i}.1e${(i % 30) - 15}`);
  }
});

test("keys in general", options, async () => {
  await sameAll(`
    flushall
    mset a 1 b 2 c 3
    del a b nokey a
    unlink c nokey
    dbsize
    mset a 1 b 2
    exists a a nokey b
    touch a a nokey b
    type a
    type nokey
    expire a 100
    ttl a
    expire a 100 nx
    expire b 100 xx
    expire a 200 gt
    expire a 100 gt
    expire a 300 lt
    expire a 50 lt
    expire b 100 gt
    expire b 100 lt
    ttl b
    expire a 10 nx xx
    expire a 10 nx gt
    expire a 10 gt lt
    expire a 10 foo
    expire a x
    expire a 9223372036854775807
    expire a 9223372036854776
    expire a -9223372036854775807
    pexpire a 9223372036854775807
    pexpire a 100000 gt
    expireat a 33177117420
    expiretime a
    pexpireat a 33177117420123
    pexpiretime a
    expiretime a
    expiretime b
    expiretime nokey
    pexpiretime nokey
    persist a
    persist a
    persist nokey
    ttl a
    pttl a
    ttl nokey
    pttl nokey
    expire a 0
    exists a
    expire b -1
    exists b
    expire nokey 10
    set a 1
    expireat a 1
    get a
    set a 1
    pexpireat a 1000
    get a
    rename nokey x
    rename nokey nokey
    set a 1 ex 1000
    rename a a
    rename a b
    ttl b
    get a
    set a 2
    renamenx a b
    renamenx a a
    renamenx nokey a
    renamenx a c
    get c
    copy c d
    copy c d
    copy c d replace
    copy b d replace
    ttl d
    copy c c
    copy c e db 1
    copy c e db 16
    copy c e db x
    copy c e foo
    copy c e db
    copy nokey e
    select 1
    get e
    dbsize
    select 0
    move c 1
    move c 0
    move c 16
    move c x
    move nokey 1
    set e 9
    move e 1
    swapdb 0 1
    dbsize
    get e
    swapdb 0 16
    swapdb x 0
    swapdb 0 x
    swapdb 0 0
    select 1
    flushdb
    dbsize
    select 0
    dbsize
    flushdb sync
    flushall async
    flushall foo
    flushdb foo
    flushdb sync sync
    randomkey
    set only 1
    randomkey
    object encoding only
    object encoding nokey
    object refcount nokey
    object freq only
    object help
    object foo
    object
    set e abc
    object encoding e
    keys e*
    keys o*
    keys nothing
    scan 0 match o* count 100
    scan 0 type string match o* count 100
    scan 0 type hash count 100
    scan 0 count 0
    scan 0 count x
    scan 0 match
    scan 0 foo bar
    scan x
    scan 12x
    scan 18446744073709551616
    del
    exists
    get
    get a b
  `);
  // Seconds, which each begins to count at its own time.
  assert.match(await us.call("object", "idletime", "only"), /^:\d\r\n$/);
});

const key = fc.constantFrom("a", "b", "c", "d");
const value = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.integer().map(String),
  fc.constantFrom("", "9223372036854775807", "-9223372036854775808", "0.1", "x".repeat(300)),
);
const number = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom(9_007_199_254_740_991, 1e15));
const command: fc.Arbitrary<Word[]> = fc.oneof(
  fc.tuple(fc.constant("set"), key, value),
  fc.tuple(fc.constant("set"), key, value, fc.constantFrom("nx", "xx", "get", "keepttl")),
  fc.tuple(fc.constant("setex"), key, fc.constantFrom(1000, 5000), value),
  fc.tuple(
    fc.constantFrom("get", "getdel", "strlen", "incr", "decr", "ttl", "persist", "type", "expiretime"),
    key,
  ),
  fc.tuple(fc.constantFrom("append", "getset", "setnx", "incrbyfloat"), key, value),
  fc.tuple(fc.constantFrom("incrby", "decrby"), key, number),
  fc.tuple(fc.constant("setrange"), key, fc.integer({ min: -1, max: 300 }), value),
  fc.tuple(fc.constantFrom("getrange", "substr"), key, number, number),
  fc.tuple(fc.constantFrom("rename", "renamenx", "copy"), key, key),
  fc.tuple(fc.constant("copy"), key, key, fc.constant("replace")),
  fc.tuple(fc.constantFrom("del", "exists", "mget", "unlink"), key, key),
  fc.tuple(fc.constantFrom("mset", "msetnx"), key, value, key, value),
  fc.tuple(fc.constant("expireat"), key, fc.constantFrom(33_177_117_420, 33_177_117_999, 1)),
  fc.tuple(
    fc.constant("expireat"),
    key,
    fc.constantFrom(33_177_117_420, 33_177_117_999),
    fc.constantFrom("nx", "xx", "gt", "lt"),
  ),
  fc.tuple(fc.constant("getex"), key),
  fc.tuple(fc.constant("getex"), key, fc.constant("persist")),
  fc.tuple(fc.constant("getex"), key, fc.constant("exat"), fc.constantFrom(33_177_117_420, 1)),
  // Not REFCOUNT: redis counts a small integer as shared, but not its COPY.
  fc.tuple(fc.constant("object"), fc.constant("encoding"), key),
  fc.tuple(fc.constantFrom("dump", "touch"), key),
  fc.tuple(fc.constant("lcs"), key, key),
  fc.tuple(fc.constant("move"), key, fc.constantFrom(0, 1)),
  fc.tuple(fc.constant("select"), fc.constantFrom(0, 1)),
  fc.tuple(fc.constantFrom("dbsize", "flushdb")),
  fc.tuple(fc.constant("swapdb"), fc.constant(0), fc.constant(1)),
);

test("random runs", options, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 60 }), async (commands) => {
      await same("flushall");
      await same("select", 0);
      for (const words of commands) await same(...words);
    }),
    { numRuns: 150 },
  );
});

test("a refused EXEC ends its transaction", options, async () => {
  await sameAll(`
    flushall
    exec x
    multi
    set a b
    exec x
    exec
    get a
    acl setuser default -exec
    multi
    set a b
    exec
    discard
    multi
    discard x
    exec
    acl setuser default +exec
    exec
    get a
    subscribe channel
    exec
    unsubscribe channel
  `);
});

test("COMMAND LIST names subcommands too, in any order", options, async () => {
  const filters = [
    "pattern config*",
    "pattern cli*HELP",
    "pattern XGROUP|*",
    "pattern set",
    "aclcat HyperLogLog",
  ];
  for (const filter of [...filters, "aclcat none", "module none"]) {
    const words = ["command", "list", "filterby", ...filter.split(" ")];
    const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
    assert.deepEqual(got.split("\r\n").toSorted(), wanted.split("\r\n").toSorted(), filter);
  }
  await sameAll(`
    command list x
    command list filterby x
    command list filterby x y
    command list filterby pattern get x
    command list filterby pattern a filterby pattern get
  `);
});
