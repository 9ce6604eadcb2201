/**
 * Parameters that Redis's own test suite sets, beside the real redis-server: advice is taken and read back, the bounds of encodings
 * and `min-replicas-to-write` act. Replies byte for byte. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BesideRedis } from "../../../support/beside-redis.ts";
import { RawRedis } from "../../../support/raw-redis.ts";
import { noRealRedis } from "../../../support/real-redis.ts";
import { until } from "../../../support/wait.ts";

let beside: BesideRedis;
const options = { skip: noRealRedis, timeout: 20_000 };

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start([]);
});
after(async () => {
  if (noRealRedis === false) await beside.stop();
});

test("advice is taken by either of its names, and read back", options, async () => {
  await beside.sameAll(`
    config set list-max-ziplist-size 4 list-compress-depth 2
    config get list-max-listpack-size
    config get list-max-ziplist-size
    config get list-compress-depth
    config set list-max-listpack-size x
    config set list-max-listpack-size -2 list-compress-depth 0
    config set activedefrag maybe
    config set zset-max-listpack-value ""
    config get zset-max-listpack-value
    config set zset-max-listpack-value kb
    config set zset-max-listpack-value 64
    config set hz 100 repl-backlog-size 10000002 client-query-buffer-limit 10m
    config get hz
    config get repl-backlog-size
    config get client-query-buffer-limit
    config set hz 10 repl-backlog-size 1mb client-query-buffer-limit 1gb
    config set maxmemory-clients 200% hz 50
    config get hz
    config get maxmemory-clients
  `);
});

test("hidden parameters are shown to who names them", options, async () => {
  await beside.sameAll(`
    config get key-load-delay
    config get key-load-dela?
    config get KEY-LOAD-DELAY
  `);
});

test("encodings follow their bounds with the next change of a value", options, async () => {
  await beside.sameAll(`
    flushall
    hset h a 1 b 2 c 3
    hset long a XXXXXXXXXXXXXXXXXXXX
    sadd s 1 2 3 4
    zadd z 1 a 2 b 3 c
    zadd w 1 abcdefghijkl
    config set hash-max-ziplist-entries 2 hash-max-listpack-value 10 set-max-intset-entries 3 zset-max-listpack-entries 2 zset-max-ziplist-value 10
    config get hash-max-ziplist-entries
    config get hash-max-listpack-entries
    config get zset-max-listpack-value
    object encoding h
    hset h a 9
    object encoding h
    object encoding long
    hset long a XXXXXXXXXXXXXXXXXXXX
    object encoding long
    object encoding s
    sadd s 1
    object encoding s
    sadd s 5
    object encoding s
    object encoding z
    zadd z 4 d
    object encoding z
    object encoding w
    zadd w 2 abcdefghijklm
    object encoding w
    hset small a 1 b 2
    object encoding small
    hset small c 3
    object encoding small
    zadd zs 1 a 2 b
    object encoding zs
    zunionstore zu 2 z zs
    object encoding zu
    config set hash-max-listpack-entries 1000 set-max-intset-entries 1000 zset-max-listpack-entries 1000 hash-max-listpack-value 64 zset-max-listpack-value 64
    zunionstore zu 2 z zs
    object encoding zu
    object encoding h
  `);
  const many = Array.from({ length: 600 }, (_, at) => String(at));
  for (const version of [2, 3] as const) {
    await beside.same(version, ["del", "h", "s", "z"]);
    await beside.same(version, ["hset", "h", ...many.flatMap((each) => [each, each])]);
    await beside.same(version, ["sadd", "s", ...many]);
    await beside.same(version, ["zadd", "z", ...many.flatMap((each) => [each, each])]);
    for (const key of ["h", "s", "z"]) {
      await beside.same(version, ["object", "encoding", key]);
      // Redis keeps the order of fields in a listpack of any size; here a hash of more than 4 KiB is a table.
      if (key !== "h") await beside.same(version, ["dump", key]);
    }
    await beside.same(version, ["sadd", "s", ...many.map((each) => `1${each}000`)]);
    await beside.same(version, ["object", "encoding", "s"]);
  }
  await beside.sameAll(`
    config set hash-max-listpack-entries 512 set-max-intset-entries 512 zset-max-listpack-entries 128
  `);
});

test("min-replicas-to-write refuses what writes: alone, in MULTI, in scripts", options, async () => {
  await beside.sameAll(`
    flushall
    set k v
    multi
    set k w
    config set min-replicas-to-write 1
    exec
    get k
    config get min-slaves-to-write
    set k x
    get k
    del k
    multi
    set k y
    get k
    exec
    multi
    get k
    exec
    eval return(redis.call('get','k')) 0
    eval return(redis.call('set','k','z')) 0
    eval return(redis.pcall('set','k','z').err) 0
    config set min-replicas-max-lag 0
    set k free
    config set min-slaves-max-lag 10
    set k bound
    config set min-slaves-to-write 0
    set k free
  `);
  for (const version of [2, 3] as const) {
    const write = "#!lua\nreturn redis.call('set', 'k', 'w')";
    const read = "#!lua flags=no-writes\nreturn redis.call('get', 'k')";
    await beside.same(version, ["config", "set", "min-replicas-to-write", "2"]);
    await beside.same(version, ["eval", write, "0"]);
    await beside.same(version, ["eval", read, "0"]);
    await beside.same(version, ["multi"]);
    await beside.same(version, ["eval", write, "0"]);
    await beside.same(version, ["exec"]);
    await beside.same(version, ["config", "set", "min-replicas-to-write", "0"]);
    await beside.same(version, ["eval", write, "0"]);
  }
});

test("acl-pubsub-default is for new users, new selectors and reset", options, async () => {
  await beside.sameAll(`
    acl setuser before +@all
    config set acl-pubsub-default allchannels
    acl setuser new +@all
    acl setuser other resetchannels (+@all)
    acl setuser none (+@all resetchannels) resetchannels
    acl dryrun before publish x y
    acl dryrun new publish x y
    acl dryrun other publish x y
    acl dryrun none publish x y
    acl setuser before reset +@all
    acl dryrun before publish x y
    config set acl-pubsub-default resetchannels
    acl dryrun before publish x y
    acl setuser new reset +@all
    acl dryrun new publish x y
    acl deluser before new other none
    config set acllog-max-len 1
    auth nosuch x
    auth nosuch2 x
    config set acllog-max-len 128
    acl log reset
  `);
});

test("SORT may look up keys by any selector that reads all keys", options, async () => {
  await sameOf(async (a, b) => {
    await a.call("flushall");
    await a.call("rpush", "l", "1", "2");
    await a.call("acl", "setuser", "sorter", "on", "nopass", "(+sort ~l)");
    await b.call("auth", "sorter", "x");
    const answers = [await b.call("sort", "l", "by", "v*"), await b.call("sort", "l", "get", "#")];
    await a.call("acl", "setuser", "sorter", "(+sort %W~*)", "(+get %R~*)");
    answers.push(await b.call("sort", "l", "by", "v*"));
    await a.call("acl", "setuser", "sorter", "(+sort ~l %R~*)");
    answers.push(await b.call("sort", "l", "by", "v*"), await b.call("sort", "l", "get", "v*"));
    await a.call("acl", "deluser", "sorter");
    return answers;
  });
});

test("an error that ends a wait is counted", options, async () => {
  await sameOf(async (a, b) => {
    await a.call("config", "resetstat");
    const id = (await b.call("client", "id")).slice(1).trim();
    const waiting = b.call("blpop", "nokey", "0");
    await until(async () => (await a.call("client", "unblock", id, "error")) === ":1\r\n", "blocked");
    return [await waiting, await a.call("info", "errorstats")];
  });
});

test("first lines of scripts and libraries may have words in quotes", options, async () => {
  const code = (name: string): string =>
    `#!lua ${name}\nredis.register_function('f', function() return 1 end)`;
  for (const version of [2, 3] as const) {
    await beside.same(version, ["function", "flush"]);
    await beside.same(version, ["function", "load", code('name="foo"')]);
    await beside.same(version, ["function", "load", code("'name=foo'")]);
    await beside.same(version, ["function", "load", "replace", code('name="fo\\x6f"')]);
    await beside.same(version, ["function", "load", code('name="foo')]);
    await beside.same(version, ["eval", '#!lua "flags=no-writes"\nreturn 1', "0"]);
    await beside.same(version, ["eval", '#!lua flags="no-writes\nreturn 1', "0"]);
    await beside.same(version, ["eval", "#!LUA\nreturn 1", "0"]);
  }
});

/** Our broker and redis, one after the other. */
async function sameOf(work: (a: RawRedis, b: RawRedis) => Promise<unknown>): Promise<void> {
  const results: unknown[] = [];
  for (const port of beside.ports) {
    const a = await RawRedis.open(port);
    const b = await RawRedis.open(port);
    results.push(await work(a, b));
    await Promise.all([a.close(), b.close()]);
  }
  assert.deepEqual(results[0], results[1]);
}

