/**
 * A broker with `--redis-cluster-enabled` beside a real redis-server that is a cluster of one node with all slots, replies compared
 * byte by byte in RESP2 and RESP3. Both announce the same address and have the same node id. Skipped, and said so, where there is
 * no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BesideRedis } from "../../../support/beside-redis.ts";
import { startTestBroker } from "../../../support/broker.ts";
import { ownPort } from "../../../support/ports.ts";
import { RawRedis } from "../../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../../support/real-redis.ts";
import { until } from "../../../support/wait.ts";

const options = { skip: noRealRedis };
let beside: BesideRedis;
let id: string;

before(async () => {
  if (noRealRedis !== false) return;
  const announced = { host: "127.0.0.1", port: 7000, busPort: 17_000 };
  const ours = await startTestBroker({
    args: ["--redis-cluster-enabled", "--redis-cluster-announce-port", String(announced.port)],
  });
  const us = await RawRedis.open(ours.ports.redis);
  id = (await us.call("cluster", "myid")).split("\r\n")[1]!;
  await us.close();
  const cluster = { ip: announced.host, port: announced.port, "bus-port": announced.busPort };
  const args = ["--cluster-enabled", "yes", "--cluster-port", String(await ownPort())];
  for (const [name, value] of Object.entries(cluster)) args.push(`--cluster-announce-${name}`, String(value));
  const nodes = `${id} :0@0 myself,master - 0 0 0 connected 0-16383\nvars currentEpoch 0 lastVoteEpoch 0\n`;
  const real = await RealRedis.start(args, { "nodes.conf": nodes });
  const them = await RawRedis.open(real.port);
  // A master waits for two seconds after its start.
  await until(async () => (await them.call("get", "a")) === "$-1\r\n", "the real cluster");
  await them.close();
  beside = await BesideRedis.of(ours, real, []);
});

after(async () => {
  if (noRealRedis === false) await beside.stop();
});

test("what a cluster of one node looks like", options, async () => {
  await beside.sameAll(`
    cluster info
    cluster nodes
    cluster nodes x
    cluster slots
    cluster shards
    cluster myid
    cluster links
    cluster replicas ${id}
    cluster slaves ${id}
    cluster replicas x
    cluster slaves x
    cluster count-failure-reports ${id}
    cluster count-failure-reports x
    cluster bla
    cluster
    readonly
    readwrite
    asking
    info cluster
    pubsub shardnumsub a b
  `);
});

test("slots of keys", options, async () => {
  await beside.sameAll(`
    cluster keyslot a{b}c
    cluster keyslot {}a
    cluster keyslot {}
    cluster keyslot a{}{b}
    cluster keyslot {{b}}
    cluster keyslot {a
    cluster keyslot a}{b}
    cluster keyslot ""
    cluster keyslot X3000
    cluster countkeysinslot 1
    cluster countkeysinslot -1
    cluster countkeysinslot 16384
    cluster countkeysinslot x
    cluster getkeysinslot 0 -1
    cluster getkeysinslot 0 x
    cluster getkeysinslot x 1
    cluster getkeysinslot 16384 1
    cluster getkeysinslot 0 99999999999999999999
    set a 1
    hset {a}h f v
    xadd {a}s 1-1 f v
    set b 1
    cluster countkeysinslot 15495
    cluster countkeysinslot 3300
    cluster getkeysinslot 15495 0
    cluster getkeysinslot 3300 5
    cluster getkeysinslot 1 5
    del b
    cluster countkeysinslot 3300
    flushall
  `);
  // All of a slot, in an order that is redis's own.
  for (const port of beside.ports) {
    const client = await RawRedis.open(port);
    await client.call("mset", "{a}1", 1, "{a}2", 2);
    await client.call("xadd", "{a}3", "*", "f", "v");
    const reply = await client.call("cluster", "getkeysinslot", 15_495, 10);
    assert.deepEqual(
      reply
        .split("\r\n")
        .filter((line) => line.startsWith("{"))
        .toSorted(),
      ["{a}1", "{a}2", "{a}3"],
    );
    await client.call("flushall");
    await client.close();
  }
});

test("keys of different slots in one request are refused", options, async () => {
  await beside.sameAll(`
    mget a b
    mset a 1 b 2
    mset {x}a 1 {x}b 2
    mset a 1 b
    mget {x}a {x}b
    touch a a
    touch a b
    del a b
    unlink a b
    exists a b
    watch a b
    watch a
    watch b
    unwatch
    rename a b
    copy a b
    sort a store b
    zunionstore a 2 a b
    zunionstore a x a b
    xread streams a b 0 0
    xread count x streams a b 0 0
    georadius a 1 1 1 m store b
    lmpop 2 a b left
    lmpop 3 a b left
    blmpop 0.01 2 a b left
    blpop a b 0.01
    bitop and a b c
    pfcount a b
    pfmerge a b
    smove a b c
    spublish a b
    ssubscribe a b
    sunsubscribe a b
    eval x 2 a b
    fcall f 2 a b
    object encoding a
    mget
    get a b
    publish a b
  `);
});

test("what needs other databases or keys that are not named is refused", options, async () => {
  await beside.sameAll(`
    select 1
    select 16
    select x
    select 0
    move a 1
    move a x
    swapdb 0 1
    swapdb x 1
    copy a{a} b{a} DB 1
    copy a a DB 1
    copy a a DB 0
    copy a{a} b{a} DB 0
    sort a by b
    sort a by nosort
  `);
});

test("transactions have keys of one slot", options, async () => {
  await beside.sameAll(`
    multi
    get a
    mget a b
    exec
    multi
    get a
    get b
    exec
    multi
    get a
    get b
    mget a b
    exec
    exec
    multi
    get a
    eval x 1 b
    exec
    multi
    get a
    spublish b 1
    exec
    multi
    spublish c 1
    exec
    multi
    publish c 1
    get a
    get b
    discard
    multi
    select 1
    get a
    cluster keyslot a
    exec
    watch a
    watch b
    multi
    get a
    exec
  `);
});

const scripts: readonly (readonly [string, ...(string | number)[]])[] = [
  ["redis.call('get','a');return redis.call('get','b')", 0],
  ["return redis.call('mget','a','b')", 0],
  ["return redis.pcall('mget','a','b')", 0],
  ["return redis.call('get','b')", 1, "a"],
  ["redis.call('spublish','a','b') return redis.call('spublish','b','c')", 0],
  ["return redis.call('select',1)", 0],
  ["return redis.call('move','a',1)", 0],
  ["return redis.call('mset','a',1,'b')", 0],
  ["return redis.call('asking')", 0],
  ["return redis.call('cluster','myid')", 0],
  ["#!lua flags=no-cluster\nreturn 1", 0],
  ["#!lua flags=no-cluster,no-writes\nreturn 1", 0],
  ["#!lua\nredis.call('get','a');return redis.call('get','b')", 0],
  ["#!lua\nredis.pcall('get','a');return redis.pcall('get','b')", 0],
  ["#!lua\nredis.pcall('get','a');return redis.pcall('get','{a}b')", 0],
  ["#!lua flags=allow-cross-slot-keys\nredis.call('get','a');return redis.call('get','b')", 0],
  ["#!lua flags=allow-cross-slot-keys\nreturn redis.call('mget','a','b')", 0],
  ["#!lua\nreturn redis.call('get','b')", 1, "a"],
  ["#!lua\nreturn redis.call('get','b')", 2, "{a}q", "a"],
  ["#!lua\nreturn redis.call('mget','a','b')", 2, "{a}q", "a"],
  ["#!lua\nredis.call('spublish','a','b') return redis.call('spublish','b','c')", 0],
  ["#!lua\nreturn redis.call('ping')", 1, "a"],
];

const library = `#!lua name=l
local function two() redis.call('get','a'); return redis.call('get','b') end
redis.register_function('f', two)
redis.register_function{function_name='g',callback=two,flags={'no-cluster'}}
redis.register_function{function_name='h',callback=two,flags={'allow-cross-slot-keys'}}`;

test("scripts come to keys of one slot, in the words of their first line", options, async () => {
  for (const version of [2, 3] as const) {
    for (const script of scripts) await beside.same(version, ["eval", ...script]);
    await beside.same(version, ["eval_ro", "#!lua flags=no-cluster\nreturn 1", 0]);
    await beside.same(version, ["function", "load", "replace", library]);
    for (const name of ["f", "g", "h"]) await beside.same(version, ["fcall", name, 0]);
  }
});

test("what changes no cluster is answered as redis answers it", options, async () => {
  await beside.sameAll(`
    cluster addslots 0
    cluster addslots x
    cluster addslots 0 0
    cluster addslots 1 99999
    cluster addslotsrange 0
    cluster addslotsrange 0 5 7
    cluster addslotsrange 5 1
    cluster addslotsrange x 5
    cluster addslotsrange 3 5
    cluster forget x
    cluster forget ${id}
    cluster replicate x
    cluster replicate ${id}
    cluster failover
    cluster failover bla
    cluster failover force
    cluster failover takeover
    cluster failover force x
    cluster saveconfig
  `);
});

test("a subscriber is told of slots before it is told what it may not do", options, async () => {
  const replies = await Promise.all(
    beside.ports.map(async (port) => {
      const client = await RawRedis.open(port);
      // Each confirmation is a reply of its own: the second one is read with the next request.
      const said = [await client.call("ssubscribe", "{a}a")];
      for (const words of [["get", "q"], ["mget", "q", "r"], ["ssubscribe", "b", "c"], ["sunsubscribe"]])
        said.push(await client.call(...words));
      await client.close();
      return said;
    }),
  );
  assert.deepEqual(replies[0], replies[1]);
});

test("CLUSTER HELP and MYSHARDID are of redis 7.2", options, async () => {
  const [us, them] = await Promise.all(beside.ports.map((port) => RawRedis.open(port)));
  const ours = (await us!.call("cluster", "help")).split("\r\n").slice(1);
  const theirs = (await them!.call("cluster", "help")).split("\r\n").slice(1);
  const added = new Set(["+MYSHARDID", "+    Return the node's shard id."]);
  assert.deepEqual(
    ours.filter((line) => !added.has(line)),
    theirs,
  );
  assert.match(await us!.call("cluster", "myshardid"), /^\$40\r\n[\da-f]{40}\r\n$/);
  await us!.close();
  await them!.close();
});
