import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { KafkaBatch } from "../../../src/message/kafka/batch.ts";
import { encodeRequest } from "../../../src/protocols/kafka/wire/codec.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { type KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import { waitMsMax } from "../../support/wait.ts";
import { KafkaClients, textOf, until } from "./kafka-support.ts";

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

interface FetchAt {
  offset: number;
  maxWaitMs?: number;
  minBytes?: number;
  maxBytes?: number;
  partitionMaxBytes?: number;
}

async function fetchAt(client: KafkaWireClient, topic: string, at: FetchAt) {
  const { offset, maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20, partitionMaxBytes = 1 << 20 } = at;
  const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes }];
  const body = { maxWaitMs, minBytes, maxBytes, topics: [{ topic, partitions }] };
  const response = await client.request("Fetch", 11, body);
  return { errorCode: response.errorCode, ...response.responses[0]?.partitions[0] };
}

async function produceBatch(
  client: KafkaWireClient,
  topic: string,
  values: string[],
  timestamp = Date.now(),
) {
  const records = makeBatch({ values, timestamp, producerId: -1, producerEpoch: -1, baseSequence: -1 });
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.request("Produce", 8, { acks: 1, timeoutMs: 1000, topicData });
  assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0);
}

function batchesIn(records: Buffer): { baseOffset: number; lastOffset: number }[] {
  const batch = new KafkaBatch().reset(records);
  const found = [];
  while (batch.next()) {
    assert.ok(batch.hasValidChecksum());
    found.push({ baseOffset: batch.baseOffset, lastOffset: batch.lastOffset });
  }
  assert.equal(batch.truncatedBytes, 0);
  return found;
}

test("kafkajs seeks, pauses and resumes", async () => {
  const producer = await clients.jsProducer();
  await producer.send({
    topic: "seek",
    messages: Array.from({ length: 10 }, (_, i) => ({ value: String(i) })),
  });
  const consumer = await clients.jsConsumer({ groupId: "seek" });
  await consumer.subscribe({ topic: "seek", fromBeginning: true });
  const values: string[] = [];
  await consumer.run({ eachMessage: async ({ message }) => void values.push(textOf(message)) });
  await until(() => values.length === 10, "all messages");
  consumer.seek({ topic: "seek", partition: 0, offset: "7" });
  await until(() => values.length === 13, "the last three again");
  assert.deepEqual(values.slice(10), ["7", "8", "9"]);
  consumer.pause([{ topic: "seek" }]);
  await sleep(400);
  await producer.send({ topic: "seek", messages: [{ value: "10" }] });
  await sleep(400);
  assert.equal(values.length, 13);
  consumer.resume([{ topic: "seek" }]);
  await until(() => values.at(-1) === "10", "what came in the pause");
});

test("offsets by time are exact to the record, whatever the batches are", async () => {
  const client = await clients.wire();
  await produceBatch(client, "times", ["a", "b", "c"], 1000);
  await produceBatch(client, "times", ["d"], 3000);
  await produceBatch(client, "times", ["e"], 2000);
  const producer = await clients.jsProducer();
  const messages = [4000, 5000, 6000].map((time) => ({ value: String(time), timestamp: String(time) }));
  await producer.send({ topic: "times", messages });
  const offsetAt = async (timestamp: number, version = 7) => {
    const topics = [{ name: "times", partitions: [{ partitionIndex: 0, timestamp }] }];
    const { topics: answer } = await client.request("ListOffsets", version, { topics });
    const { offset, timestamp: found, errorCode } = answer[0]!.partitions[0]!;
    assert.equal(errorCode, 0);
    return [offset, found];
  };
  assert.deepEqual(await offsetAt(0), [0, 1000]);
  assert.deepEqual(await offsetAt(1500), [3, 3000]);
  assert.deepEqual(await offsetAt(4500), [6, 5000]);
  assert.deepEqual(await offsetAt(6001), [-1, -1]);
  assert.deepEqual(await offsetAt(-1), [8, -1]);
  assert.deepEqual(await offsetAt(-2), [0, -1]);
  assert.deepEqual(await offsetAt(-3), [7, 6000]);
  const admin = await clients.jsAdmin();
  assert.deepEqual(await admin.fetchTopicOffsetsByTimestamp("times", 4500), [{ partition: 0, offset: "6" }]);
});