function numberOf(info: string, name: string): number {
  return Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
}

test("a pause of writes lets scripts pass that say that they only read", options, async () => {
  await sameOf(async (a, b) => {
    const library =
      "#!lua name=p\nredis.register_function{function_name='p', callback=function() return 7 end, flags={'no-writes'}}";
    const read = "#!lua flags=no-writes\nreturn 1";
    await a.call("function", "load", "replace", library);
    await a.call("client", "pause", "600000", "write");
    const passed = [
      await b.call("eval", read, "0"),
      await b.call("eval", read, "0"),
      await b.call("eval_ro", "return 2", "0"),
      await b.call("fcall", "p", "0"),
      await b.call("multi"),
      await b.call("eval", read, "0"),
      await b.call("exec"),
    ];
    const held = b.call("eval", "#!lua\nreturn 3", "0");
    await until(async () => numberOf(await a.call("info", "clients"), "blocked_clients") === 1, "held");
    await a.call("client", "unpause");
    return [...passed, await held];
  });
});

test("nothing expires while writes are paused, but what is due is hidden", options, async () => {
  await sameOf(async (a, b) => {
    await a.call("flushall");
    const expired = numberOf(await a.call("info", "stats"), "expired_keys");
    await a.call("multi");
    await a.call("set", "k", "v", "px", "10");
    await a.call("client", "pause", "600000", "write");
    await a.call("exec");
    await until(async () => (await b.call("get", "k")) === "$-1\r\n", "due");
    const during = [
      numberOf(await a.call("info", "stats"), "expired_keys") - expired,
      await b.call("exists", "k"),
      await b.call("dbsize"),
      await b.call("keys", "*"),
    ];
    await a.call("client", "unpause");
    await b.call("get", "k");
    return [
      ...during,
      numberOf(await a.call("info", "stats"), "expired_keys") - expired,
      await b.call("dbsize"),
    ];
  });
});

test("a script that reads is tracked by the keys that it was given", options, async () => {
  await sameOf(async (a, b) => {
    const told: number[] = [];
    await a.call("client", "tracking", "on");
    const itemsNow = async (): Promise<void> => {
      told.push(numberOf(await b.call("info", "stats"), "tracking_total_items"));
    };
    await a.call("eval", "return redis.call('set','other','1')", "2", "x", "y");
    await itemsNow();
    await a.call("eval_ro", "return redis.call('ping')", "2", "x", "y");
    await itemsNow();
    await a.call("eval", "return redis.call('get','other')", "2", "x", "y");
    await itemsNow();
    await a.call("client", "tracking", "off");
    return told;
  });
});

test("a bounded table of tracked keys tells what it forgets, even with NOLOOP", options, async () => {
  await sameOf(async (a, b) => {
    await a.call("flushall");
    await b.call("hello", "3");
    await b.call("client", "tracking", "on", "noloop");
    await b.call("mget", "x", "y");
    const answers = [await b.call("config", "set", "tracking-table-max-keys", "1"), await b.call("ping")];
    await a.call("config", "set", "tracking-table-max-keys", "1000000");
    return answers.map((each) => each.replace(/\b[xy]\b/, "KEY"));
  });
});
