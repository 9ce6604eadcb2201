/** What the pages say of differences and of durability, where no other test shows it. A broker in this process. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { Redis } from "ioredis";
import kafkajs from "kafkajs";
import { type RunningBroker, startBroker } from "../../../src/embed.ts";
import { checkDataDirectory } from "../../../src/storage/index.ts";

let broker: RunningBroker;
let redis: Redis;

before(async () => {
  broker = await startBroker({ ports: { http: "off" } });
  redis = new Redis(broker.ports.redis!, "127.0.0.1");
});

after(async () => {
  redis.disconnect();
  await broker.close();
});

test("FLUSHALL takes strings and streams, and leaves AMQP's queues", async () => {
  const connection = await amqplib.connect(`amqp://127.0.0.1:${broker.ports.amqp}`);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("tasks");
  channel.sendToQueue("tasks", Buffer.from("one"));
  await channel.waitForConfirms();
  await redis.set("text", "1");
  await redis.xadd("stream", "*", "body", "1");
  await redis.flushall();
  assert.deepEqual(await redis.keys("*"), ["tasks"]);
  assert.equal((await channel.checkQueue("tasks")).messageCount, 1);
  await connection.close();
});

test("settings are kept for CONFIG GET; rewriting is refused", async () => {
  await redis.config("SET", "timeout", "7");
  assert.deepEqual(
    Object.values(await redis.config("GET", "timeout"))
      .flat()
      .at(-1),
    "7",
  );
  await redis.set("noticed", "1");
  await assert.rejects(redis.call("CONFIG", "REWRITE"), /without a config file/);
});

test("a compacted topic keeps all records of a key, transactions are refused", async () => {
  const kafka = new kafkajs.Kafka({
    brokers: [`127.0.0.1:${broker.ports.kafka}`],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  const configEntries = [{ name: "cleanup.policy", value: "compact" }];
  await admin.createTopics({ topics: [{ topic: "compacted", configEntries }] });
  for (const value of ["old", "new"]) {
    await producer.send({ topic: "compacted", messages: [{ key: "k", value }] });
  }
  const [partition] = await admin.fetchTopicOffsets("compacted");
  assert.deepEqual([partition!.low, partition!.high], ["0", "2"]);
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  const transactional = kafka.producer({ transactionalId: "t", idempotent: true, retry: { retries: 1 } });
  const begin = async (): Promise<unknown> => transactional.connect().then(() => transactional.transaction());
  await assert.rejects(begin(), { type: "UNSUPPORTED_VERSION" });
  await transactional.disconnect();
});

test("a transient message in a durable queue outlives a restart; a transient queue does not", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "troikamq-docs-"));
  const ports = { redis: "off", kafka: "off", http: "off" } as const;
  try {
    let kept = await startBroker({ dataDir, ports });
    let connection = await amqplib.connect(`amqp://127.0.0.1:${kept.ports.amqp}`);
    let channel = await connection.createConfirmChannel();
    await channel.assertQueue("durable");
    await channel.assertQueue("transient", { durable: false });
    for (const queue of ["durable", "transient"]) channel.sendToQueue(queue, Buffer.from("x"));
    await channel.waitForConfirms();
    await connection.close();
    await kept.close();
    const { ok, lines } = await checkDataDirectory(dataDir);
    assert.ok(ok, lines.join("\n"));
    kept = await startBroker({ dataDir, ports });
    connection = await amqplib.connect(`amqp://127.0.0.1:${kept.ports.amqp}`);
    channel = await connection.createConfirmChannel();
    channel.on("error", () => {});
    assert.equal((await channel.checkQueue("durable")).messageCount, 1);
    await assert.rejects(channel.checkQueue("transient"), /404/);
    await connection.close();
    await kept.close();
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
