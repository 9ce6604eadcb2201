/** The library: brokers in this process, on whichever runtime runs this file. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Redis } from "ioredis";
import { startBroker } from "../../src/embed.ts";

test("two brokers in one process share nothing", async () => {
  const brokers = await Promise.all([startBroker(), startBroker()]);
  const clients = brokers.map(({ ports }) => new Redis(ports.redis!, "127.0.0.1"));
  await clients[0]!.xadd("s", "*", "body", "one");
  await clients[0]!.set("k", "1");
  assert.equal(await clients[0]!.xlen("s"), 1);
  assert.equal(await clients[1]!.xlen("s"), 0);
  assert.equal(await clients[1]!.get("k"), null);
  await brokers[0].close();
  assert.equal(await clients[1]!.ping(), "PONG");
  for (const client of clients) client.disconnect();
  await brokers[1].close();
});

test("a directory is kept, is held by one broker at a time, and can be opened again", async () => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-embed-"));
  const ports = { redis: 0, amqp: "off", kafka: "off", http: "off" } as const;
  const first = await startBroker({ dataDir, ports });
  assert.deepEqual(Object.keys(first.ports), ["redis"]);
  await assert.rejects(startBroker({ dataDir, ports }), /in use by another broker in this process/);
  let client = new Redis(first.ports.redis!, "127.0.0.1");
  await client.xadd("s", "*", "body", "kept");
  client.disconnect();
  await first.close();
  await first.close();

  const second = await startBroker({ dataDir, ports });
  client = new Redis(second.ports.redis!, "127.0.0.1");
  const [[, fields]] = (await client.xrange("s", "-", "+")) as [[string, string[]]];
  assert.deepEqual(fields, ["body", "kept"]);
  client.disconnect();
  await second.close();
  fs.rmSync(dataDir, { recursive: true });
});

test("a port in use refuses, and lets go of the directory", async () => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-embed-"));
  const first = await startBroker();
  const ports = { redis: first.ports.redis!, amqp: 0, kafka: 0, http: 0 };
  await assert.rejects(startBroker({ dataDir, ports }), /redis port \d+ on localhost is in use/);
  await first.close();
  const second = await startBroker({ dataDir, ports });
  await second.close();
  fs.rmSync(dataDir, { recursive: true });
});
