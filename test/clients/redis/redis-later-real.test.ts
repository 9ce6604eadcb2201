/**
 * Options that Redis 7.4 has and 7.0 has not, beside a redis-server 8.2, reply for reply; without one the test says so and does nothing.
 * Streams and expiring fields have files of their own (redis-stream-later-real, redis-hash-expiry-real).
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BesideRedis } from "../../support/beside-redis.ts";
import { startTestBroker } from "../../support/broker.ts";
import { ownPort } from "../../support/ports.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { laterProgram, noLaterRedis, RealRedis } from "../../support/real-redis.ts";
import { until } from "../../support/wait.ts";

const options = { skip: noLaterRedis };
let beside: BesideRedis | null = null;

before(async () => {
  if (noLaterRedis === false) beside = await BesideRedis.start([], laterProgram);
});

after(() => beside?.stop());

test("HSCAN with NOVALUES, which SCAN, SSCAN and ZSCAN refuse", options, () =>
  beside!.sameAll(`
    flushall
    hset h a 1 b 2 c 3
    sadd s 1 2
    zadd z 1 a
    set str x
    hscan h 0 novalues
    hscan h 0 NoValues NOVALUES match a
    hscan h 0 match [ab] novalues
    hscan h 0 count 5 novalues
    hscan h 0 novalues count 5
    hscan h 0 count novalues
    hscan h 0 match novalues
    hscan h 0 novalues count
    hscan h 0 novalues 5
    hscan h 0 count 0 novalues
    hscan h 0 novalues count x
    hscan h x novalues
    hscan none 0 novalues
    hscan none 0 novalues x
    hscan str 0 novalues
    hscan s 0 novalues
    hexpire h 100 fields 1 a
    hscan h 0 novalues match a
    sscan s 0 novalues
    sscan s 0 count 5 novalues
    sscan s 0 count x novalues
    sscan s 0 novalues count x
    sscan none 0 novalues
    sscan h 0 novalues
    zscan z 0 novalues
    zscan z 0 bad novalues
    scan 0 novalues
    scan 0 novalues count x
    scan 0 count 5 novalues
  `),
);

test("CLIENT KILL: MAXAGE, and of a filter that comes again the last counts", options, () =>
  beside!.sameAll(`
    client kill maxage
    client kill maxage 0
    client kill maxage -1
    client kill maxage x
    client kill maxage 1.5
    client kill maxage ""
    client kill maxage 9223372036854775808
    client kill maxage 9223372036854775807
    client kill maxage 100000 maxage
    client kill MAXAGE 100000
    client kill maxage 1 maxage 100000
    client kill maxage 100000 skipme no
    client kill id 0 maxage x
    client kill maxage x id 0
    client kill skipme maybe maxage x
    client kill user default maxage 100000
    client kill user default user nobody
    client kill type pubsub type foo
    client kill addr 1 addr 2 id 7 id 777777
  `),
);

test("BITCOUNT and BITPOS: wrong arguments are errors whatever the key is", options, () =>
  beside!.sameAll(`
    flushall
    set str abc
    hset h a 1
    bitcount none 1 x
    bitcount none 1
    bitcount none 0 1 foo
    bitcount none x y foo
    bitcount none 0 1 bit x
    bitcount none -1 -2 foo
    bitcount none -1 -2
    bitcount str -1 -2 foo
    bitcount str -1 -2
    bitcount str 1 x foo
    bitcount h 1
    bitcount h x y
    bitcount h 0 1
    bitpos none 1 x
    bitpos none 1 0 x
    bitpos none 1 x y foo
    bitpos none 1 0 x foo
    bitpos none 1 0 1 bit x
    bitpos none 2 x
    bitpos none 0 3
    bitpos none 1 0 1 bit
    bitpos str 1 0 x foo
    bitpos h 1 x
    bitpos h 2
    bitpos h 1
  `),
);

test("XREAD and XREADGROUP with BLOCK in scripts find nothing rather than wait", options, async () => {
  const scripts = [
    "redis.call('del', 's') redis.call('xgroup', 'create', 's', 'g', 0, 'mkstream')",
    "redis.call('xadd', 's', '1-1', 'a', 'b')",
    "return redis.call('xread', 'block', 0, 'streams', 'none', 0)",
    "return redis.call('xread', 'block', 0, 'streams', 's', '$')",
    "return redis.call('xread', 'block', 0, 'streams', 's', 0)",
    "return redis.call('xreadgroup', 'group', 'g', 'c', 'block', 0, 'streams', 's', '>')",
    "return redis.call('xreadgroup', 'group', 'g', 'c', 'block', 0, 'streams', 's', '>')",
    "return redis.call('xread', 'block', 'x', 'streams', 's', 0)",
    "return redis.call('xread', 'block', -1, 'streams', 's', 0)",
    "redis.setresp(3) return redis.call('xread', 'block', 0, 'streams', 'none', 0)",
    "local r = redis.call('xread', 'block', 0, 'streams', 'none', '$') return {type(r), tostring(r)}",
  ];
  for (const version of [2, 3] as const)
    for (const script of scripts) await beside!.same(version, ["eval", script, "0"]);
});

test("os.clock() in scripts, and nothing else of os", options, async () => {
  const scripts = [
    "return type(os.clock())",
    "local a = os.clock() local x = 0 for i = 1, 1e5 do x = x + i end return os.clock() >= a",
    "local r = {} for k, v in pairs(os) do r[#r + 1] = k .. ':' .. type(v) end return table.concat(r, ' ')",
    "return tostring(os.time)",
    "os.execute('x')",
    "os.clock = 1",
    "os.x = 1",
    "rawset(os, 'x', 1)",
    "os = 1",
    "return type(os.clock(1, 'x'))",
  ];
  for (const version of [2, 3] as const)
    for (const script of scripts) await beside!.same(version, ["eval", script, "0"]);
});

test("INFO and CLIENT INFO count who watches, and who is subscribed", options, async () => {
  const counted = /^(pubsub_clients|watching_clients|total_watched_keys):\d+/gm;
  for (const port of beside!.ports) {
    const one = await RawRedis.open(port);
    const two = await RawRedis.open(port);
    const three = await RawRedis.open(port);
    await one.call("watch", "a", "b", "a");
    await two.call("watch", "b", "c");
    await three.call("subscribe", "x", "y");
    assert.deepEqual((await one.call("info", "clients")).match(counted), [
      "pubsub_clients:1",
      "watching_clients:2",
      "total_watched_keys:3",
    ]);
    assert.match(await one.call("client", "info"), / multi=-1 watch=2 qbuf=/);
    await two.call("unwatch");
    assert.match(await two.call("client", "info"), / multi=-1 watch=0 qbuf=/);
    assert.deepEqual((await one.call("info", "clients")).match(counted), [
      "pubsub_clients:1",
      "watching_clients:1",
      "total_watched_keys:2",
    ]);
    await Promise.all([one.close(), two.close(), three.close()]);
  }
});

test("SORT in a cluster takes patterns whose keys are all of the sorted key's slot", options, async () => {
  const ours = await startTestBroker({ args: ["--redis-cluster-enabled"] });
  const nodes = `${"a".repeat(40)} :0@0 myself,master - 0 0 0 connected 0-16383\nvars currentEpoch 0 lastVoteEpoch 0\n`;
  const args = ["--cluster-enabled", "yes", "--cluster-port", String(await ownPort())];
  const real = await RealRedis.start(args, { "nodes.conf": nodes }, laterProgram);
  const them = await RawRedis.open(real.port);
  // A master waits for two seconds after its start.
  await until(async () => (await them.call("get", "a")) === "$-1\r\n", "the real cluster");
  await them.close();
  const cluster = await BesideRedis.of(ours, real, []);
  const patterns = [
    "b",
    "b*",
    "{a}*",
    "*{a}",
    "b{a}*",
    "{a*}",
    "{}{a}*",
    "{}a*",
    "{a?}*",
    "\\{a}*",
    "{a",
    "{a*",
  ];
  patterns.push(
    "{a}*->f",
    "a",
    "#",
    "{b}*",
    "{{a}*",
    "[{a}*",
    "{a}x",
    "w_*->{a}",
    "}{a}*",
    "{a}b}*",
    "*",
    "",
  );
  try {
    await cluster.sameAll(`
      flushall
      rpush a 1 3 2
      rpush x{a} 1 3 2
      mset {a}1 30 {a}2 20 {a}3 10
      hset b{a}1 f x
      sort a by {a}* get # get {a}* get b{a}*->f
      sort a by {a}* store z{a}
      lrange z{a} 0 -1
      sort a by {b}* get b*
      sort_ro a get b* by c*
    `);
    for (const key of ["a", "x{a}"])
      for (const pattern of patterns) {
        await cluster.same(2, ["sort", key, "alpha", "by", pattern]);
        await cluster.same(2, ["sort_ro", key, "get", pattern]);
      }
  } finally {
    await cluster.stop();
  }
});
