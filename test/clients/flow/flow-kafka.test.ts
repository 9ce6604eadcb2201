/** A Kafka client that asks for more than it reads: bounded memory, and all answers in order later. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { encodeRequest } from "../../../src/protocols/kafka/wire/codec.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import { eventually, mebibyte, MemoryWatch, Peer, testMsMax } from "./flow-support.ts";

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

test("many Fetch requests without reading", { timeout: testMsMax }, async () => {
  const client = await KafkaWireClient.connect(broker.ports.kafka);
  await client.request("CreateTopics", 2, {
    topics: [{ name: "flow", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5000,
    validateOnly: false,
  });
  const options = { timestamp: Date.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
  const records = makeBatch({ values: ["f".repeat(500_000)], ...options });
  for (let i = 0; i < 8; i++) {
    const topicData = [{ name: "flow", partitionData: [{ index: 0, records }] }];
    await client.request("Produce", 7, { acks: 1, timeoutMs: 5000, topicData });
  }
  client.close();

  const count = 2000;
  const writer = new ByteWriter();
  for (let correlationId = 1; correlationId <= count; correlationId++) {
    const partitions = [{ partition: 0, fetchOffset: correlationId % 8, partitionMaxBytes: 100_000 }];
    const body = { maxWaitMs: 100, minBytes: 1, topics: [{ topic: "flow", partitions }] };
    encodeRequest(writer, "Fetch", { version: 4, correlationId, clientId: "flow" }, body);
  }
  const watch = new MemoryWatch(broker.pid);
  const peer = await Peer.connect(broker.ports.kafka);
  peer.stopReading();
  // A gigabyte of answers; none is looked for.
  peer.send(writer.copy());
  await delay(500);
  watch.endsBelow(128 * mebibyte, "Kafka: fetches of 1 GB that nobody reads");
  const correlationIds: number[] = [];
  let head = Buffer.alloc(0);
  let left = 0;
  peer.take = (bytes) => {
    for (let at = 0; at < bytes.length;) {
      if (left > 0) {
        const step = Math.min(left, bytes.length - at);
        left -= step;
        at += step;
        continue;
      }
      const step = Math.min(8 - head.length, bytes.length - at);
      head = Buffer.concat([head, bytes.subarray(at, at + step)]);
      at += step;
      if (head.length < 8) continue;
      left = head.readUInt32BE(0) - 4;
      correlationIds.push(head.readUInt32BE(4));
      head = Buffer.alloc(0);
    }
  };
  const whileRead = new MemoryWatch(broker.pid);
  peer.read();
  await eventually(() => correlationIds.length === count && left === 0, "all answers");
  assert.deepEqual(
    correlationIds,
    Array.from({ length: count }, (_, i) => i + 1),
  );
  assert.ok(peer.received > count * 500_000);
  whileRead.endsBelow(256 * mebibyte, "Kafka: the same when they are read");
  await peer.close();
});
