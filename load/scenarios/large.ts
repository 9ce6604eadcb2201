/**
 * Messages of 1 MB and of 100 MB, in through each protocol and out through each, byte for byte; and beyond what Kafka
 * allows, the error that it has for that.
 *
 * One stream is read by all three: an AMQP stream is a Kafka topic and a Redis stream of that name.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { TestBroker } from "../../test/support/broker.ts";
import { errorCodes } from "../../src/protocols/kafka/wire/error-codes.ts";
import { type Load, megabytes, type Scenario } from "../base/scenario.ts";
import { MemoryWatch, settledRss } from "../base/usage.ts";
import { until, within } from "../base/waiting.ts";
import { AmqpClient } from "../clients/amqp.ts";
import { KafkaClient, walkRecords } from "../clients/kafka.ts";
import { openRedis } from "../clients/redis.ts";

const hundredMegabytes = 100_000_000;
const kafkaMessageBytesMax = 104_857_600;
const msMax = 120_000;
/**
 * A reply with three such messages is one buffer that doubled, and what it was read from; what the steps before left is
 * collected by the runtime when it likes, so the peak of all steps says more than one.
 */
const rssBytesMax = 3_000_000_000;
const rounds = 4;
/** The last round of 100 MB may be so much higher than those before: what is not collected yet counts. */
const lastRoundShareMax = 1.1;

/** Bytes that no compression and no repetition would let pass by accident. */
function content(seed: number, bytes: number): Buffer {
  const made = Buffer.allocUnsafe(bytes);
  let state = seed + 1;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    made[at] = state >>> 24;
  }
  return made;
}

const hashOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function amqpQueue({ ports }: TestBroker, message: Buffer): Promise<string> {
  const client = await AmqpClient.open(ports.amqp);
  await client.declare("load.large.queue");
  let came = "";
  client.onDelivery = (bytes, tag) => {
    came = hashOf(bytes);
    client.ack(tag, false);
  };
  client.publish("load.large.queue", message);
  await client.consume("load.large.queue", { isAcked: true });
  await until("the message", () => came !== "" || client.isClosed, msMax);
  client.close();
  return came;
}

async function redisKey({ ports }: TestBroker, message: Buffer): Promise<string> {
  const client = openRedis(ports.redis);
  await client.set("load:large", message);
  const came = await client.getBuffer("load:large");
  await client.del("load:large");
  client.disconnect();
  return hashOf(came!);
}

/** Puts the messages into the stream, one through each protocol. */
async function fill({ ports }: TestBroker, stream: string, messages: readonly Buffer[]): Promise<void> {
  const amqp = await AmqpClient.open(ports.amqp);
  await amqp.declare(stream, { isStream: true });
  await amqp.selectConfirms();
  const confirmed = new Promise<void>((resolve) => (amqp.onConfirm = () => resolve()));
  amqp.publish(stream, messages[0]!);
  await within("the confirm", confirmed, msMax);
  const redis = openRedis(ports.redis);
  await redis.xadd(stream, "*", "body", messages[1]!);
  const kafka = await KafkaClient.open(ports.kafka);
  assert.equal((await kafka.produce(stream, [messages[2]!])).errorCode, 0);
  amqp.close();
  redis.disconnect();
  kafka.close();
}

const readers = {
  async amqp({ ports }: TestBroker, stream: string): Promise<string[]> {
    const hashes: string[] = [];
    const client = await AmqpClient.open(ports.amqp);
    await client.prefetch(10);
    client.onDelivery = (bytes) => hashes.push(hashOf(bytes));
    await client.consume(stream, { isAcked: true, offset: "first" });
    await until("three messages", () => hashes.length >= 3 || client.isClosed, msMax);
    client.close();
    return hashes;
  },
  async redis({ ports }: TestBroker, stream: string): Promise<string[]> {
    const client = openRedis(ports.redis);
    const entries = await client.xrangeBuffer(stream, "-", "+");
    client.disconnect();
    return entries.map(([, fields]) => {
      const at = fields.findIndex((field, i) => i % 2 === 0 && field.toString() === "body");
      return hashOf(fields[at + 1]!);
    });
  },
  async kafka({ ports }: TestBroker, stream: string): Promise<string[]> {
    const hashes: string[] = [];
    const client = await KafkaClient.open(ports.kafka);
    for (let offset = 0; offset >= 0;) {
      // A message larger than the limits is given all the same, as in Kafka: otherwise nobody got past it.
      const records = await client.fetch(stream, offset, { bytes: 1 << 20 });
      offset = walkRecords(records, (_offset, value) => hashes.push(hashOf(value)));
    }
    client.close();
    return hashes;
  },
};

