/** What exchanges remember of routes is bounded over all of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import { type Route, noRoute } from "../../../src/broker/exchange/route.ts";
import { Rig } from "../../../fuzz/rig.ts";
import { RouteBudget, RouteCache } from "../../../src/broker/exchange/route-cache.ts";

test("all caches together stay within their budget: the oldest forgets first", () => {
  const budget = new RouteBudget(100_000);
  const caches = Array.from({ length: 50 }, () => new RouteCache(budget));
  for (let i = 0; i < 10_000; i++) {
    const cache = caches[i % caches.length]!;
    cache.set(`key ${i}`, noRoute);
    assert.equal(cache.get(`key ${i}`), noRoute);
    assert.ok(budget.bytes <= budget.bytesMax);
  }
  assert.ok(caches.reduce((sum, { size }) => sum + size, 0) > 300, "most of the budget is in use");
  for (const cache of caches) cache.clear();
  assert.deepEqual([budget.bytes, budget.caches.size], [0, 0]);
});

test("one cache alone forgets all and goes on", () => {
  const cache = new RouteCache(new RouteBudget(1000));
  for (let i = 0; i < 100; i++) cache.set(String(i), noRoute);
  assert.equal(cache.get("99"), noRoute);
  assert.ok(cache.size < 5);
});

test("routes to many queues count with them; what is too large, or of a key that no binding has, is not remembered", () => {
  const budget = new RouteBudget(10_000);
  const cache = new RouteCache(budget);
  const wide = (queues: number): Route => ({ ...noRoute, queues: Array.from<Queue>({ length: queues }) });
  cache.set("wide", wide(500));
  assert.ok(budget.bytes >= 500 * 16);
  cache.set("wider", wide(1000));
  cache.set("k".repeat(256), noRoute);
  assert.deepEqual([cache.size, cache.get("wider")], [1, undefined]);
});

test("what one broker's exchanges remember is that broker's: nothing of a broker that is gone is kept by another", async () => {
  const [used, other] = [await Rig.open(), await Rig.open()];
  const { defaultVhost: vhost } = used.broker;
  vhost.bindings.bind(vhost.exchange("amq.direct"), vhost.exchange("amq.fanout"), "key", {});
  vhost.routes.find(vhost.exchange("amq.direct"), "key");
  assert.equal(used.broker.routeBudget.caches.size, 1);
  assert.equal(other.broker.routeBudget.caches.size, 0);
});
