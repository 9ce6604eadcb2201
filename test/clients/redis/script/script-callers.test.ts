/**
 * On whose behalf scripts run: rights of the user who sent EVAL, WATCH of what a script changes, streams and their waiting readers,
 * replies that come in slices otherwise. Rights are compared with redis-server 7.0 where it is installed.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Redis } from "ioredis";
import { startTestBroker } from "../../../support/broker.ts";
import { RawRedis } from "../../../support/raw-redis.ts";
import { noRealRedis } from "../../../support/real-redis.ts";
import { ScriptPairs } from "../../../support/script-pairs.ts";

test("a script's commands have the rights of who sent it", { skip: noRealRedis }, async () => {
  const both = await ScriptPairs.start();
  await both.sameCommands([
    [
      "acl",
      "setuser",
      "u",
      "reset",
      "on",
      ">p",
      "~a*",
      "&c*",
      "+eval",
      "+evalsha",
      "+eval_ro",
      "+get",
      "+set",
      "+publish",
      "+fcall",
    ],
    [
      "function",
      "load",
      "replace",
      "#!lua name=l\nredis.register_function('f', function(k) return redis.call('get', k[1]) end)",
    ],
    ["auth", "u", "p"],
    ["eval", "return redis.call('set', KEYS[1], 'v')", 1, "a1"],
    ["eval", "return redis.call('get', KEYS[1])", 1, "a1"],
    ["eval", "return redis.call('get', KEYS[1])", 1, "b"],
    ["eval", "return redis.call('get', 'b')", 0],
    ["eval", "return redis.pcall('get', 'b')", 0],
    ["eval", "return redis.call('del', 'a1')", 0],
    ["eval", "return redis.call('publish', 'c1', 'm')", 0],
    ["eval", "return redis.call('publish', 'd', 'm')", 0],
    [
      "eval",
      "return {redis.acl_check_cmd('get', 'a'), redis.acl_check_cmd('get', 'b'), redis.acl_check_cmd('del', 'a')}",
      0,
    ],
    ["eval", "return redis.acl_check_cmd('publish', 'd', 'm')", 0],
    ["fcall", "f", 1, "a1"],
    ["fcall", "f", 1, "b"],
    ["fcall_ro", "f", 1, "a1"],
    ["script", "load", "return 1"],
    ["eval", "return redis.call('nope')", 0],
    ["auth", "default", ""],
  ]);
  await both.stop();
});

test("a script's changes are seen by those who wait and watch", async () => {
  const broker = await startTestBroker();
  const [client, other] = [await RawRedis.open(broker.ports.redis), await RawRedis.open(broker.ports.redis)];
  await other.call("watch", "w");
  await client.call("eval", "redis.call('set', 'w', 1)", 0);
  await other.call("multi");
  assert.equal(await other.call("exec"), "*-1\r\n");
  const reading = other.call("xread", "block", 0, "streams", "s", "$");
  await client.call("client", "id");
  const add = "redis.call('xadd', 's', '1-1', 'f', 'v') return redis.call('xadd', 's', '1-2', 'f', 'w')";
  let isRead = false;
  void reading.then(() => (isRead = true));
  while (!isRead) {
    await client.call("del", "s");
    assert.equal(await client.call("eval", add, 0), "$3\r\n1-2\r\n");
  }
  assert.match(await reading, /^\*1\r\n\*2\r\n\$1\r\ns\r\n\*2\r\n/);
  const fill = "for i = 1, 3000 do redis.call('hset', 'h', i, i) redis.call('set', 'key' .. i, i) end";
  await client.call("eval", fill, 0);
  const counts =
    "return {#redis.call('hgetall', 'h'), #redis.call('keys', 'key*'), #redis.call('hkeys', 'h')}";
  assert.equal(await client.call("eval", counts, 0), "*3\r\n:6000\r\n:3000\r\n:3000\r\n");
  await client.close();
  await other.close();
  await broker.stop();
});

test("ioredis: defineCommand by EVALSHA with NOSCRIPT, in a pipeline and in MULTI; bytes stay bytes", async () => {
  const broker = await startTestBroker();
  const redis = new Redis({ port: broker.ports.redis, host: "127.0.0.1" });
  const lua = "local v = redis.call('incrby', KEYS[1], ARGV[1]) return {v, KEYS[1], cjson.encode({n = v})}";
  redis.defineCommand("bump", { numberOfKeys: 1, lua });
  const bumping = redis as unknown as { bump(key: string, by: number): Promise<unknown> };
  assert.deepEqual(await bumping.bump("n", 5), [5, "n", '{"n":5}']);
  await redis.script("FLUSH");
  assert.deepEqual(await bumping.bump("n", 1), [6, "n", '{"n":6}']);
  const sha = createHash("sha1").update(lua).digest("hex");
  assert.deepEqual(await redis.script("EXISTS", sha), [1]);
  const both = redis.pipeline() as unknown as {
    bump(key: string, by: number): void;
    exec(): Promise<unknown>;
  };
  both.bump("n", 1);
  assert.deepEqual(await both.exec(), [[null, [7, "n", '{"n":7}']]]);
  const queued = redis.multi() as unknown as typeof both;
  queued.bump("n", 1);
  assert.deepEqual(await queued.exec(), [[null, [8, "n", '{"n":8}']]]);
  const bytes = Buffer.from([0, 255, 128, 13, 10, 0]);
  assert.deepEqual(
    await redis.callBuffer("EVAL", "return {ARGV[1], #ARGV[1], ARGV[1] .. KEYS[1]}", 1, bytes, bytes),
    [bytes, 6, Buffer.concat([bytes, bytes])],
  );
  redis.disconnect();
  await broker.stop();
});
