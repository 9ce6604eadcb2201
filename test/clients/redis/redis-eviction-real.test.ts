/**
 * Eviction beside the real redis-server: settings, what is refused without room, which commands count as uses of their keys, and how good
 * the choice of the keys is that go. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Seeded } from "../../../sim/seeded.ts";
import { BesideRedis } from "../../support/beside-redis.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { noRealRedis } from "../../support/real-redis.ts";

const options = { skip: noRealRedis };
let beside: BesideRedis;
/** Ours and redis's. */
let both: readonly [RawRedis, RawRedis];

before(async () => {
  if (noRealRedis !== false) return;
  beside = await BesideRedis.start([]);
  const [ours, real] = beside.ports;
  both = [await RawRedis.open(ours), await RawRedis.open(real)];
});

after(async () => {
  if (noRealRedis !== false) return;
  for (const client of both) await client.close();
  await beside.stop();
});

beforeEach(async () => {
  if (noRealRedis !== false) return;
  for (const setting of [
    "maxmemory 0",
    "maxmemory-policy noeviction",
    "lfu-log-factor 10",
    "lfu-decay-time 1",
  ])
    await eachIs("config", "set", ...setting.split(" "));
});

async function eachIs(...words: string[]): Promise<void> {
  const [ours, real] = await Promise.all(both.map((client) => client.call(...words)));
  assert.equal(ours, real, words.join(" "));
}

test("settings: what they take, what they show, why they refuse", options, async () => {
  await beside.sameAll(`
    config set maxmemory abc
    config set maxmemory -1
    config set maxmemory 1.5mb
    config set maxmemory 100K
    config get maxmemory
    config set maxmemory 1Gb
    config get maxmemory
    config set maxmemory 0
    config set maxmemory-policy foo
    config set maxmemory-policy ALLKEYS-LRU
    config get maxmemory-policy
    config set maxmemory 18446744073709551615
    config get maxmemory
    config set maxmemory 0
    config set maxmemory-policy noeviction
    config set maxmemory-samples 0
    config set maxmemory-samples x
    config set maxmemory-samples 5
    config set maxmemory-eviction-tenacity 101
    config set maxmemory-eviction-tenacity 10
    config set lfu-log-factor -1
    config set lfu-decay-time x
    config get lfu-decay-time
    config set maxmemory-clients 101%
    config set maxmemory-clients -5
    config set maxmemory-clients x
    config set maxmemory-clients 5%
    config get maxmemory-clients
    config set maxmemory-clients 0%
    config get maxmemory-clients
  `);
});

test("without room: denyoom commands, MULTI, EXEC, scripts, functions", options, async () => {
  const lines = [
    "flushall",
    "set a b",
    "config set maxmemory 1",
    "set a c",
    "get a",
    "del nothing",
    "expire a 100",
    "lpush l x",
    "hset h f v",
    "xadd s * a b",
    "multi",
    "exec",
    "multi",
    "set a b",
    "get a",
    "discard",
    "multi",
    "get a",
    "exec",
    "multi",
    "multi",
    "watch a",
    "quitx",
    "exec",
    "exec",
    "config set maxmemory 0",
    // The room goes between MULTI and EXEC.
    "multi",
    "set a b",
    "config set maxmemory 1",
    "exec",
    "exec",
    "config set maxmemory 0",
    "multi",
    "get a",
    "config set maxmemory 1",
    "exec",
    // Queued, then run after what has given room.
    "config set maxmemory 0",
    "multi",
    "config set maxmemory 1",
    "set a after",
    "exec",
    "eval return(redis.call('set','a','b')) 0",
    "eval return(redis.call('get','a')) 0",
    "eval return(redis.pcall('set','a','b').err) 0",
    "eval redis.call('del','x')return(redis.call('set','a','3')) 0",
    "eval return(redis.call('get','a')) 0",
    "config set maxmemory 0",
    "get a",
  ];
  for (const version of [2, 3] as const) {
    for (const line of lines) await beside.same(version, line.split(" "));
  }
  const scripts = [
    "#!lua\nreturn redis.call('get','a')",
    "#!lua flags=allow-oom\nreturn redis.call('set','a', 2)",
    "#!lua flags=no-writes\nreturn redis.call('get','a')",
  ];
  const library =
    "#!lua name=oom\nredis.register_function('plain', function() return redis.call('get','a') end)\n" +
    "redis.register_function{function_name='allowed', callback=function() return redis.call('set','a','f') end, flags={'allow-oom'}}\n" +
    "redis.register_function{function_name='reads', callback=function() return redis.call('get','a') end, flags={'no-writes'}}";
  await eachIs("function", "load", "replace", library);
  await eachIs("config", "set", "maxmemory", "1");
  for (const script of scripts) {
    await eachIs("eval", script, "0");
    await eachIs("eval_ro", script, "0");
  }
  for (const name of ["plain", "allowed", "reads"]) await eachIs("fcall", name, "0");
  await eachIs("function", "load", "replace", library);
  await eachIs("config", "set", "maxmemory", "0");
  await eachIs("function", "flush");
});

