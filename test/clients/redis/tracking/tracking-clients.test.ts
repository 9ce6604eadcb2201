/** Client-side caching as a library's users have it, and what redis-server has no like of: changes by other protocols, bounds. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { createClient } from "redis";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { PushingRedis } from "../../../support/pushing-redis.ts";
import { until } from "../../../support/wait.ts";

let broker: TestBroker;
let writer: PushingRedis;
let reader: PushingRedis;

before(async () => {
  broker = await startTestBroker();
  writer = await PushingRedis.open(broker.ports.redis);
  reader = await PushingRedis.open(broker.ports.redis);
  await reader.call("client", "tracking", "on");
  await reader.settled();
});

after(async () => {
  await reader.close();
  await writer.close();
  await broker.stop();
});

const invalidated = (key: string): string => `>2\r\n$10\r\ninvalidate\r\n*1\r\n$${key.length}\r\n${key}\r\n`;

async function pushed(): Promise<string[]> {
  const pushes: string[] = [];
  await until(async () => {
    pushes.push(...(await reader.settled()));
    return pushes.length > 0;
  }, "an invalidation");
  return pushes;
}

test("node-redis keeps what it has read until it changes", async () => {
  const client = createClient({
    socket: { port: broker.ports.redis, host: "127.0.0.1" },
    RESP: 3,
    clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: "LRU" },
  });
  client.on("error", () => {});
  await client.connect();
  await writer.call("set", "cached", "1");
  assert.equal(await client.get("cached"), "1");
  const asked = Number(/total_commands_processed:(\d+)/.exec(await writer.call("info", "stats"))![1]);
  for (let i = 0; i < 10; i++) assert.equal(await client.get("cached"), "1");
  const now = Number(/total_commands_processed:(\d+)/.exec(await writer.call("info", "stats"))![1]);
  assert.equal(now - asked, 1, "ten reads of the cache asked the server nothing");
  await writer.call("set", "cached", "2");
  await until(async () => (await client.get("cached")) === "2", "the new value");
  await client.close();
});

test("a key that expires by itself", async () => {
  // In one MULTI, so that it is read before its time comes.
  await reader.pipeline([["multi"], ["set", "short", "1", "px", 20], ["get", "short"], ["exec"]]);
  assert.deepEqual(await pushed(), [invalidated("short")]);
  await writer.call("xadd", "shortstream", "1-1", "a", "b");
  await reader.pipeline([["multi"], ["pexpire", "shortstream", 20], ["xlen", "shortstream"], ["exec"]]);
  assert.deepEqual(await pushed(), [invalidated("shortstream")]);
});

test("a stream that AMQP appends to, and deletes", async () => {
  await writer.call("xadd", "shared", "1-1", "a", "b");
  const connection = await amqplib.connect(`amqp://127.0.0.1:${broker.ports.amqp}`);
  const channel = await connection.createConfirmChannel();
  await reader.call("xlen", "shared");
  channel.sendToQueue("shared", Buffer.from("from AMQP"));
  await channel.waitForConfirms();
  assert.deepEqual(await pushed(), [invalidated("shared")]);
  assert.equal(await reader.call("xlen", "shared"), ":2\r\n");
  await channel.deleteQueue("shared");
  assert.deepEqual(await pushed(), [invalidated("shared")]);
  await connection.close();
});

test("a key that is too long to be remembered is to be dropped at once, after its reply", async () => {
  const key = "k".repeat((64 << 10) + 1);
  await reader.settledAll();
  await reader.call("get", key);
  assert.deepEqual((await reader.settledAll()).slice(0, 2), ["_\r\n", invalidated(key)]);
});

test("prefixes beyond the bounds are refused", async () => {
  const long = await writer.call("client", "tracking", "on", "bcast", "prefix", "p".repeat(257));
  assert.match(long, /^-ERR one connection may track 1000 prefixes of 256 bytes/);
  const many = Array.from({ length: 1001 }, (_, i) => ["prefix", `p${i + 10000}`]).flat();
  assert.match(await writer.call("client", "tracking", "on", "bcast", ...many), /^-ERR one connection/);
});

test("who turns tracking off, resets or goes leaves nothing behind", async () => {
  const others = await Promise.all([1, 2, 3].map(() => PushingRedis.open(broker.ports.redis)));
  for (const other of others) await other.call("client", "tracking", "on", "bcast", "prefix", "left");
  assert.match(await writer.call("info", "all"), /tracking_clients:4\r\n[^]*tracking_total_prefixes:1\r\n/);
  await others[0]!.call("client", "tracking", "off");
  await others[1]!.call("reset");
  await others[2]!.close();
  await reader.call("get", "remembered");
  await until(async () => /tracking_clients:1\r\n/.test(await writer.call("info", "clients")));
  assert.match(await writer.call("info", "stats"), /tracking_total_prefixes:0\r\n/);
  await reader.call("client", "tracking", "off");
  assert.match(await writer.call("info", "stats"), /tracking_total_keys:0\r\ntracking_total_items:0\r\n/);
  await Promise.all(others.map((other) => other.close()));
});
