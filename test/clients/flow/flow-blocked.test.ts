/**
 * Publishers faster than their consumers, with little memory: they are stopped, told so where the protocol can say it,
 * and go on when there is room; nothing is dropped, and connections that did not publish are served all the while.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Channel } from "amqplib";
import { AmqpTarget } from "../../support/amqp.ts";
import { handshake, method, openChannel, publish } from "../../support/amqp-frames.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import { until } from "../../support/wait.ts";
import { eventually, mebibyte, MemoryWatch, Peer, redis, testMsMax } from "./flow-support.ts";

const bodyBytes = 100_000;
const messagesEach = 700;
const memoryBytesMax = 64 * mebibyte;
/** Beyond the bound: what was read at once from each publisher, and what is not collected yet. */
const slackBytes = 128 * mebibyte;

async function withBroker(
  dataDir: "memory" | undefined,
  run: (broker: TestBroker) => Promise<void>,
): Promise<void> {
  const where = dataDir === undefined ? {} : { dataDir };
  const broker = await startTestBroker({ ...where, args: ["--memory-bytes-max", "64MiB"] });
  try {
    await run(broker);
  } finally {
    await broker.stop();
  }
}

/** Waits until the broker has stopped reading from all of them, as it says itself, and the system's buffers are full. */
async function untilStopped(broker: TestBroker, peers: readonly Peer[]): Promise<void> {
  const isBlocked = async (): Promise<boolean> => (await broker.metric("troikamq_publishers_blocked")) === 1;
  const unsent = (): number => peers.reduce((sum, peer) => sum + peer.unsent, 0);
  await until(isBlocked, "the publishers' stop");
  for (let last = -1; unsent() !== last;) {
    last = unsent();
    // What has been read already is still taken; a tick after it no more is.
    await isBlocked();
    await delay(200);
  }
  assert.ok(unsent() > 0, "no publisher was stopped");
}

const blocked = method(0, 10, 60).subarray(7, 11);
const unblocked = method(0, 10, 61).subarray(7, 11);

async function amqpPublisher(port: number): Promise<Peer> {
  const peer = await Peer.connect(port);
  peer.send(handshake(["connection.blocked"]), openChannel(1));
  await eventually(() => peer.received > 400, "the connection");
  return peer;
}

test("AMQP publishers into a transient queue", { timeout: testMsMax }, () =>
  withBroker(undefined, async (broker) => {
    const target = new AmqpTarget(broker.amqpUrl, broker);
    const channel = await target.channel();
    await channel.assertQueue("fast", { durable: false });
    const peers = [];
    const told: Buffer[][] = [];
    for (let i = 0; i < 3; i++) {
      const peer = await amqpPublisher(broker.ports.amqp);
      const chunks: Buffer[] = [];
      peer.take = (bytes) => chunks.push(bytes);
      told.push(chunks);
      peers.push(peer);
    }
    const watch = new MemoryWatch(broker.pid);
    for (let i = 0; i < messagesEach; i++) {
      peers.forEach((peer, publisher) => {
        const body = Buffer.alloc(bodyBytes);
        body.writeUInt32BE(i);
        body[4] = publisher;
        peer.send(publish(1, "", "fast", body));
      });
    }
    await untilStopped(broker, peers);
    for (const chunks of told)
      await eventually(() => Buffer.concat(chunks).includes(blocked), "connection.blocked");
    watch.endsBelow(memoryBytesMax + slackBytes, "AMQP publishers of 210 MB with 64 MiB");
    // One that connects now hears it too, and may declare and look.
    const late = await target.channel();
    const { messageCount } = await late.checkQueue("fast");
    assert.ok(
      messageCount * bodyBytes < memoryBytesMax + 8 * mebibyte,
      `${messageCount} messages were taken`,
    );
    const seen: number[][] = [[], [], []];
    await late.consume("fast", (message) => {
      seen[message!.content[4]!]!.push(message!.content.readUInt32BE(0));
      late.ack(message!);
    });
    await eventually(() => seen.every((numbers) => numbers.length === messagesEach), "all messages");
    const ascending = Array.from({ length: messagesEach }, (_, i) => i);
    for (const numbers of seen) assert.deepEqual(numbers, ascending);
    for (const chunks of told)
      await eventually(() => Buffer.concat(chunks).includes(unblocked), "connection.unblocked");
    await Promise.all(peers.map((peer) => peer.close()));
    await target.closeConnections();
  }),
);

