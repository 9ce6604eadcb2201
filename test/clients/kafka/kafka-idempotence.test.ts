import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { type KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import { api } from "../../support/users.ts";
import { KafkaClients, textOf } from "./kafka-support.ts";

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

const errors = { none: 0, full: 44, outOfOrder: 45, invalidEpoch: 47 } as const;

interface Sent {
  producerId: number;
  epoch?: number;
  sequence: number;
  values: string[];
  headersOf?: Record<string, string>[];
}

async function newProducer(client: KafkaWireClient): Promise<number> {
  const body = { transactionalId: null, transactionTimeoutMs: 1000 };
  const { errorCode, producerId, producerEpoch } = await client.request("InitProducerId", 4, body);
  assert.deepEqual([errorCode, producerEpoch], [0, 0]);
  return producerId;
}

async function send(
  client: KafkaWireClient,
  topic: string,
  batch: Sent,
): Promise<[error: number, offset: number]> {
  const { producerId, epoch = 0, sequence, values, headersOf = [] } = batch;
  const timestamp = Date.now();
  const producer = { producerId, producerEpoch: epoch, baseSequence: sequence };
  const records = makeBatch({ values, headersOf, timestamp, ...producer });
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.request("Produce", 9, { acks: -1, timeoutMs: 1000, topicData });
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
  return [errorCode, baseOffset];
}

test("idempotent producers of both libraries", async () => {
  const js = await clients.jsProducer({ idempotent: true, maxInFlightRequests: 1 });
  const other = clients.producer({ idempotent: true });
  for (let i = 0; i < 20; i++) {
    await js.send({ topic: "both", acks: -1, messages: [{ value: `js ${i}` }] });
    await other.send({ messages: [{ topic: "both", value: `platformatic ${i}` }] });
  }
  const values = (await clients.readByJs("both", 40)).map(textOf);
  assert.equal(new Set(values).size, 40);
});

test("a batch sent again is answered with its first offset and stored once", async () => {
  const client = await clients.wire();
  const producerId = await newProducer(client);
  for (let i = 0; i < 7; i++) {
    const batch = { producerId, sequence: i * 2, values: [`${i} a`, `${i} b`] };
    assert.deepEqual(await send(client, "again", batch), [errors.none, i * 2]);
  }
  // The last five are remembered, in any order.
  for (const i of [6, 2, 4]) {
    const batch = { producerId, sequence: i * 2, values: [`${i} a`, `${i} b`] };
    assert.deepEqual(await send(client, "again", batch), [errors.none, i * 2]);
  }
  assert.deepEqual(await send(client, "again", { producerId, sequence: 0, values: ["0 a", "0 b"] }), [
    errors.outOfOrder,
    -1,
  ]);
  assert.equal((await clients.readByJs("again", 14)).length, 14);
});

test("a batch sent again is known though the queue is full by now, and is not dead-lettered", async () => {
  const connection = await amqplib.connect(broker.amqpUrl);
  const channel = await connection.createChannel();
  await channel.assertQueue("again.dead");
  const toDead = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "again.dead" };
  const bound = { "x-max-length": 2, "x-overflow": "reject-publish-dlx" };
  await channel.assertQueue("again.full", { arguments: { ...bound, ...toDead } });
  const client = await clients.wire();
  const producerId = await newProducer(client);
  const batch = { producerId, sequence: 0, values: ["a", "b"] };
  assert.deepEqual(await send(client, "again.full", batch), [errors.none, 0]);
  assert.deepEqual(await send(client, "again.full", batch), [errors.none, 0]);
  const next = { producerId, sequence: 2, values: ["c"] };
  assert.deepEqual(await send(client, "again.full", next), [errors.full, -1]);
  assert.equal((await channel.checkQueue("again.full")).messageCount, 2);
  assert.equal((await channel.checkQueue("again.dead")).messageCount, 1);
  await connection.close();
});

test("a gap is refused, and so is an old epoch; a new epoch begins at 0", async () => {
  const client = await clients.wire();
  const producerId = await newProducer(client);
  assert.deepEqual(await send(client, "gap", { producerId, sequence: 0, values: ["a"] }), [errors.none, 0]);
  assert.deepEqual(await send(client, "gap", { producerId, sequence: 2, values: ["c"] }), [
    errors.outOfOrder,
    -1,
  ]);
  assert.deepEqual(await send(client, "gap", { producerId, sequence: 1, values: ["b"] }), [errors.none, 1]);
  const next = { producerId, epoch: 1, sequence: 5, values: ["d"] };
  assert.deepEqual(await send(client, "gap", next), [errors.outOfOrder, -1]);
  assert.deepEqual(await send(client, "gap", { ...next, sequence: 0 }), [errors.none, 2]);
  assert.deepEqual(await send(client, "gap", { producerId, sequence: 2, values: ["c"] }), [
    errors.invalidEpoch,
    -1,
  ]);
});

test("sequences are remembered over SIGKILL and over a restart; ids are not given out twice", async () => {
  let client = await clients.wire();
  const producerId = await newProducer(client);
  for (let i = 0; i < 10; i++) {
    assert.deepEqual(await send(client, "killed", { producerId, sequence: i, values: [String(i)] }), [0, i]);
  }
  await broker.kill("SIGKILL");
  await broker.restart();
  client = await clients.wire();
  assert.deepEqual(await send(client, "killed", { producerId, sequence: 9, values: ["9"] }), [0, 9]);
  assert.deepEqual(await send(client, "killed", { producerId, sequence: 11, values: ["11"] }), [45, -1]);
  assert.deepEqual(await send(client, "killed", { producerId, sequence: 10, values: ["10"] }), [0, 10]);
  await broker.restart();
  client = await clients.wire();
  assert.deepEqual(await send(client, "killed", { producerId, sequence: 10, values: ["10"] }), [0, 10]);
  assert.ok((await newProducer(client)) > producerId);
  assert.equal((await clients.readByJs("killed", 11)).length, 11);
});

test("a batch of which records wait is sent again, also after a kill: none is there twice", async () => {
  const connection = await amqplib.connect(broker.amqpUrl);
  const channel = await connection.createChannel();
  const args = { "x-queue-type": "stream", "x-delay-allowed": true };
  await channel.assertQueue("again.later", { durable: true, arguments: args });
  await connection.close();
  let client = await clients.wire();
  const producerId = await newProducer(client);
  const later = { "x-delay": "600000" };
  const batch = { producerId, sequence: 0, values: ["a", "b", "c"], headersOf: [later, {}, {}] };
  assert.deepEqual(await send(client, "again.later", batch), [errors.none, 0]);
  assert.deepEqual(await send(client, "again.later", batch), [errors.none, 0]);
  const all = { producerId, sequence: 3, values: ["d"], headersOf: [later] };
  // Nothing of it is stored yet: the answer is the log's end.
  assert.deepEqual(await send(client, "again.later", all), [errors.none, 2]);
  await broker.kill();
  await broker.restart();
  client = await clients.wire();
  assert.deepEqual(await send(client, "again.later", batch), [errors.none, 0]);
  assert.deepEqual(await send(client, "again.later", all), [errors.none, 2]);
  assert.deepEqual(await send(client, "again.later", { producerId, sequence: 4, values: ["e"] }), [
    errors.none,
    2,
  ]);
  assert.deepEqual((await clients.readByJs("again.later", 3)).map(textOf), ["b", "c", "e"]);
  const { body } = await api(broker, "GET", "troika/delayed/%2F/again.later");
  assert.deepEqual(
    (body as { messages: { payload: string }[] }).messages.map(({ payload }) => payload),
    ["a", "d"],
  );
});
