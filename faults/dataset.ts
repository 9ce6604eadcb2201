/**
 * Messages of three protocols whose content says where they belong: whatever is read later, in whole or in part, can be
 * told right from wrong.
 *
 * A Redis stream and keys, an AMQP queue of which the first half was consumed, a Kafka topic. Invariant: a value that is
 * read is the one that was stored there; with `isWhole`, all of them are there and none that was consumed.
 */
import amqplib from "amqplib";
import { Redis } from "ioredis";
import { RecordCursor } from "../src/message/kafka/batch-records.ts";
import { KafkaBatch } from "../src/message/kafka/batch.ts";
import type { TestPorts } from "../test/support/broker.ts";
import { KafkaWireClient, makeBatch } from "../test/support/kafka-wire-client.ts";

const stream = "fault:stream";
const queue = "fault.queue";
const topic = "fault.topic";
const filler = "x".repeat(400);
const count = 3000;
const acked = count / 2;
const readMsMax = 8000;

export interface Read {
  /** What was there and right, by kind. */
  kept: Record<string, number>;
  /** What was not what was stored. */
  wrong: string[];
  /** Kinds that answered with an error or not at all. */
  refused: string[];
}

/** What a whole data set reads as. */
export const whole = { entries: count, keys: count, queued: count - acked, records: count } as const;

export async function fill(ports: TestPorts): Promise<void> {
  // Interleaved, so that every journal file has something of each.
  const redis = new Redis(ports.redis, "127.0.0.1");
  const kafka = await KafkaWireClient.connect(ports.kafka);
  const connection = await amqplib.connect({ port: ports.amqp, hostname: "127.0.0.1" });
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true });
  await kafka.request("Metadata", 9, { topics: [{ name: topic }], allowAutoTopicCreation: true });
  const step = 100;
  for (let from = 0; from < count; from += step) {
    const numbers = Array.from({ length: step }, (_, i) => from + i);
    await Promise.all([
      ...numbers.map((i) => redis.xadd(stream, `${i + 1}-0`, "body", `s:${i}:${filler}`)),
      ...numbers.map((i) => redis.set(`fault:key:${i}`, `v:${i}`)),
    ]);
    for (const i of numbers)
      channel.sendToQueue(queue, Buffer.from(`q:${i}:${filler}`), { persistent: true });
    await channel.waitForConfirms();
    const records = makeBatch({
      values: numbers.map((i) => `k:${i}:${filler}`),
      timestamp: 1_700_000_000_000 + from,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
    });
    await kafka.request("Produce", 9, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    });
  }
  for (let i = 0; i < acked; i++) {
    const message = await channel.get(queue, { noAck: false });
    if (message === false) throw new Error("the queue is empty too early");
    channel.ack(message);
  }
  await channel.checkQueue(queue);
  await connection.close();
  redis.disconnect();
  kafka.close();
}

/** One key, written durably enough for a kill. */
export async function fillLittle(ports: TestPorts): Promise<void> {
  const redis = connectRedis(ports);
  await redis.set("fault:key:0", "v:0");
  redis.disconnect();
}

/** Reads all that is there. With `takes` the queue's messages are consumed, otherwise they go back. */
export async function read(ports: TestPorts): Promise<Read> {
  const result: Read = { kept: {}, wrong: [], refused: [] };
  const kinds: [string, () => Promise<number>][] = [
    ["entries", () => readStream(ports, result.wrong)],
    ["keys", () => readKeys(ports, result.wrong)],
    ["queued", () => readQueue(ports, result.wrong)],
    ["records", () => readTopic(ports, result.wrong)],
  ];
  for (const [kind, work] of kinds) {
    try {
      result.kept[kind] = await withinTime(work());
    } catch (error) {
      result.refused.push(`${kind} (${(error as Error).message.slice(0, 80)})`);
    }
  }
  return result;
}

/** What a whole data set must have and this one has not. */
export function lossOf({ kept, refused }: Read): string[] {
  const lost = Object.entries(whole).filter(([kind, number]) => kept[kind] !== number);
  return [...refused, ...lost.map(([kind, number]) => `${kept[kind] ?? 0} of ${number} ${kind}`)];
}