test("a long poll is answered when a record comes, and when its time is up", async () => {
  const client = await clients.wire();
  const other = await clients.wire();
  await produceBatch(client, "poll", ["first"]);
  for (let i = 1; i <= 20; i++) {
    // Far beyond the test's own bound: what answers in time is the record.
    const answer = fetchAt(client, "poll", { offset: i, maxWaitMs: 10 * waitMsMax });
    await sleep(5);
    await produceBatch(other, "poll", ["more"]);
    assert.deepEqual(batchesIn((await answer).records!), [{ baseOffset: i, lastOffset: i }]);
  }
  const startedAt = performance.now();
  const empty = await fetchAt(client, "poll", { offset: 21, maxWaitMs: 200 });
  assert.equal(empty.records!.length, 0);
  assert.equal(empty.highWatermark, 21);
  assert.ok(performance.now() - startedAt >= 190);
});

test("min_bytes is waited for; requests behind a long poll are answered after it, in order", async () => {
  const client = await clients.wire();
  const other = await clients.wire();
  await produceBatch(other, "enough", ["x".repeat(100)]);
  const answer = fetchAt(client, "enough", { offset: 0, minBytes: 1400, maxWaitMs: 10 * waitMsMax });
  let isAnswered = false;
  void answer.then(() => (isAnswered = true));
  for (let i = 0; i < 4; i++) {
    await sleep(20);
    assert.equal(isAnswered, false);
    await produceBatch(other, "enough", ["x".repeat(300)]);
  }
  assert.ok((await answer).records!.length >= 1400);
});

test("max bytes cut at whole batches, and one batch always comes", async () => {
  const client = await clients.wire();
  for (let i = 0; i < 5; i++) await produceBatch(client, "cut", Array<string>(3).fill("x".repeat(300)));
  assert.equal(
    batchesIn((await fetchAt(client, "cut", { offset: 0, partitionMaxBytes: 1 })).records!).length,
    1,
  );
  assert.equal(batchesIn((await fetchAt(client, "cut", { offset: 0, maxBytes: 2500 })).records!).length, 2);
  const within = batchesIn((await fetchAt(client, "cut", { offset: 4, maxBytes: 1 })).records!);
  assert.deepEqual(within, [{ baseOffset: 3, lastOffset: 5 }]);
  const topics = ["cut", "cut"].map((topic) => ({
    topic,
    partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
  }));
  const both = await client.request("Fetch", 11, { maxWaitMs: 0, minBytes: 1, maxBytes: 1000, topics });
  const sizes = both.responses.map(({ partitions }) => batchesIn(partitions[0]!.records!).length);
  assert.deepEqual(sizes, [1, 0]);
});

test("out of range, unknown topics, ids, partitions and sessions get their errors", async () => {
  const client = await clients.wire();
  await produceBatch(client, "range", ["a"]);
  assert.equal((await fetchAt(client, "range", { offset: 2 })).errorCode, 1);
  assert.equal((await fetchAt(client, "nowhere", { offset: 0 })).errorCode, 3);
  const body = { maxWaitMs: 0, minBytes: 1, maxBytes: 1000 };
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
  const byId = await client.request("Fetch", 13, {
    ...body,
    topics: [{ topicId: "ab".repeat(16), partitions }],
  });
  assert.equal(byId.responses[0]!.partitions[0]!.errorCode, 100);
  const session = await client.request("Fetch", 11, { ...body, sessionId: 5, sessionEpoch: 1, topics: [] });
  assert.equal(session.errorCode, 70);
});

