/** connect-redis with express-session, rate-limiter-flexible, Keyv, redlock; and the clients of the version before. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import KeyvRedis from "@keyv/redis";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { Redis } from "ioredis";
import { Redis as Redis5 } from "ioredis-5";
import Keyv from "keyv";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { createClient } from "redis";
import { createClient as createClient5 } from "redis-5";
import Redlock, { ExecutionError, ResourceLockedError } from "redlock";
import { startTestBroker, type TestBroker } from "../test/support/broker.ts";

let broker: TestBroker;
let url: string;
before(async () => {
  broker = await startTestBroker();
  url = `redis://127.0.0.1:${broker.ports.redis}`;
});
after(() => broker.stop());

test("connect-redis with express-session", async () => {
  const client = createClient({ url });
  await client.connect();
  const store = new RedisStore({ client });
  const app = express();
  app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
  app.get("/", (request, response) => {
    const kept = request.session as unknown as { count?: number };
    kept.count = (kept.count ?? 0) + 1;
    response.json(kept.count);
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const first = await fetch(at);
  const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
  assert.equal(await first.json(), 1);
  for (const count of [2, 3]) assert.equal(await (await fetch(at, { headers: { cookie } })).json(), count);
  assert.equal(await store.length(), 1);
  assert.equal((await client.keys("sess:*")).length, 1);
  assert.ok((await client.ttl((await client.keys("sess:*"))[0]!)) > 80_000);
  await store.clear();
  assert.equal(await store.length(), 0);
  server.closeAllConnections();
  server.close();
  client.destroy();
});

test("rate-limiter-flexible", async () => {
  const storeClient = new Redis(url, { enableOfflineQueue: true });
  const limiter = new RateLimiterRedis({ storeClient, points: 3, duration: 60, blockDuration: 60 });
  for (const left of [2, 1, 0]) assert.equal((await limiter.consume("ann")).remainingPoints, left);
  const refused = await limiter.consume("ann").catch((error: unknown) => error);
  assert.ok(refused instanceof RateLimiterRes && refused.msBeforeNext > 1000);
  await limiter.penalty("bob", 2);
  await limiter.reward("bob", 1);
  assert.equal((await limiter.get("bob"))!.consumedPoints, 1);
  assert.equal(await limiter.delete("ann"), true);
  assert.equal((await limiter.consume("ann")).remainingPoints, 2);
  storeClient.disconnect();
});

test("Keyv", async () => {
  const store = new KeyvRedis(url);
  const keyv = new Keyv({ store, namespace: "space" });
  assert.equal(await keyv.set("a", { n: 1 }), true);
  assert.deepEqual(await keyv.get("a"), { n: 1 });
  await keyv.set("b", "x", 30_000);
  assert.deepEqual(await keyv.get(["a", "b", "c"]), [{ n: 1 }, "x", undefined]);
  assert.equal(await keyv.has("b"), true);
  assert.equal(await keyv.delete("a"), true);
  await keyv.clear();
  assert.equal(await keyv.get("b"), undefined);
  await keyv.disconnect();
});

test("redlock", async () => {
  const client = new Redis5(url);
  const redlock = new Redlock([client], { retryCount: 0 });
  redlock.on("error", (error: unknown) => assert.ok(error instanceof ResourceLockedError));
  const lock = await redlock.acquire(["a", "b"], 10_000);
  await assert.rejects(redlock.acquire(["a"], 1000), ExecutionError);
  const longer = await lock.extend(20_000);
  await longer.release();
  await redlock.using(["a"], 5000, async (signal: { aborted: boolean }) =>
    assert.equal(signal.aborted, false),
  );
  assert.equal(await client.exists("a", "b"), 0);
  client.disconnect();
});

test("ioredis 5", async () => {
  const client = new Redis5(url);
  assert.equal(await client.set("k", "v", "EX", 100), "OK");
  assert.equal(await client.getBuffer("k").then(String), "v");
  client.defineCommand("twice", { numberOfKeys: 1, lua: "return redis.call('get', KEYS[1]) .. ARGV[1]" });
  assert.equal(
    await (client as unknown as { twice(key: string, more: string): Promise<string> }).twice("k", "w"),
    "vw",
  );
  assert.deepEqual(await client.multi().incr("n").incr("n").exec(), [
    [null, 1],
    [null, 2],
  ]);
  const keys: string[] = [];
  for await (const found of client.scanStream({ match: "k*" })) keys.push(...(found as string[]));
  assert.deepEqual(keys, ["k"]);
  client.disconnect();
});

test("node-redis 5", async () => {
  const client = createClient5({ url });
  await client.connect();
  await client.hSet("h", { a: "1", b: "2" });
  assert.deepEqual({ ...(await client.hGetAll("h")) }, { a: "1", b: "2" });
  assert.deepEqual(await client.multi().set("m", "1").incr("m").exec(), ["OK", 2]);
  assert.equal(await client.eval("return ARGV[1]", { arguments: ["x"] }), "x");
  const id = await client.xAdd("s", "*", { f: "v" });
  assert.equal((await client.xRange("s", "-", "+"))[0]?.id, id);
  client.destroy();
});
