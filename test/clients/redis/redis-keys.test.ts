/**
 * String and key commands through ioredis and node-redis, over restarts and kills: what was answered is there again, and
 * what had expired is not.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker();
});

after(async () => {
  await broker.stop();
});

async function withIoredis(use: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis({ port: broker.ports.redis, host: "127.0.0.1" });
  redis.on("error", () => {});
  try {
    await use(redis);
  } finally {
    redis.disconnect();
  }
}

function nodeRedis() {
  return createClient({ socket: { host: "127.0.0.1", port: broker.ports.redis } });
}

async function withNodeRedis(use: (client: ReturnType<typeof nodeRedis>) => Promise<void>): Promise<void> {
  const client = nodeRedis();
  client.on("error", () => {});
  await client.connect();
  try {
    await use(client);
  } finally {
    client.destroy();
  }
}

test("ioredis: every command on strings and keys", async () => {
  await withIoredis(async (redis) => {
    await redis.flushall();
    assert.equal(await redis.set("k", "v"), "OK");
    assert.equal(await redis.set("k", "w", "GET"), "v");
    assert.equal(await redis.set("k", "x", "NX"), null);
    assert.equal(await redis.set("k", "x", "EX", 100, "XX"), "OK");
    assert.ok((await redis.pttl("k")) > 99_000);
    assert.equal(await redis.persist("k"), 1);
    assert.equal(await redis.setnx("k", "y"), 0);
    assert.equal(await redis.setex("t", 50, "y"), "OK");
    assert.equal(await redis.psetex("t", 50_000, "y"), "OK");
    assert.equal(await redis.ttl("t"), 50);
    assert.equal(await redis.getset("k", "z"), "x");
    assert.equal(await redis.getex("k", "PX", 100_000), "z");
    assert.equal(await redis.getdel("k"), "z");
    assert.equal(await redis.get("k"), null);
    assert.equal(await redis.mset({ a: "1", b: "2" }), "OK");
    assert.deepEqual(await redis.mget("a", "b", "none"), ["1", "2", null]);
    assert.equal(await redis.msetnx("b", "1", "c", "1"), 0);
    assert.equal(await redis.append("s", "hello"), 5);
    assert.equal(await redis.setrange("s", 7, "w"), 8);
    assert.deepEqual(await redis.getBuffer("s"), Buffer.from("hello\0\0w"));
    assert.equal(await redis.getrange("s", -1, -1), "w");
    assert.equal(await redis.strlen("s"), 8);
    assert.equal(await redis.incr("i"), 1);
    assert.equal(await redis.incrby("i", 10), 11);
    assert.equal(await redis.decrby("i", 3), 8);
    assert.equal(await redis.decr("i"), 7);
    assert.equal(await redis.incrbyfloat("i", 0.1), "7.1");
    assert.equal(await redis.exists("a", "b", "none"), 2);
    assert.equal(await redis.touch("a", "none"), 1);
    assert.equal(await redis.type("a"), "string");
    assert.equal(await redis.expire("a", 100, "NX"), 1);
    assert.equal(await redis.pexpire("a", 100_000), 1);
    assert.equal(await redis.expireat("a", 33_177_117_420), 1);
    assert.equal(await redis.expiretime("a"), 33_177_117_420);
    assert.equal(await redis.pexpireat("a", 33_177_117_420_001), 1);
    assert.equal(await redis.pexpiretime("a"), 33_177_117_420_001);
    assert.equal(await redis.rename("a", "a2"), "OK");
    assert.equal(await redis.renamenx("a2", "b"), 0);
    assert.equal(await redis.copy("a2", "a3"), 1);
    assert.equal(await redis.move("a3", 1), 1);
    assert.equal(await redis.object("ENCODING", "a2"), "int");
    assert.deepEqual((await redis.keys("*")).toSorted(), ["a2", "b", "i", "s", "t"]);
    assert.deepEqual((await redis.scan(0, "COUNT", 100))[1].toSorted(), ["a2", "b", "i", "s", "t"]);
    assert.ok(["a2", "b", "i", "s", "t"].includes((await redis.randomkey())!));
    assert.equal(await redis.dbsize(), 5);
    assert.equal(await redis.unlink("a2", "b"), 2);
    assert.equal(await redis.del("i", "s"), 2);
    assert.equal(await redis.swapdb(0, 1), "OK");
    assert.equal(await redis.get("a3"), "1");
    await redis.xadd("stream", "*", "f", "v");
    await assert.rejects(redis.swapdb(0, 1), /SWAPDB cannot move streams, and database 0 has some/);
    assert.equal(await redis.flushdb(), "OK");
    assert.equal(await redis.dbsize(), 0);
    await assert.rejects(redis.call("SET", "k", "v", "EX", "0"), {
      message: "ERR invalid expire time in 'set' command",
    });
  });
});

test("node-redis: binary keys and values, and 64-bit counters", async () => {
  await withNodeRedis(async (client) => {
    await client.flushAll();
    assert.equal(await client.set("k", "v", { EX: 100 }), "OK");
    assert.equal(await client.get("k"), "v");
    assert.equal(await client.getDel("k"), "v");
    await client.set("big", "9223372036854775806");
    await client.sendCommand(["INCR", "big"]);
    assert.equal(await client.get("big"), "9223372036854775807");
    await assert.rejects(client.incr("big"), { message: "ERR increment or decrement would overflow" });
    const binary = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await client.set(binary, binary);
    assert.equal(await client.strLen(binary), 256);
    assert.equal(await client.exists(binary), 1);
    const names: string[] = [];
    for await (const page of client.scanIterator({ COUNT: 10 })) names.push(...page);
    assert.equal(names.length, 2);
    assert.equal(await client.expire("big", 100, "GT"), 0);
    assert.equal(await client.expire("big", 100), 1);
    assert.equal(await client.ttl("big"), 100);
  });
});

test("a lone * lists every name, the empty one too, as redis does; ** and ? do not", async () => {
  await withIoredis(async (redis) => {
    await redis.flushall();
    await redis.set("", "v");
    await redis.set("a", "v");
    await redis.hset("hash", "", "1", "f", "2");
    await redis.sadd("set", "", "m");
    await redis.zadd("sorted", 1, "", 2, "m");
    assert.deepEqual((await redis.keys("*")).toSorted(), ["", "a", "hash", "set", "sorted"]);
    assert.deepEqual((await redis.keys("**")).toSorted(), ["a", "hash", "set", "sorted"]);
    assert.deepEqual(await redis.keys("?"), ["a"]);
    assert.deepEqual((await redis.scan(0, "MATCH", "*", "COUNT", 100))[1].toSorted(), [
      "",
      "a",
      "hash",
      "set",
      "sorted",
    ]);
    assert.deepEqual((await redis.hscan("hash", 0, "MATCH", "*"))[1], ["", "1", "f", "2"]);
    assert.deepEqual((await redis.sscan("set", 0, "MATCH", "*"))[1].toSorted(), ["", "m"]);
    assert.deepEqual((await redis.zscan("sorted", 0, "MATCH", "*"))[1], ["", "1", "m", "2"]);
    await redis.flushall();
  });
});

test("a stream is a key of another kind", async () => {
  await withIoredis(async (redis) => {
    await redis.flushall();
    await redis.xadd("stream", "*", "f", "v");
    await redis.set("string", "v");
    await assert.rejects(redis.get("stream"), { message: /^WRONGTYPE/ });
    await assert.rejects(redis.xadd("string", "*", "f", "v"), { message: /^WRONGTYPE/ });
    assert.deepEqual(await redis.mget("stream", "string"), [null, "v"]);
    assert.equal(await redis.type("stream"), "stream");
    assert.equal(await redis.exists("stream", "string"), 2);
    assert.deepEqual((await redis.keys("str*")).toSorted(), ["stream", "string"]);
    assert.deepEqual((await redis.scan(0, "TYPE", "stream"))[1], ["stream"]);
    assert.equal(await redis.dbsize(), 2);
    assert.equal(await redis.setnx("stream", "v"), 0);
    assert.equal(await redis.ttl("stream"), -1);
    assert.equal(await redis.set("stream", "now a string"), "OK");
    assert.equal(await redis.type("stream"), "string");
    await redis.xadd("stream2", "*", "f", "v");
    assert.equal(await redis.del("stream2", "stream"), 2);
    await redis.xadd("stream3", "*", "f", "v");
    await redis.flushdb();
    assert.equal(await redis.dbsize(), 0);
  });
});

test("WATCH sees changes of strings, also by expiry and FLUSHDB", async () => {
  await withIoredis(async (redis) => {
    await withIoredis(async (other) => {
      const changes: (() => Promise<unknown>)[] = [
        () => other.set("w", "2"),
        () => other.append("w", "2"),
        () => other.expire("w", 1000),
        () => other.del("w"),
        () => other.flushdb(),
      ];
      for (const change of changes) {
        await redis.set("w", "1");
        await redis.watch("w");
        await change();
        assert.equal(await redis.multi().get("w").exec(), null, String(change));
      }
      // The key has to live until WATCH has come, however slow the machine is.
      let lifeMs = 100;
      for (; ; lifeMs *= 2) {
        await redis.set("w", "1", "PX", lifeMs);
        await redis.watch("w");
        if ((await redis.exists("w")) === 1) break;
        await redis.unwatch();
      }
      await sleep(lifeMs + 50);
      assert.equal(await redis.multi().set("w", "2").exec(), null, "expired");
      await redis.set("w", "1");
      await redis.watch("w");
      await other.get("w");
      assert.notEqual(await redis.multi().get("w").exec(), null);
    });
  });
});

for (const way of ["SIGTERM", "SIGKILL"] as const) {
  test(`keys are there after ${way} and a restart`, async () => {
    await withIoredis(async (redis) => {
      await redis.flushall();
      await redis.set("plain", "v");
      await redis.set("patched", "aaaa");
      await redis.setrange("patched", 2, "bbbb");
      await redis.append("patched", "c");
      await redis.incrby("counter", 41);
      await redis.incr("counter");
      await redis.set("lives", "v", "EX", 1000);
      await redis.set("kept", "v", "EX", 1000);
      await redis.persist("kept");
      await redis.set("dies", "v", "PX", 50);
      await redis.mset("gone", "v", "old", "v");
      await redis.del("gone");
      await redis.rename("old", "new");
      await redis.select(3);
      await redis.set("three", "3");
      await redis.swapdb(3, 4);
      await redis.select(5);
      await redis.set("flushed", "v");
      await redis.flushdb();
      await redis.set("big", "x".repeat(3_000_000));
    });
    if (way === "SIGKILL") await broker.kill("SIGKILL");
    await sleep(60);
    await broker.restart();
    await withIoredis(async (redis) => {
      assert.deepEqual((await redis.keys("*")).toSorted(), [
        "counter",
        "kept",
        "lives",
        "new",
        "patched",
        "plain",
      ]);
      assert.equal(await redis.get("patched"), "aabbbbc");
      assert.equal(await redis.incr("counter"), 43);
      assert.ok((await redis.ttl("lives")) > 900);
      assert.equal(await redis.ttl("kept"), -1);
      assert.equal(await redis.get("dies"), null);
      await redis.select(4);
      assert.equal(await redis.get("three"), "3");
      await redis.select(5);
      assert.equal(await redis.get("flushed"), null);
      assert.equal((await redis.get("big"))!.length, 3_000_000);
    });
  });
}

test("SIGKILL under load: every answered increment is there, none that was not asked for", async () => {
  for (let round = 0; round < 3; round++) {
    await withIoredis(async (redis) => redis.flushall().then(() => {}));
    const asked = Array.from({ length: 20 }, () => 0);
    const answered = Array.from({ length: 20 }, () => 0);
    const clients = Array.from({ length: 4 }, () => {
      const redis = new Redis({ port: broker.ports.redis, host: "127.0.0.1", retryStrategy: () => null });
      redis.on("error", () => {});
      return redis;
    });
    let isOver = false;
    const loads = clients.map(async (redis, number) => {
      for (let i = number; !isOver; i = (i + 7) % asked.length) {
        asked[i]!++;
        try {
          await redis.incr(`n${i}`);
          answered[i]!++;
        } catch {
          return;
        }
      }
    });
    await sleep(150 + 70 * round);
    await broker.kill("SIGKILL");
    isOver = true;
    for (const redis of clients) redis.disconnect();
    await Promise.all(loads);
    await broker.restart();
    await withIoredis(async (redis) => {
      for (const [i, count] of asked.entries()) {
        const found = Number((await redis.get(`n${i}`)) ?? 0);
        assert.ok(found >= answered[i]! && found <= count, `n${i}: ${answered[i]} <= ${found} <= ${count}`);
      }
    });
  }
});