test("a message larger than the memory there is, and what comes after it", { timeout: testMsMax }, () =>
  withBroker(undefined, async (broker) => {
    const target = new AmqpTarget(broker.amqpUrl, broker);
    const consumer = await target.channel();
    await consumer.assertQueue("huge", { durable: false });
    const sizes: number[] = [];
    await consumer.consume("huge", (message) => sizes.push(message!.content.length), { noAck: true });
    const publisher = await target.channel();
    for (const [at, size] of [80 * mebibyte, 1, 70 * mebibyte, 2].entries()) {
      publisher.sendToQueue("huge", Buffer.alloc(size));
      // Alone: nothing that comes after it pushes it out of memory.
      await eventually(() => sizes.length === at + 1, `message ${at}`);
      assert.equal(sizes[at], size);
    }
    await target.closeConnections();
  }),
);

test(
  "a connection that publishes and consumes waits with both, and others make room for it",
  { timeout: testMsMax },
  () =>
    withBroker(undefined, async (broker) => {
      const target = new AmqpTarget(broker.amqpUrl, broker);
      const both = await target.channel();
      await both.assertQueue("shared", { durable: false });
      const seen: number[] = [];
      const consume = async (channel: Channel, prefetch: number): Promise<void> => {
        await channel.prefetch(prefetch);
        await channel.consume("shared", (message) => {
          seen.push(message!.content.readUInt32BE(0));
          channel.ack(message!);
        });
      };
      await consume(both, 1);
      const count = 150;
      for (let i = 0; i < count; i++) {
        const body = Buffer.alloc(mebibyte);
        body.writeUInt32BE(i);
        both.sendToQueue("shared", body);
      }
      await delay(500);
      await consume(await target.channel(), 10);
      await eventually(() => seen.length === count, "all messages");
      assert.equal(new Set(seen).size, count);
      await target.closeConnections();
    }),
);

test("XADD where nothing is kept on disk", { timeout: testMsMax }, () =>
  withBroker("memory", async (broker) => {
    const peers = [await Peer.connect(broker.ports.redis), await Peer.connect(broker.ports.redis)];
    const reader = await Peer.connect(broker.ports.redis);
    const watch = new MemoryWatch(broker.pid);
    let replies = 0;
    for (const peer of peers)
      peer.take = (bytes) => bytes.forEach((byte) => (replies += byte === 0x24 ? 1 : 0));
    const request = redis("XADD", "fast", "*", "body", Buffer.alloc(bodyBytes, "x"));
    for (let i = 0; i < messagesEach; i++) for (const peer of peers) peer.send(request);
    await untilStopped(broker, peers);
    watch.endsBelow(memoryBytesMax + slackBytes, "XADD of 140 MB with 64 MiB");
    const before = replies;
    assert.ok(before < 2 * messagesEach);
    let text = "";
    reader.take = (bytes) => (text += bytes.latin1Slice());
    while (replies < 2 * messagesEach) {
      text = "";
      reader.send(redis("XTRIM", "fast", "MAXLEN", "0"));
      await eventually(() => text.includes("\n"), "XTRIM's reply");
      await delay(10);
    }
    await Promise.all([...peers, reader].map((peer) => peer.close()));
  }),
);

test("Kafka produce where nothing is kept on disk", { timeout: testMsMax }, () =>
  withBroker("memory", async (broker) => {
    const admin = await KafkaWireClient.connect(broker.ports.kafka);
    const topics = [{ name: "fast", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    await admin.request("CreateTopics", 2, { topics, timeoutMs: 5000, validateOnly: false });
    const options = { timestamp: Date.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
    const records = makeBatch({ values: ["p".repeat(500_000)], ...options });
    const batches = 2000;
    const watch = new MemoryWatch(broker.pid);
    const offsets: number[] = [];
    const producing = (async () => {
      const client = await KafkaWireClient.connect(broker.ports.kafka);
      for (let i = 0; i < batches; i++) {
        const topicData = [{ name: "fast", partitionData: [{ index: 0, records }] }];
        const { responses } = await client.request("Produce", 7, { acks: -1, timeoutMs: 5000, topicData });
        const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
        assert.equal(errorCode, 0);
        offsets.push(baseOffset);
      }
      client.close();
    })();
    let stops = 0;
    while (offsets.length < batches) {
      const taken = offsets.length;
      await delay(50);
      if (offsets.length !== taken) continue;
      stops++;
      const partitions = [{ partitionIndex: 0, offset: -1 }];
      await admin.request("DeleteRecords", 1, { topics: [{ name: "fast", partitions }], timeoutMs: 5000 });
    }
    await producing;
    assert.ok(stops >= 4, `stopped ${stops} times`);
    // The collector is in no hurry with what is over; but that does not grow with what was produced.
    watch.endsBelow(600 * mebibyte, "Kafka: 1 GB produced with 64 MiB");
    assert.deepEqual(
      offsets,
      Array.from({ length: batches }, (_, i) => i),
    );
    admin.close();
  }),
);