test("OBJECT IDLETIME and FREQ by the policy; MEMORY's errors", options, async () => {
  await beside.sameAll(`
    flushall
    set a b
    object freq a
    object freq nothing
    config set maxmemory-policy volatile-lfu
    object idletime a
    object idletime nothing
    object freq nothing
    config set maxmemory-policy noeviction
    memory usage nothing
    memory usage a samples -1
    memory usage a samples x
    memory usage a samples
    memory usage a foo
    memory foo
    memory help
    memory purge
    memory doctor
  `);
});

async function sameFrequency(line: string, key: string): Promise<void> {
  const [ours, real] = await Promise.all(both.map((client) => client.call("object", "freq", key)));
  assert.equal(ours, real, `${key} after ${line}`);
}

/** Every use counts for sure, and nothing is forgotten. */
const counted = [
  "config set maxmemory-policy allkeys-lfu",
  "config set lfu-log-factor 0",
  "config set lfu-decay-time 0",
];

test("which commands use their keys: FREQ after each", options, async () => {
  const made = `
    flushall
    set s 123456
    hset h f 1
    rpush l a b c
    sadd t a b c
    zadd z 1 a 2 b
    object freq s
    object freq h
    object freq l
    object freq t
    object freq z`;
  const uses = `
    get s
    exists s
    ttl s
    pttl s
    expiretime s
    type s
    object encoding s
    object freq s
    touch s h
    strlen s
    getrange s 0 1
    append s 3
    incr s
    setrange s 1 9
    set s 50000
    set s 60000 keepttl
    set s 70000 nx
    set s 70000 get
    getset s 80000
    getex s
    mget s s h
    mset s 10001
    setex s 100 10001
    expire s 100
    persist s
    dump s
    copy s s2
    object freq s2
    copy s s2 replace
    object freq s2
    rename s2 s3
    object freq s3
    set other 10001
    get other
    rename s3 other
    object freq other
    move other 3
    select 3
    object freq other
    select 0
    getbit s 1
    setbit s 1 1
    bitcount s
    hget h f
    hset h f 2
    hlen h
    hgetall h
    hincrby h f 1
    lpush l x
    llen l
    lrange l 0 -1
    lindex l 0
    lpop l
    lmove l l left right
    sadd t d
    scard t
    sismember t a
    zadd z 3 c
    zscore z a
    zrange z 0 -1
    zcard z
    zincrby z 1 a
    sort l alpha
    sort_ro l alpha
    eval return(redis.call('get','s')) 0
    eval return(redis.call('ttl','s')) 0`;
  for (const line of [...counted, ...made.split("\n"), ...uses.split("\n")]) {
    if (line.trim() === "") continue;
    await beside.same(2, line.trim().split(" "));
    for (const key of ["s", "h", "l", "t", "z"]) await sameFrequency(line.trim(), key);
  }
});

test("keyspace_hits and keyspace_misses after each command", options, async () => {
  const setUp = "flushall\nset s 12\nhset h f 1\nrpush l a b c\nsadd t a b c\nzadd z 1 a 2 b\nxadd x 1-1 a b";
  for (const line of setUp.split("\n")) await eachIs(...line.split(" "));
  const lines = `get s;get no;exists s no;ttl s;ttl no;type s;type no;type x;object encoding s;object encoding no;strlen s;mget s no h;
    set s 1;set no2 1 xx;getset s 2;getdel no;incr s;append s 1;hget h f;hget no f;hset h f 2;llen l;llen no;lpush l x;
    scard t;scard no;sadd t q;zscore z a;zscore no a;zadd z 1 q;xlen x;xlen no;xrange x - +;xadd x 2-1 a b;del no;del no2;expire s 100;expire no 100;
    memory usage s;memory usage no;copy s s5;copy no s6;touch s no;bitcount s;bitcount no;sort l alpha;dump s;dump no;getex s;getex no;rename s5 s7;randomkey2;
    eval return(redis.call('get','s')) 0`;
  for (const line of lines.split(/;\s*/)) {
    await Promise.all(both.map((client) => client.call("config", "resetstat")));
    await Promise.all(both.map((client) => client.call(...line.split(" "))));
    const told = await Promise.all(both.map((client) => client.call("info", "stats")));
    const [ours, real] = told.map((text) => /keyspace_hits:\d+\r\nkeyspace_misses:\d+/.exec(text)![0]);
    assert.equal(ours, real, line);
  }
});

/** What a reply to DUMP has between its first line and its end. */
function dumpOf(reply: string): Buffer {
  return Buffer.from(reply.slice(reply.indexOf("\r\n") + 2, -2), "latin1");
}

