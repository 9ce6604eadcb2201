import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import kafkajs from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { makeBatch } from "../../support/kafka-wire-client.ts";
import { closedAfter, KafkaClients, textOf } from "./kafka-support.ts";

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

for (const [name, compression] of [
  ["none", kafkajs.CompressionTypes.None],
  ["gzip", kafkajs.CompressionTypes.GZIP],
  ["snappy", kafkajs.CompressionTypes.Snappy],
] as const) {
  test(`kafkajs produces with codec ${name}, both clients read it`, async () => {
    const topic = `js-${name}`;
    const producer = await clients.jsProducer();
    const sent = Array.from({ length: 50 }, (_, i) => `message ${i} `.repeat(5));
    const messages = sent.map((value, i) => ({ key: `k${i}`, value, headers: { number: String(i) } }));
    const [result] = await producer.send({ topic, compression, messages });
    assert.equal(result!.baseOffset, "0");
    const byJs = await clients.readByJs(topic, 50);
    assert.deepEqual(byJs.map(textOf), sent);
    assert.deepEqual(
      byJs.map(({ offset, key, headers }) => [offset, key!.toString(), headers!["number"]!.toString()]),
      sent.map((_, i) => [String(i), `k${i}`, String(i)]),
    );
    assert.deepEqual((await clients.read(topic, 50)).map(textOf), sent);
  });
}

for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
  test(`@platformatic/kafka produces with codec ${compression}`, async () => {
    const topic = `platformatic-${compression}`;
    const producer = clients.producer({ compression });
    const sent = Array.from({ length: 50 }, (_, i) => `message ${i} `.repeat(5));
    await producer.send({ messages: sent.map((value) => ({ topic, key: "k", value })) });
    const messages = await clients.read(topic, 50);
    assert.deepEqual(messages.map(textOf), sent);
    assert.deepEqual(
      messages.map(({ offset }) => Number(offset)),
      sent.map((_, i) => i),
    );
  });
}

test("acks 0, 1 and all; null keys, tombstones and empty values stay what they are", async () => {
  const producer = await clients.jsProducer();
  for (const acks of [0, 1, -1]) {
    await producer.send({ topic: "acks", acks, messages: [{ key: null, value: `acks ${acks}` }] });
  }
  await producer.send({
    topic: "acks",
    messages: [
      { key: "gone", value: null },
      { key: "", value: "" },
    ],
  });
  const messages = await clients.readByJs("acks", 5);
  assert.deepEqual(messages.map(textOf), ["acks 0", "acks 1", "acks -1", "(null)", ""]);
  assert.deepEqual(
    messages.map(({ key }) => key?.toString() ?? null),
    [null, null, null, "gone", ""],
  );
});

test("a message of five megabytes", async () => {
  const value = "x".repeat(5 << 20);
  const producer = await clients.jsProducer();
  await producer.send({ topic: "large", messages: [{ value }, { value: "small" }] });
  const messages = await clients.readByJs("large", 2);
  assert.deepEqual(
    messages.map((message) => textOf(message).length),
    [value.length, 5],
  );
});

test("max.message.bytes and timestamps too far ahead are refused with Kafka's errors", async () => {
  const admin = await clients.jsAdmin();
  await admin.createTopics({
    topics: [{ topic: "small", configEntries: [{ name: "max.message.bytes", value: "1000" }] }],
  });
  const producer = await clients.jsProducer({ retry: { retries: 0 } });
  await assert.rejects(producer.send({ topic: "small", messages: [{ value: "x".repeat(2000) }] }), {
    type: "MESSAGE_TOO_LARGE",
  });
  const tomorrow = String(Date.now() + 86_400_000);
  await assert.rejects(
    producer.send({ topic: "small", messages: [{ value: "early", timestamp: tomorrow }] }),
    { type: "INVALID_TIMESTAMP" },
  );
});

test("a compacted topic takes no record without a key", async () => {
  const admin = await clients.jsAdmin();
  await admin.createTopics({
    topics: [{ topic: "compacted", configEntries: [{ name: "cleanup.policy", value: "compact" }] }],
  });
  const producer = clients.producer({ retries: 0 });
  await assert.rejects(producer.send({ messages: [{ topic: "compacted", value: "no key" }] }));
  await producer.send({ messages: [{ topic: "compacted", key: "k", value: "v" }] });
});

test("batches that are broken, old or transactional are refused; the connection goes on", async () => {
  const client = await clients.wire();
  const good = makeBatch({
    values: ["a"],
    timestamp: Date.now(),
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
  });
  const send = async (records: Buffer | null, acks = -1): Promise<number> => {
    const topicData = [{ name: "raw", partitionData: [{ index: 0, records }] }];
    const body = { transactionalId: null, acks, timeoutMs: 1000, topicData };
    const { responses } = await client.request("Produce", 9, body);
    return responses[0]!.partitionResponses[0]!.errorCode;
  };
  const changed = (edit: (copy: Buffer) => void): Buffer => {
    const copy = Buffer.from(good);
    edit(copy);
    return copy;
  };
  assert.equal(await send(good), 0);
  assert.equal(await send(null), 87);
  assert.equal(await send(changed((copy) => copy.writeUInt8(copy.at(-1)! ^ 1, copy.length - 1))), 2);
  assert.equal(await send(changed((copy) => copy.writeUInt8(1, 16))), 87);
  assert.equal(await send(good.subarray(0, good.length - 1)), 87);
  assert.equal(await send(Buffer.concat([good, good])), 87);
  assert.equal(await send(good, 2), 21);
  assert.equal(await send(good), 0);
  const transactional = { transactionalId: "t", acks: -1, timeoutMs: 1000, topicData: [] };
  await client.request("Produce", 9, transactional);
  const id = { transactionalId: "t", transactionTimeoutMs: 1000 };
  assert.equal((await client.request("InitProducerId", 4, id)).errorCode, 35);
});

test("what no Kafka client sends closes its own connection and no other", async () => {
  const other = await clients.wire();
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x02\x00\x00", "\xff\xff\xff\xff"]) {
    const answer = await closedAfter(broker.ports.kafka, Buffer.from(bytes, "latin1"));
    assert.equal(answer.length, 0);
  }
  const { errorCode } = await other.request("ApiVersions", 3, {
    clientSoftwareName: "test",
    clientSoftwareVersion: "1",
  });
  assert.equal(errorCode, 0);
});
