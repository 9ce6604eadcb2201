/**
 * Clients of each protocol that stop reading what they asked for: the broker keeps a bounded part of it for each of
 * them, and all others go on.
 *
 * Subscribers that fall 32 MB behind are cut off, as in Redis; consumers and fetchers are not sent more until they read.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { TestBroker } from "../../test/support/broker.ts";
import { type Load, megabytes, milliseconds, type Scenario } from "../base/scenario.ts";
import { Probe } from "../base/probe.ts";
import { body } from "../base/sequences.ts";
import { StoppedReader } from "../base/stopped-reader.ts";
import { MemoryWatch, settledRss } from "../base/usage.ts";
import { until } from "../base/waiting.ts";
import { AmqpClient } from "../clients/amqp.ts";
import { fetchBytes, KafkaClient } from "../clients/kafka.ts";
import { openRedis } from "../clients/redis.ts";

const readers = 8;
const backlogBytes = 200_000_000;
const messageBytes = 20_000;
const messages = backlogBytes / messageBytes;
const fetches = 300;
const gets = 300;
const holdMs = 2000;
/** 32 MB for each subscriber before it is cut off, in a buffer that doubles; consumers and fetchers have less. */
const rssBytesEachMax = 96 << 20;
const answerMsMax = 2000;

/** Watches memory and asks others while `work` goes on, and for a while after it. */
async function watched(
  load: Load,
  broker: TestBroker,
  what: string,
  work: () => Promise<readonly StoppedReader[]>,
): Promise<void> {
  const probe = await Probe.start(broker.ports);
  await settledRss(broker.pid);
  const watch = new MemoryWatch(broker.pid);
  const stopped = await work();
  await sleep(holdMs);
  const growth = watch.stop();
  await probe.stop();
  load.atMost(`${what}: RSS more for each of ${readers}`, growth / readers, rssBytesEachMax, megabytes);
  load.atMost(`${what}: longest answer to others`, probe.worstMs, answerMsMax, milliseconds);
  for (const reader of stopped) reader.close();
  load.figure(`${what}: RSS after they left`, megabytes(await settledRss(broker.pid)));
}

async function subscribers(load: Load, { ports }: TestBroker): Promise<readonly StoppedReader[]> {
  const subscribe = "*2\r\n$9\r\nSUBSCRIBE\r\n$9\r\nload.live\r\n";
  const opened = Array.from({ length: readers }, () => StoppedReader.open(ports.redis, subscribe, 20));
  const stopped = await Promise.all(opened);
  const listener = openRedis(ports.redis);
  let heard = 0;
  listener.on("message", () => heard++);
  await listener.subscribe("load.live");
  const publisher = openRedis(ports.redis);
  for (let sent = 0; sent < messages; sent += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => publisher.publish("load.live", body(0, sent + i, messageBytes))),
    );
  }
  await until("all messages at the subscriber that reads", () => heard === messages);
  const after = await publisher.publish("load.live", "last");
  load.exactly("subscribers: still there are those that read", after, 1);
  listener.disconnect();
  publisher.disconnect();
  return stopped;
}

async function consumers(load: Load, { ports }: TestBroker): Promise<readonly StoppedReader[]> {
  const publisher = await AmqpClient.open(ports.amqp);
  await publisher.declare("load.stopped");
  const stopped: AmqpClient[] = [];
  for (let i = 0; i < readers; i++) {
    const client = await AmqpClient.open(ports.amqp);
    await client.consume("load.stopped", { isAcked: true });
    client.socket.pause();
    stopped.push(client);
  }
  for (let i = 0; i < messages; i++)
    if (!publisher.publish("load.stopped", body(0, i, messageBytes))) await publisher.drained();
  await publisher.declare("load.stopped", { isPassive: true });
  await sleep(holdMs);
  // What the stopped ones did not get is there for one that reads; what they got comes back when they go.
  const reading = await AmqpClient.open(ports.amqp);
  const seen = new Set<number>();
  reading.onDelivery = (bytes, tag) => {
    seen.add(bytes.readUInt32BE(4));
    reading.ack(tag, false);
  };
  await reading.consume("load.stopped", { isAcked: true });
  await sleep(holdMs);
  load.expect(seen.size > messages / 2, `consumers: one that reads got ${seen.size} of ${messages} only`);
  load.expect(seen.size < messages, "consumers: those that stopped were sent nothing");
  for (const client of stopped) client.close();
  await until("all messages at the consumer that reads", () => seen.size === messages);
  load.exactly("consumers: messages that came in the end", seen.size, messages);
  reading.close();
  publisher.close();
  return [];
}

async function fetchers(_load: Load, { ports }: TestBroker): Promise<readonly StoppedReader[]> {
  const producer = await KafkaClient.open(ports.kafka);
  await producer.createTopic("load.topic");
  const values = Array.from({ length: 50 }, (_, i) => body(0, i, messageBytes));
  for (let sent = 0; sent < messages; sent += values.length) await producer.produce("load.topic", values);
  const fetch = fetchBytes("load.topic", 0, { bytes: 1 << 20 });
  const stopped = await Promise.all(
    Array.from({ length: readers }, () => StoppedReader.open(ports.kafka, fetch, 1000)),
  );
  for (const reader of stopped) for (let asked = 0; asked < fetches; asked++) reader.ask(fetch);
  const records = await producer.fetch("load.topic", 0, { bytes: 1 << 20 });
  if (records.length < 1000) throw new Error("one that reads was not answered");
  producer.close();
  return stopped;
}

async function getters(load: Load, { ports }: TestBroker): Promise<readonly StoppedReader[]> {
  const writer = openRedis(ports.redis);
  await writer.set("load:big", Buffer.alloc(1 << 20, "x"));
  const stopped = await Promise.all(
    Array.from({ length: readers }, () => StoppedReader.open(ports.redis, "PING\r\n", 7)),
  );
  for (const reader of stopped) reader.ask("GET load:big\r\n".repeat(gets));
  await sleep(holdMs);
  // Nothing is lost to one that reads on.
  const answer = `$${1 << 20}\r\n`.length + (1 << 20) + 2;
  load.exactly(
    "GETs of 1 MB: bytes to one that reads on",
    await stopped[0]!.readOn(gets * answer),
    gets * answer,
  );
  writer.disconnect();
  return stopped;
}

async function run(load: Load): Promise<void> {
  const kinds = { subscribers, consumers, fetchers, "GETs of 1 MB": getters };
  for (const [what, work] of Object.entries(kinds)) {
    const broker = await load.startBroker();
    await watched(load, broker, what, () => work(load, broker));
    await load.stopBrokers();
  }
}

export const stoppedReaders: Scenario = {
  name: "stopped-readers",
  what: "subscribers, consumers and fetchers that stop reading: bounded memory, others go on",
  run,
};
