/** One big message by each protocol: a small multiple of its size in memory, and others are served meanwhile. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AmqpTarget, uniqueName } from "../../support/amqp.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import {
  eventually,
  figure,
  mebibyte,
  MemoryWatch,
  Peer,
  redis,
  slowestPing,
  testMsMax,
} from "./flow-support.ts";

/**
 * The aim is 500 ms, which the bench measures on a quiet machine. Here the client that sends 100 MB is the one that asks, and
 * other tests have the processors too. What must not be is that others wait for the whole: copied again for each chunk
 * that comes, as a wrong buffer would do, 100 MB are 80 GB and far more than this.
 */
const pingMsMax = 15_000;

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

async function measured(what: string, bytesMax: number, work: () => Promise<void>): Promise<void> {
  const watch = new MemoryWatch(broker.pid);
  const slowest = await slowestPing(broker.ports.redis, work());
  figure(`${what}: the slowest PING took ${slowest.toFixed(0)} ms`);
  assert.ok(slowest < pingMsMax, `a PING took ${slowest} ms`);
  watch.endsBelow(bytesMax, what);
}

test("20 MB in one Kafka batch", { timeout: testMsMax }, async () => {
  const client = await KafkaWireClient.connect(broker.ports.kafka);
  const name = uniqueName("big");
  const size = 20 * mebibyte;
  await client.request("CreateTopics", 2, {
    topics: [
      {
        name,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name: "max.message.bytes", value: String(2 * size) }],
      },
    ],
    timeoutMs: 5000,
    validateOnly: false,
  });
  const options = { timestamp: Date.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
  const records = makeBatch({ values: ["k".repeat(size)], ...options });
  await measured("20 MB Kafka batch", 8 * size, async () => {
    const topicData = [{ name, partitionData: [{ index: 0, records }] }];
    const { responses } = await client.request("Produce", 7, { acks: -1, timeoutMs: 5000, topicData });
    assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0);
    const topics = [{ topic: name, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }];
    const fetched = await client.request("Fetch", 4, { maxWaitMs: 100, minBytes: 1, topics });
    assert.equal(fetched.responses[0]!.partitions[0]!.records?.length, records.length);
  });
  client.close();
});

test("100 MB in one Redis value", { timeout: testMsMax }, async () => {
  const peer = await Peer.connect(broker.ports.redis);
  const size = 100 * mebibyte;
  await measured("100 MB Redis value", 7 * size, async () => {
    peer.send(redis("SET", "big", Buffer.alloc(size, "v")));
    await eventually(() => peer.received === 5, "OK");
    peer.send(redis("GET", "big"));
    await eventually(() => peer.received === 5 + `$${size}\r\n\r\n`.length + size, "the value");
  });
  await peer.close();
});

test("100 MB in one AMQP message", { timeout: testMsMax }, async () => {
  const target = new AmqpTarget(broker.amqpUrl, broker);
  const publisher = await (await target.connect()).createConfirmChannel();
  const channel = await target.channel();
  const queue = uniqueName("big");
  await channel.assertQueue(queue, { durable: true });
  const size = 100 * mebibyte;
  const received: Buffer[] = [];
  await channel.consume(queue, (message) => received.push(message!.content), { noAck: true });
  await measured("100 MB AMQP message", 7 * size, async () => {
    publisher.sendToQueue(queue, Buffer.alloc(size, "b"));
    await publisher.waitForConfirms();
    await eventually(() => received.length > 0, "the message");
  });
  assert.equal(received[0]!.length, size);
  assert.ok(received[0]!.equals(Buffer.alloc(size, "b")));
  await target.closeConnections();
});
