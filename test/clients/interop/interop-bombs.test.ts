/** Small batches of Kafka's that are large once decompressed, read by AMQP clients: bounded, and nothing is lost. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { limits } from "../../../src/base/limits.ts";
import { codecs } from "../../../src/message/kafka/compression.ts";
import { makeBatch } from "../../../sim/clients/kafka-batch.ts";
import { bomb, compressedBatch } from "../../support/kafka-bombs.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaClients, until } from "../kafka/kafka-support.ts";

/** Two are what a turn decompresses. */
const bytes = limits.turnInflatedBytesMax / 2;
const count = 5;

let broker: TestBroker;
let clients: KafkaClients;

before(async () => {
  broker = await startTestBroker();
  clients = new KafkaClients(broker);
});
after(async () => {
  await clients.close();
  await broker.stop();
});

async function produce(name: string): Promise<void> {
  const client = await clients.wire();
  for (let i = 0; i < count; i++) {
    const partitionData = [{ index: 0, records: bomb(codecs.zstd, bytes) }];
    const topicData = [{ name, partitionData }];
    const body = { transactionalId: null, acks: 1, timeoutMs: 1000, topicData };
    const { responses } = await client.request("Produce", 9, body);
    assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0);
  }
}

test("AMQP consumers of a queue and of a stream get all, over several turns", async () => {
  const connection = await amqplib.connect(broker.amqpUrl);
  const channel = await connection.createChannel();
  await channel.assertQueue("queue");
  await channel.assertQueue("stream", { arguments: { "x-queue-type": "stream" } });
  await produce("queue");
  await produce("stream");
  await channel.prefetch(100);
  const received: Record<string, number> = { queue: 0, stream: 0 };
  for (const name of ["queue", "stream"]) {
    await channel.consume(
      name,
      (message) => {
        assert.equal(message!.content.length, bytes);
        received[name]!++;
        channel.ack(message!);
      },
      { arguments: name === "stream" ? { "x-stream-offset": "first" } : {} },
    );
  }
  await until(() => received["queue"] === count && received["stream"] === count, "all messages");
  await connection.close();
});

test("entries that are small, of batches that are not, are shown over several turns, between which others are answered", async () => {
  const client = await clients.wire();
  const batches = 24;
  const value = "\0".repeat(2 << 20);
  const head = { timestamp: 0, producerId: -1, producerEpoch: -1, baseSequence: -1 };
  const records = compressedBatch(codecs.zstd, makeBatch({ ...head, values: [value, "small"] }), 2);
  const redis = await RawRedis.open(broker.ports.redis);
  for (let i = 0; i < batches; i++) {
    const topicData = [{ name: "holes", partitionData: [{ index: 0, records }] }];
    await client.request("Produce", 9, { transactionalId: null, acks: 1, timeoutMs: 1000, topicData });
  }
  // The first record of each batch goes; the second one is shown.
  let place = "-";
  for (let i = 0; i < batches; i++) {
    const entry = await redis.call("xrange", "holes", place, "+", "count", 1);
    const id = /\d+-\d+/.exec(entry)![0];
    assert.match(await redis.call("xdel", "holes", id), /^:1/);
    const kept = await redis.call("xrange", "holes", `(${id}`, "+", "count", 1);
    place = `(${/\d+-\d+/.exec(kept)![0]}`;
  }
  // Counted by the broker: when a client sees which answer depends on the machine.
  const turnsBefore = await broker.metric("troikamq_turns_continued_total");
  assert.match(await redis.call("xrange", "holes", "-", "+"), /^\*24\r/);
  const turns = (await broker.metric("troikamq_turns_continued_total")) - turnsBefore;
  const turnsMin = Math.floor((batches * value.length) / limits.turnInflatedBytesMax) - 1;
  assert.ok(turns >= turnsMin, `${turns} turns`);
  await redis.close();
});

test("more than the bound in one batch is refused, by every codec", async () => {
  const client = await clients.wire();
  for (const codec of [codecs.gzip, codecs.snappy, codecs.lz4, codecs.zstd]) {
    const records = bomb(codec, limits.kafkaBatchInflatedBytesMax + 1000);
    const topicData = [{ name: "refused", partitionData: [{ index: 0, records }] }];
    const body = { transactionalId: null, acks: 1, timeoutMs: 1000, topicData };
    const { responses } = await client.request("Produce", 9, body);
    const [result] = responses[0]!.partitionResponses;
    assert.equal(result!.errorCode, 10);
    assert.match(result!.errorMessage!, /decompressed; send smaller batches/);
  }
});