test("RESTORE IDLETIME and FREQ", options, async () => {
  for (const client of both) {
    await client.call("flushall");
    await client.call("config", "set", "maxmemory-policy", "noeviction");
    await client.call("set", "a", "b");
  }
  const dump = dumpOf(await both[1].call("dump", "a"));
  for (const client of both) {
    assert.equal(await client.call("restore", "i", 0, dump, "idletime", 5000), "+OK\r\n");
    const idle = Number((await client.call("object", "idletime", "i")).slice(1));
    assert.ok(idle >= 5000 && idle < 5010, String(idle));
    assert.equal(await client.call("get", "i"), "$1\r\nb\r\n");
    assert.ok(Number((await client.call("object", "idletime", "i")).slice(1)) < 10);
  }
  await eachIs("config", "set", "maxmemory-policy", "allkeys-lfu");
  for (const client of both) assert.equal(await client.call("restore", "f", 0, dump, "freq", 99), "+OK\r\n");
  await eachIs("object", "freq", "f");
  for (const client of both) assert.equal(await client.call("restore", "n", 0, dump), "+OK\r\n");
  await eachIs("object", "freq", "n");
});

async function usedMemory(client: RawRedis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.call("info", "memory"))![1]);
}

/** Lowers the bound until no more than so many keys are left. */
async function shrinkTo(client: RawRedis, wanted: number): Promise<void> {
  for (let step = 0; step < 4000; step++) {
    if (Number((await client.call("dbsize")).slice(1)) <= wanted) break;
    await client.call("config", "set", "maxmemory", (await usedMemory(client)) - 1024);
  }
}

async function configure(client: RawRedis, ...settings: string[]): Promise<void> {
  for (const setting of settings) await client.call("config", "set", ...setting.split(" "));
}

test(
  "LRU: of keys unused for 10 to 4010 s half or more go, and of those as many are the oldest ones as in redis",
  options,
  async () => {
    const count = 4000;
    const shares: number[] = [];
    // Redis first: it removes some more, since its memory has other things in it.
    let wanted = count / 2;
    for (const client of both.toReversed()) {
      await client.call("flushall");
      await configure(client, "maxmemory-policy allkeys-lru", "maxmemory-samples 5");
      await client.call("set", "a", "x".repeat(40));
      const dump = dumpOf(await client.call("dump", "a"));
      await client.call("del", "a");
      const random = new Seeded(5);
      const ages = Array.from({ length: count }, (_, age) => ({ age, place: random.next() }));
      ages.sort((a, b) => a.place - b.place);
      await Promise.all(
        client.pipeline(ages.map(({ age }) => ["restore", `k${age}`, 0, dump, "idletime", age + 10])),
      );
      await shrinkTo(client, wanted);
      const asked = Array.from({ length: count }, (_, age) => ["exists", `k${age}`]);
      const left = await Promise.all(client.pipeline(asked));
      const gone = left.flatMap((reply, age) => (reply === ":0\r\n" ? [age] : []));
      wanted = count - gone.length;
      assert.ok(gone.length >= count * 0.5 && gone.length < count * 0.75, `${gone.length} went`);
      shares.push(gone.filter((age) => age >= count - gone.length).length / gone.length);
    }
    const [real, ours] = shares as [number, number];
    assert.ok(ours > real - 0.02, `of ${count - wanted} that went ${ours} were the oldest; redis ${real}`);
  },
);

/** Ranks below `universe`, the r-th with a chance of 1/r. */
function zipf(universe: number, length: number): number[] {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= universe; rank++) sums.push((sum += 1 / rank));
  const random = new Seeded(11);
  return Array.from({ length }, () => {
    const at = random.next() * sum;
    let low = 0;
    for (let high = universe - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

test(
  "LFU: the hit ratio of a cache with room for a tenth of the keys is that of redis with as much room",
  options,
  async () => {
    const universe = 4000;
    const requests = 16_000;
    const trace = zipf(universe, requests);
    const script =
      "if redis.call('get',KEYS[1]) then return 1 end redis.call('set',KEYS[1],ARGV[1]) return 0";
    const value = "x".repeat(40);
    const ratios: number[] = [];
    const sizes: number[] = [];
    for (const client of both) {
      await client.call("flushall");
      await configure(client, "maxmemory-policy allkeys-lfu", "lfu-log-factor 10", "lfu-decay-time 1");
      const sha = (await client.call("script", "load", script)).split("\r\n")[1]!;
      let hits = 0;
      let keys = 0;
      for (let at = 0; at < requests; at += 200) {
        const part = trace.slice(at, at + 200).map((key) => ["evalsha", sha, 1, `z${key}`, value]);
        for (const reply of await Promise.all(client.pipeline(part))) {
          assert.match(reply, /^:[01]\r\n$/);
          if (reply === ":1\r\n") hits++;
        }
        keys = Number((await client.call("dbsize")).slice(1));
        // The room is in keys: a key takes another amount of memory in each, and redis counts its clients' buffers.
        if (keys > universe / 10) await shrinkTo(client, universe / 10);
      }
      ratios.push(hits / requests);
      sizes.push(keys);
    }
    const [ours, real] = ratios as [number, number];
    assert.ok(
      Math.abs(ours - real) < 0.02,
      `hit ratio ${ours} with ${sizes[0]} keys; redis ${real} with ${sizes[1]}`,
    );
  },
);