export function keptText({ kept }: Read): string {
  return Object.entries(whole)
    .map(([kind, number]) => `${kept[kind] ?? "?"}/${number} ${kind}`)
    .join(", ");
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${readMsMax} ms`)), readMsMax);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

async function readStream(ports: TestPorts, wrong: string[]): Promise<number> {
  const redis = connectRedis(ports);
  try {
    let right = 0;
    for (let from = "-"; ;) {
      const entries = (await redis.xrange(stream, from, "+", "COUNT", 200)) as [string, string[]][];
      for (const [id, fields] of entries) {
        const i = Number(id.split("-")[0]) - 1;
        if (fields[1] === `s:${i}:${filler}`) right++;
        else wrong.push(`entry ${id} holds ${String(fields[1]).slice(0, 20)}`);
      }
      if (entries.length === 0) return right;
      from = `(${entries.at(-1)![0]}`;
    }
  } finally {
    redis.disconnect();
  }
}

async function readKeys(ports: TestPorts, wrong: string[]): Promise<number> {
  const redis = connectRedis(ports);
  try {
    const values = await redis.mget(Array.from({ length: count }, (_, i) => `fault:key:${i}`));
    let right = 0;
    for (const [i, value] of values.entries()) {
      if (value === `v:${i}`) right++;
      else if (value !== null) wrong.push(`key ${i} is ${value}`);
    }
    return right;
  } finally {
    redis.disconnect();
  }
}

function connectRedis(ports: TestPorts): Redis {
  const redis = new Redis(ports.redis, "127.0.0.1", { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on("error", () => {});
  return redis;
}

async function readQueue(ports: TestPorts, wrong: string[]): Promise<number> {
  const connection = await amqplib.connect({ port: ports.amqp, hostname: "127.0.0.1" });
  connection.on("error", () => {});
  const channel = await connection.createChannel();
  const seen = new Set<number>();
  channel.on("error", () => {});
  await channel.checkQueue(queue);
  for (;;) {
    const message = await channel.get(queue, { noAck: false });
    if (message === false) break;
    const text = message.content.toString();
    const i = Number(text.split(":")[1]);
    if (text !== `q:${i}:${filler}` || !(i < count)) wrong.push(`the queue holds ${text.slice(0, 20)}`);
    else if (seen.has(i)) wrong.push(`the queue gives ${i} twice`);
    // One that was acknowledged may come again after a repair, never without: `lossOf` sees it by the number.
    seen.add(i);
  }
  await connection.close();
  return seen.size;
}

async function readTopic(ports: TestPorts, wrong: string[]): Promise<number> {
  const client = await KafkaWireClient.connect(ports.kafka);
  const batch = new KafkaBatch();
  const cursor = new RecordCursor();
  let right = 0;
  try {
    for (let next = 0; ;) {
      const reply = await client.request("Fetch", 11, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 1 << 20,
        topics: [{ topic, partitions: [{ partition: 0, fetchOffset: next, partitionMaxBytes: 1 << 20 }] }],
      });
      const partition = reply.responses[0]?.partitions[0];
      if (partition?.errorCode !== 0) throw new Error(`Fetch at ${next} answered ${partition?.errorCode}`);
      const { records } = partition;
      if (!Buffer.isBuffer(records) || records.length === 0) return right;
      batch.reset(records);
      const before = next;
      while (batch.next()) {
        cursor.open(batch, 1 << 20);
        while (cursor.next()) {
          if (cursor.offset < next) continue;
          const value = cursor.buffer.utf8Slice(cursor.valueStart, cursor.valueEnd);
          if (value === `k:${cursor.offset}:${filler}`) right++;
          else wrong.push(`offset ${cursor.offset} holds ${value.slice(0, 20)}`);
          next = cursor.offset + 1;
        }
      }
      if (next === before) return right;
    }
  } finally {
    client.close();
  }
}
