/** Logs whose last records are gone: readers come to the end of the log all the same, as after Kafka's compaction. */
import assert from "node:assert/strict";
import { test } from "node:test";
import amqplib from "amqplib";
import { KafkaBatch } from "../../../src/message/kafka/batch.ts";
import { KafkaBesideRedis, type StringMessage, textOf, until } from "./kafka-support.ts";

const all = new KafkaBesideRedis();

/** A topic of three records of which the last is gone. */
async function withoutLast(topic: string): Promise<void> {
  const producer = await all.clients.jsProducer({ allowAutoTopicCreation: true });
  await producer.send({ topic, messages: ["one", "two", "three"].map((value) => ({ value })) });
  const [last] = await all.redis.xrevrange(topic, "+", "-", "COUNT", 1);
  assert.equal(await all.redis.xdel(topic, last![0]), 1);
}

async function lagOf(groupId: string, topic: string): Promise<number> {
  const admin = await all.clients.jsAdmin();
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const [end] = await admin.fetchTopicOffsets(topic);
  return Number(end!.high) - Number(committed!.partitions[0]!.offset);
}

test("a fetch at a deleted last record is answered by a control batch at its offset", async () => {
  await withoutLast("wire");
  const client = await all.clients.wire();
  const fetched = await client.request("Fetch", 11, {
    replicaId: -1,
    maxWaitMs: 1000,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [
      {
        topic: "wire",
        partitions: [{ partition: 0, fetchOffset: 2, logStartOffset: -1, partitionMaxBytes: 1 << 20 }],
      },
    ],
    forgottenTopicsData: [],
  });
  const [partition] = fetched.responses[0]!.partitions;
  const batch = new KafkaBatch();
  assert.ok(batch.reset(partition!.records!).next());
  assert.deepEqual(
    [batch.baseOffset, batch.lastOffset, batch.isControl, batch.hasValidChecksum(), batch.next()],
    [2, 2, true, true, false],
  );
  assert.equal(partition!.highWatermark, 3);
});

test("kafkajs reads what is there, its lag becomes nothing, and it goes on with what comes", async () => {
  await withoutLast("js");
  const consumer = await all.clients.jsConsumer({ groupId: "js-readers" });
  await consumer.subscribe({ topic: "js", fromBeginning: true });
  const values: string[] = [];
  const lags: string[] = [];
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => void lags.push(payload.offsetLag));
  await consumer.run({ eachMessage: async ({ message }) => void values.push(textOf(message)) });
  await until(() => values.length >= 2, "two messages");
  await until(() => lags.at(-1) === "0", "no lag");
  await all.redis.call("xadd", "js", "*", "body", "four");
  await until(() => values.length >= 3, "what came behind the gap");
  assert.deepEqual(values, ["one", "two", "four"]);
  // It commits with the next message, as behind the end of a transaction.
  await until(async () => (await lagOf("js-readers", "js")) === 0, "a commit at the end");
  assert.equal(lags.filter((lag) => lag === "0").length, 2, "the gap is passed once");
});

test("@platformatic/kafka reads what is there, and what comes behind the gap", async () => {
  await withoutLast("platformatic");
  const consumer = all.clients.consumer("platformatic-readers");
  const stream = await consumer.consume({ topics: ["platformatic"], mode: "earliest", autocommit: true });
  const values: string[] = [];
  stream.on("data", (message: StringMessage) => values.push(textOf(message)));
  await until(() => values.length >= 2, "two messages");
  await all.redis.call("xadd", "platformatic", "*", "body", "four");
  await until(() => values.length >= 3, "what came behind the gap");
  assert.deepEqual(values, ["one", "two", "four"]);
});

test("records that went by DeleteRecords and by being consumed leave no reader short", async () => {
  const producer = await all.clients.jsProducer({ allowAutoTopicCreation: true });
  await producer.send({ topic: "cleared", messages: ["one", "two"].map((value) => ({ value })) });
  const client = await all.clients.wire();
  const partitions = [{ partitionIndex: 0, offset: -1 }];
  await client.request("DeleteRecords", 1, { topics: [{ name: "cleared", partitions }], timeoutMs: 1000 });
  const connection = await amqplib.connect(all.broker.amqpUrl);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("work");
  for (const body of ["one", "two", "three"]) channel.sendToQueue("work", Buffer.from(body));
  await channel.waitForConfirms();
  const [, second, third] = [
    await channel.get("work", { noAck: false }),
    await channel.get("work", { noAck: false }),
    await channel.get("work", { noAck: false }),
  ];
  channel.ack(second as amqplib.GetMessage);
  channel.ack(third as amqplib.GetMessage);
  await channel.checkQueue("work");
  const nextAfter = async (topic: string, fetchOffset: number): Promise<number> => {
    const fetched = await client.request("Fetch", 11, {
      replicaId: -1,
      maxWaitMs: 200,
      minBytes: 1,
      maxBytes: 1 << 20,
      topics: [
        {
          topic,
          partitions: [{ partition: 0, fetchOffset, logStartOffset: -1, partitionMaxBytes: 1 << 20 }],
        },
      ],
      forgottenTopicsData: [],
    });
    const { records } = fetched.responses[0]!.partitions[0]!;
    const batch = new KafkaBatch();
    return records !== null && batch.reset(records).next() ? batch.lastOffset + 1 : fetchOffset;
  };
  assert.equal(await nextAfter("cleared", 2), 2);
  assert.equal(await nextAfter("work", 0), 1);
  assert.equal(await nextAfter("work", 1), 3);
  await connection.close();
});
