/**
 * The main job on real input: one publisher by AMQP, three kinds of readers, and a SIGKILL half way.
 *
 * Everything here is what a user's program would do; nothing knows the broker's inside.
 */
import { setTimeout as sleep } from "node:timers/promises";
import amqplib from "amqplib";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { startTestBroker, type TestBroker } from "../../test/support/broker.ts";
import { flightMessages } from "./flights.ts";
import { publishAll } from "./publisher.ts";
import { readQueue, readStream, readTopic } from "./readers.ts";
import { Tally } from "./tally.ts";

export interface DemoOptions {
  dataDir: string;
  records: number;
  rounds: number;
  /** Called now and then with how far everybody is, 0 to 1. */
  onProgress?: (progress: { published: number; sides: readonly { name: string; share: number }[] }) => void;
  timeoutMs: number;
}

export interface DemoResult {
  confirmed: number;
  sides: { name: string; received: number; lost: number; duplicated: number; digest: string }[];
  elapsedMs: number;
}

const exchange = "flights";
const queue = "flights.queue";
const topic = "flights.topic";
const stream = "flights.stream";

export async function runDemo({
  dataDir,
  records,
  rounds,
  onProgress,
  timeoutMs,
}: DemoOptions): Promise<DemoResult> {
  const total = records * rounds;
  const broker = await startTestBroker({ dataDir });
  await declare(broker);
  const startedAt = performance.now();
  const confirmed = new Set<string>();
  const tallies = [new Tally("AMQP queue"), new Tally("Kafka topic"), new Tally("Redis stream")] as const;
  const readers = await Promise.all([
    readQueue({ port: () => broker.ports.amqp, name: queue, tally: tallies[0] }),
    readTopic({ port: () => broker.ports.kafka, name: topic, tally: tallies[1], members: 2 }),
    readStream({ port: () => broker.ports.redis, name: stream, tally: tallies[2], members: 2 }),
  ]);
  let half = (): void => {};
  const halfWay = new Promise<void>((resolve) => (half = resolve));
  const published = publishAll({
    port: () => broker.ports.amqp,
    exchange,
    messages: flightMessages(records, rounds),
    onConfirmed: (id) => {
      confirmed.add(id);
      if (confirmed.size === Math.ceil(total / 2)) half();
    },
  });
  const restarted = halfWay.then(async () => {
    await broker.kill("SIGKILL");
    await broker.restart();
  });
  const deadline = performance.now() + timeoutMs;
  const isDone = (): boolean => confirmed.size === total && tallies.every((tally) => tally.distinct >= total);
  while (!isDone() && performance.now() < deadline) {
    await sleep(100);
    const sides = tallies.map(({ name, distinct }) => ({ name, share: distinct / total }));
    onProgress?.({ published: confirmed.size / total, sides });
  }
  const elapsedMs = performance.now() - startedAt;
  if (isDone()) await Promise.all([published, restarted]);
  await Promise.all(readers.map((reader) => reader.stop()));
  await broker.stop();
  const sides = tallies.map((tally) => ({
    name: tally.name,
    received: tally.received,
    lost: tally.lostOf(confirmed),
    duplicated: tally.duplicated,
    digest: tally.digest,
  }));
  return { confirmed: confirmed.size, sides, elapsedMs };
}

/** The exchange and the three things bound to it, each made with its own protocol's client. */
async function declare(broker: TestBroker): Promise<void> {
  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.ports.kafka}`], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] });
  await admin.disconnect();

  const redis = new Redis(broker.ports.redis, "127.0.0.1");
  await redis.xgroup("CREATE", stream, "demo", "$", "MKSTREAM");
  redis.disconnect();

  const connection = await amqplib.connect({ port: broker.ports.amqp, hostname: "127.0.0.1" });
  const channel = await connection.createChannel();
  await channel.assertExchange(exchange, "topic", { durable: true });
  await channel.assertQueue(queue, { durable: true });
  for (const name of [queue, topic, stream]) await channel.bindQueue(name, exchange, "#");
  await connection.close();
}