test("topic ids are found again after a restart, and are new for a topic made again", async () => {
  const client = await clients.wire();
  await produceBatch(client, "ids", ["a"]);
  const idOf = async (by: KafkaWireClient): Promise<string> => {
    const { topics } = await by.request("Metadata", 12, { topics: [{ name: "ids" }] });
    return topics[0]!.topicId;
  };
  const id = await idOf(client);
  await broker.restart();
  const again = await clients.wire();
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
  const body = { maxWaitMs: 0, minBytes: 1, maxBytes: 1000, topics: [{ topicId: id, partitions }] };
  assert.equal(
    batchesIn((await again.request("Fetch", 16, body)).responses[0]!.partitions[0]!.records!).length,
    1,
  );
  assert.equal(await idOf(again), id);
  await again.request("DeleteTopics", 6, { topics: [{ topicId: id }], timeoutMs: 1000 });
  await produceBatch(again, "ids", ["a"]);
  assert.notEqual(await idOf(again), id);
});

test("@platformatic/kafka reads from a given offset and from the end", async () => {
  const producer = clients.producer();
  await producer.send({
    messages: Array.from({ length: 10 }, (_, i) => ({ topic: "manual", value: String(i) })),
  });
  const consumer = clients.consumer("manual");
  const stream = await consumer.consume({
    topics: ["manual"],
    mode: "manual",
    offsets: [{ topic: "manual", partition: 0, offset: 6n }],
    autocommit: false,
  });
  const values: string[] = [];
  stream.on("data", ({ value }) => values.push(value));
  await until(() => values.length === 4, "the last four");
  assert.deepEqual(values, ["6", "7", "8", "9"]);
  const latest = clients.consumer("latest");
  const news = await latest.consume({ topics: ["manual"], mode: "latest", autocommit: false });
  const fresh: string[] = [];
  news.on("data", ({ value }) => fresh.push(value));
  // The library does not say when it has found the end: what is sent before that is not read.
  await until(async () => {
    await producer.send({ messages: [{ topic: "manual", value: "new" }] });
    return fresh.length > 0;
  }, "a new one");
  assert.equal(fresh[0], "new");
});

test("a client that asks and does not read holds back itself; all its answers come in order once it reads", async () => {
  const client = await clients.wire();
  for (let i = 0; i < 8; i++) await produceBatch(client, "unread", ["x".repeat(1 << 20)]);
  const count = 100;
  const requests = new ByteWriter();
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 8 << 20 }];
  const body = { maxWaitMs: 0, minBytes: 1, maxBytes: 8 << 20, topics: [{ topic: "unread", partitions }] };
  for (let correlationId = 0; correlationId < count; correlationId++) {
    encodeRequest(requests, "Fetch", { version: 11, correlationId, clientId: "greedy" }, body);
  }
  const socket = net.connect({ port: broker.ports.kafka, host: "127.0.0.1" });
  socket.pause();
  socket.write(requests.copy());
  await sleep(500);
  const resident = await residentBytes();
  assert.ok(resident < 500 << 20, `the broker has ${resident >> 20} MiB`);
  const ids: number[] = [];
  let missing = 0;
  let head = Buffer.alloc(0);
  socket.on("data", (piece: Buffer) => {
    let at = Math.min(missing, piece.length);
    missing -= at;
    while (missing === 0 && at < piece.length) {
      const more = piece.subarray(at, at + 8 - head.length);
      head = Buffer.concat([head, more]);
      at += more.length;
      if (head.length < 8) break;
      ids.push(head.readInt32BE(4));
      missing = head.readInt32BE(0) - 4;
      head = Buffer.alloc(0);
      const step = Math.min(missing, piece.length - at);
      missing -= step;
      at += step;
    }
  });
  socket.resume();
  await until(() => ids.length === count && missing === 0, "all answers");
  socket.destroy();
  assert.deepEqual(
    ids,
    Array.from({ length: count }, (_, i) => i),
  );
});

async function residentBytes(): Promise<number> {
  return broker.metric("process_resident_memory_bytes");
}