async function tooLarge(load: Load, { ports }: TestBroker): Promise<void> {
  const client = await KafkaClient.open(ports.kafka);
  await client.createTopic("load.small");
  const configs = [{ name: "max.message.bytes", configOperation: 0, value: "1000000" }];
  const resources = [{ resourceType: 2, resourceName: "load.small", configs }];
  await client.request("IncrementalAlterConfigs", 1, { resources, validateOnly: false });
  const fits = await client.produce("load.small", [content(1, 999_000)]);
  load.exactly("kafka: error for what just fits max.message.bytes", fits.errorCode, 0);
  const refused = await client.produce("load.small", [content(1, 1_000_000)]);
  load.exactly("kafka: error beyond it (MESSAGE_TOO_LARGE)", refused.errorCode, errorCodes.MESSAGE_TOO_LARGE);
  const after = await client.produce("load.small", [Buffer.from("small")]);
  load.exactly("kafka: error for the next one on that connection", after.errorCode, 0);
  // A request beyond socket.request.max.bytes cannot be answered: Kafka closes the connection, before it was read whole.
  const beyond = await client.produce("load.small", [content(1, kafkaMessageBytesMax)]).then(
    ({ errorCode }) => `error ${errorCode}`,
    () => "closed",
  );
  load.expect(
    beyond === "closed",
    `kafka: a request beyond socket.request.max.bytes was answered by ${beyond}`,
  );
  load.figure("kafka: a request beyond socket.request.max.bytes", beyond);
  client.close();
}

/** One way in or out: what memory it takes, in messages, and what is kept of that afterwards. */
async function step<Result>(
  load: Load,
  broker: TestBroker,
  what: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = await settledRss(broker.pid);
  const watch = new MemoryWatch(broker.pid);
  const result = await work();
  const peak = watch.stop();
  const kept = (await settledRss(broker.pid)) - before;
  load.figure(`${what}: RSS more at most, and kept`, `${megabytes(peak)}, ${megabytes(kept)}`);
  return result;
}

/** @returns the highest RSS */
async function round(load: Load, broker: TestBroker, name: string, size: number): Promise<number> {
  const messages = [content(1, size), content(2, size), content(3, size)];
  const hashes = messages.map(hashOf);
  const watch = new MemoryWatch(broker.pid);
  const queued = await step(load, broker, `${name}: AMQP queue`, () => amqpQueue(broker, messages[0]!));
  load.expect(queued === hashes[0], `${name}: the AMQP queue gave other bytes`);
  const kept = await step(load, broker, `${name}: SET and GET`, () => redisKey(broker, messages[0]!));
  load.expect(kept === hashes[0], `${name}: GET gave other bytes`);
  const stream = `load.${name}`;
  await step(load, broker, `${name}: into a stream by each`, () => fill(broker, stream, messages));
  for (const [protocol, read] of Object.entries(readers)) {
    const what = `${name}: all three through ${protocol}`;
    const came = await step(load, broker, what, () => read(broker, stream));
    const right = hashes.filter((hash, i) => came[i] === hash).length;
    load.exactly(`${what}: whole, of those from amqp, redis and kafka`, right, hashes.length);
  }
  watch.stop();
  return watch.peak;
}

async function run(load: Load): Promise<void> {
  const broker = await load.startBroker();
  await round(load, broker, "1 MB", 1_000_000);
  const peaks = [await round(load, broker, "100 MB", hundredMegabytes)];
  for (let again = 1; again < rounds; again++) {
    peaks.push(await round(load, broker, `100 MB again ${again}`, hundredMegabytes));
    load.figure("RSS after that", megabytes(await settledRss(broker.pid)));
  }
  const [last, ...before] = peaks.toReversed();
  load.atMost("100 MB: RSS at most", Math.max(...peaks), rssBytesMax, megabytes);
  load.atMost("100 MB, last round: RSS at most", last!, Math.max(...before) * lastRoundShareMax, megabytes);
  await tooLarge(load, broker);
  await broker.restart();
  const came = await readers.amqp(broker, "load.100 MB");
  const expected = [1, 2, 3].map((seed) => hashOf(content(seed, hundredMegabytes)));
  load.expect(came.join() === expected.join(), "100 MB: after a restart the stream gave other bytes");
}

export const large: Scenario = {
  name: "large",
  what: "1 MB and 100 MB through each protocol and across; beyond Kafka's limits",
  run,
};
