/** Topics of one partition that grow: what each protocol sees before and after, what may not be taken, restarts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import amqplib from "amqplib";
import { errorCodes } from "../../../src/protocols/kafka/wire/error-codes.ts";
import { KafkaBesideRedis, textOf } from "./kafka-support.ts";

const all = new KafkaBesideRedis();

async function grow(topic: string, count: number): Promise<[code: number, text: string | null]> {
  const client = await all.clients.wire();
  const topics = [{ name: topic, count, assignments: null }];
  const { results } = await client.request("CreatePartitions", 1, {
    topics,
    timeoutMs: 1000,
    validateOnly: false,
  });
  client.close();
  return [results[0]!.errorCode, results[0]!.errorMessage];
}

async function partitionsOf(topic: string): Promise<number[]> {
  const client = await all.clients.wire();
  const asked = { topics: [{ name: topic }], allowAutoTopicCreation: false };
  const { topics } = await client.request("Metadata", 9, asked);
  client.close();
  return topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex);
}

async function idOf(topic: string): Promise<string> {
  const client = await all.clients.wire();
  const asked = { topics: [{ name: topic }], allowAutoTopicCreation: false };
  const { topics } = await client.request("Metadata", 12, asked);
  client.close();
  return topics[0]!.topicId;
}

test("a topic made by first use grows: it keeps its records, its id and its commits, through a restart too", async () => {
  const producer = await all.clients.jsProducer({ allowAutoTopicCreation: true });
  await producer.send({ topic: "auto", messages: [{ key: "k", value: "before" }] });
  assert.deepEqual((await all.clients.readByJs("auto", 1, "readers")).map(textOf), ["before"]);
  const id = await idOf("auto");
  assert.deepEqual(await grow("auto", 3), [errorCodes.NONE, null]);
  assert.deepEqual(await partitionsOf("auto"), [0, 1, 2]);
  assert.equal(await idOf("auto"), id);
  const admin = await all.clients.jsAdmin();
  const committed = await admin.fetchOffsets({ groupId: "readers", topics: ["auto"] });
  assert.deepEqual(
    committed[0]!.partitions
      .map(({ partition, offset }) => `${partition}: ${offset}`)
      .toSorted((a, b) => (a < b ? -1 : 1)),
    ["0: 1", "1: -1", "2: -1"],
  );
  const other = await all.clients.jsProducer();
  for (const partition of [0, 1, 2]) {
    await other.send({ topic: "auto", messages: [{ partition, value: `in ${partition}` }] });
  }
  await all.broker.restart();
  assert.deepEqual(await partitionsOf("auto"), [0, 1, 2]);
  assert.equal(await idOf("auto"), id);
  assert.deepEqual((await all.clients.readByJs("auto", 4, "late")).map(textOf).toSorted(), [
    "before",
    "in 0",
    "in 1",
    "in 2",
  ]);
  assert.deepEqual(await grow("auto", 4), [errorCodes.NONE, null]);
  assert.deepEqual(await partitionsOf("auto"), [0, 1, 2, 3]);
});

test("for others its first partition keeps the name, and what they had with it; the others are numbered", async () => {
  await all.redis.call("xadd", "shared", "1-1", "body", "one");
  await all.redis.call("xgroup", "create", "shared", "workers", "0");
  const connection = await amqplib.connect(all.broker.amqpUrl);
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange("news", "fanout");
  await channel.bindQueue("shared", "news", "");
  assert.deepEqual(await grow("shared", 2), [errorCodes.NONE, null]);
  // Bindings and groups stay with the stream.
  channel.publish("news", "", Buffer.from("two"));
  await channel.waitForConfirms();
  await all.redis.call("xadd", "shared", "*", "body", "three");
  const read = (await all.redis.call("xreadgroup", "GROUP", "workers", "w", "STREAMS", "shared", ">")) as [
    [string, [string, string[]][]],
  ];
  assert.deepEqual(
    read[0][1].map(([, fields]) => fields[1]),
    ["one", "two", "three"],
  );
  assert.deepEqual((await all.redis.keys("shared*")).toSorted(), ["shared", "shared-1"]);
  // The exchange of that name spreads by key, as Kafka's producers do.
  for (let i = 0; i < 20; i++) channel.publish("shared", `key ${i}`, Buffer.from("spread"));
  await channel.waitForConfirms();
  const [first, second] = [await all.redis.xlen("shared"), await all.redis.xlen("shared-1")];
  assert.equal(first + second, 23);
  assert.ok(first > 3 && second > 0, `${first} and ${second}`);
  // A partition that another protocol deletes is made again, under its own name.
  assert.equal(await all.redis.del("shared"), 1);
  assert.deepEqual(await partitionsOf("shared"), [0, 1]);
  await all.redis.call("xadd", "shared", "*", "body", "again");
  for (let i = 0; i < 20; i++) channel.publish("shared", `key ${i}`, Buffer.from("spread"));
  await channel.waitForConfirms();
  assert.equal((await all.redis.xlen("shared")) + (await all.redis.xlen("shared-1")), 21 + second);
  await all.broker.restart();
  assert.deepEqual(await partitionsOf("shared"), [0, 1]);
  await connection.close().catch(() => {});
});

test("what has a partition's name is never taken: neither by growth nor by the topic's deletion", async () => {
  await all.redis.call("xadd", "mine-2", "*", "body", "another's");
  await all.redis.call("xadd", "mine", "*", "body", "first");
  const [code, text] = await grow("mine", 3);
  assert.equal(code, errorCodes.TOPIC_ALREADY_EXISTS);
  assert.match(text!, /'mine-2' already exists and is not a partition of 'mine'/);
  assert.deepEqual(await partitionsOf("mine"), [0]);
  assert.equal(await all.redis.exists("mine-1"), 0);
  const admin = await all.clients.jsAdmin();
  await admin.createTopics({ topics: [{ topic: "several", numPartitions: 2 }] });
  await all.redis.call("xadd", "several-2", "*", "body", "another's");
  assert.equal((await grow("several", 3))[0], errorCodes.TOPIC_ALREADY_EXISTS);
  await admin.deleteTopics({ topics: ["several", "mine"] });
  assert.equal(await all.redis.xlen("several-2"), 1);
  assert.equal(await all.redis.xlen("mine-2"), 1);
  // Its place is free now, and t-0 was never its name.
  await all.redis.del("mine-2");
  await all.redis.call("xadd", "mine-0", "*", "body", "another's");
  await all.redis.call("xadd", "mine", "*", "body", "first");
  assert.equal((await grow("mine", 3))[0], errorCodes.NONE);
  await admin.deleteTopics({ topics: ["mine"] });
  assert.deepEqual(await all.redis.keys("mine*"), ["mine-0"]);
});

test("an AMQP queue, an exchange's name and a stream that is not kept do not grow, and say so", async () => {
  const connection = await amqplib.connect(all.broker.amqpUrl);
  const channel = await connection.createChannel();
  await channel.assertQueue("queue");
  assert.match((await grow("queue", 2))[1]!, /'queue' is an AMQP queue, which has one partition/);
  await channel.assertExchange("both", "direct");
  await channel.assertQueue("both", { durable: true, arguments: { "x-queue-type": "stream" } });
  assert.match((await grow("both", 2))[1]!, /There is an exchange 'both'/);
  await all.redis.call("xadd", "n".repeat(254), "*", "body", "long");
  assert.match((await grow("n".repeat(254), 2))[1]!, /too long/);
  await connection.close();
});

test("validateOnly tells the same and makes nothing", async () => {
  const admin = await all.clients.jsAdmin();
  await admin.createTopics({ topics: [{ topic: "asked" }] });
  await admin.createPartitions({ topicPartitions: [{ topic: "asked", count: 2 }], validateOnly: true });
  assert.deepEqual(await partitionsOf("asked"), [0]);
  assert.equal(await all.redis.exists("asked-1"), 0);
});
