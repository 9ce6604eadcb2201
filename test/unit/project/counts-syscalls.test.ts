/**
 * Calls into the system for each 1,000 messages: what makes the broker fast, and what no noise can change. One read of
 * a socket is one tick; a tick is one write, and what is promised as stable waits for one sync, whatever came in it.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ackAllUpTo,
  bind,
  confirmedUpTo,
  connectAmqp,
  consume,
  countMethods,
  declareQueue,
  publishes,
  selectConfirms,
} from "../../support/counted-amqp.ts";
import { BatchTemplate } from "../../../bench/generators/kafka/batch.ts";
import { apis, RequestWriter } from "../../../bench/generators/kafka/wire.ts";
import { CountedBroker } from "../../support/counted-broker.ts";

const messages = 1000;
let counted: CountedBroker;

before(async () => {
  counted = await CountedBroker.open({ isKept: true });
});

after(() => counted.close());

test("1,000 persistent publishes with confirms: a write, a sync and a send for each read", async () => {
  const { counts } = counted;
  const publisher = await connectAmqp(counted);
  await publisher.ask(Buffer.concat([declareQueue("confirmed", true), selectConfirms]));
  counts.reset();
  publisher.received = Buffer.alloc(0);
  const reads = publisher.deliver(publishes({ queue: "confirmed" }, messages, true));
  await counted.settle();
  assert.equal(confirmedUpTo(publisher.received), messages);
  // Measured: 3 writes; 2 or 3 syncs, since one takes all that came during the one before; 2 sends.
  assert.equal(reads, 3);
  assert.ok(counts.writes <= reads, `${counts.writes} writes`);
  assert.ok(counts.syncs <= reads, `${counts.syncs} syncs`);
  assert.ok(counts.sends <= reads, `${counts.sends} sends`);
});

test("1,000 persistent publishes that a consumer takes as they come: confirmed without a sync, and not written", async () => {
  const { counts } = counted;
  const [publisher, consumer] = [await connectAmqp(counted), await connectAmqp(counted)];
  await publisher.ask(Buffer.concat([declareQueue("taken", true), selectConfirms]));
  await consumer.ask(consume("taken", { acks: false }));
  counts.reset();
  publisher.received = consumer.received = Buffer.alloc(0);
  const bytes = publishes({ queue: "taken" }, messages, true);
  const reads = publisher.deliver(bytes);
  await counted.settle();
  assert.equal(confirmedUpTo(publisher.received), messages);
  assert.equal(countMethods(consumer.received, 60, 60), messages);
  assert.equal(counts.syncs, 0);
  // In front of each hole its header, and behind it what has changed of log and cursor.
  assert.ok(counts.writes <= 2 * reads, `${counts.writes} writes in ${reads} reads`);
  assert.ok(counts.writtenBytes < bytes.length / 100, `${counts.writtenBytes} of ${bytes.length} bytes`);
});

test("a message that one of its queues still needs is confirmed when it is synced", async () => {
  const { counts } = counted;
  const [publisher, consumer] = [await connectAmqp(counted), await connectAmqp(counted)];
  for (const queue of ["one-taken", "one-kept"])
    await publisher.ask(Buffer.concat([declareQueue(queue, true), bind(queue, "amq.direct")]));
  await publisher.ask(selectConfirms);
  await consumer.ask(consume("one-taken", { acks: false }));
  counts.reset();
  publisher.received = Buffer.alloc(0);
  publisher.deliver(publishes({ exchange: "amq.direct" }, messages, true));
  assert.equal(confirmedUpTo(publisher.received), 0);
  await counted.settle();
  assert.ok(counts.syncs > 0);
  assert.equal(confirmedUpTo(publisher.received), messages);
});

test("1,000 deliveries and one cumulative acknowledgement: a send for each read that brought them, one write", async () => {
  const { counts } = counted;
  const [publisher, consumer] = [await connectAmqp(counted), await connectAmqp(counted)];
  await publisher.ask(declareQueue("delivered", true));
  await consumer.ask(consume("delivered", { acks: true, prefetch: messages }));
  counts.reset();
  consumer.received = Buffer.alloc(0);
  const reads = publisher.deliver(publishes({ queue: "delivered" }, messages, false));
  await counted.settle();
  assert.equal(countMethods(consumer.received, 60, 60), messages);
  assert.ok(counts.sends <= reads, `${counts.sends} sends in ${reads} reads`);
  assert.ok(counts.writes <= reads, `${counts.writes} writes in ${reads} reads`);
  counts.reset();
  await consumer.ask(ackAllUpTo(messages));
  // Measured: the acknowledgement is one change of the queue's state.
  assert.ok(counts.calls <= 2, `${counts.calls} calls to settle ${messages} deliveries`);
});

test("1,000 XADD in a pipeline: a write and a send for each read, and no sync at `written`", async () => {
  const { counts } = counted;
  const client = counted.connect("redis");
  const value = "x".repeat(100);
  const one = `*5\r\n$4\r\nXADD\r\n$6\r\nstream\r\n$1\r\n*\r\n$4\r\nbody\r\n$100\r\n${value}\r\n`;
  await client.ask(Buffer.from(one));
  counts.reset();
  client.received = Buffer.alloc(0);
  const reads = client.deliver(Buffer.from(one.repeat(messages)));
  await counted.settle();
  assert.equal(client.received.toString().match(/\$\d+\r\n\d+-\d+\r\n/g)?.length, messages);
  assert.ok(counts.writes <= reads, `${counts.writes} writes in ${reads} reads`);
  assert.ok(counts.sends <= reads, `${counts.sends} sends in ${reads} reads`);
  assert.equal(counts.syncs, 0);
});

test("1,000 GET in a pipeline touch no file", async () => {
  const { counts } = counted;
  const client = counted.connect("redis");
  await client.ask(Buffer.from("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"));
  counts.reset();
  client.received = Buffer.alloc(0);
  const reads = client.deliver(Buffer.from("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".repeat(messages)));
  await counted.settle();
  assert.equal(client.received.toString(), "$1\r\nv\r\n".repeat(messages));
  assert.deepEqual([counts.writes, counts.syncs], [0, 0]);
  assert.ok(counts.sends <= reads, `${counts.sends} sends in ${reads} reads`);
});

test("1,000 messages that each go to 50 queues are written once, not 50 times", async () => {
  const { counts } = counted;
  const queues = Array.from({ length: 50 }, (_, number) => `fanned-${number}`);
  const publisher = await connectAmqp(counted);
  for (const queue of queues) {
    await publisher.ask(Buffer.concat([declareQueue(queue, true), bind(queue, "amq.fanout")]));
  }
  counts.reset();
  const bytes = publishes({ exchange: "amq.fanout" }, messages, true);
  const reads = publisher.deliver(bytes);
  await counted.settle();
  const [first, last] = [queues.at(0)!, queues.at(-1)!].map(
    (name) => counted.broker.defaultVhost.queues.get(name)?.log.length,
  );
  assert.deepEqual([first, last], [messages, messages]);
  assert.ok(counts.writes <= reads, `${counts.writes} writes in ${reads} reads`);
  // Measured: as many bytes as came in, less their framing; each frame of many records names its 50 queues once.
  assert.ok(counts.writtenBytes < bytes.length, `${counts.writtenBytes} of ${bytes.length} bytes`);
});

test("a Kafka batch of 1,000 records with acks=all: one write, one sync, one send", async () => {
  const { counts } = counted;
  const client = counted.connect("kafka");
  const ask = (bytes: Uint8Array) => client.ask(Buffer.from(bytes));
  const created = new RequestWriter(1000).begin(apis.createTopics);
  created.int32(1).string("records").int32(1).int16(1).int32(0).int32(0).int32(1000).int8(0);
  await ask(created.end());
  const template = new BatchTemplate({ valueBytes: 40, recordsMax: messages });
  const produce = new RequestWriter(template.bytesOf(messages) + 200).begin(apis.produce);
  produce.int16(-1).int16(-1).int32(1000).int32(1).string("records").int32(1);
  produce.int32(0).int32(template.bytesOf(messages));
  const content = { count: messages, partition: 0, firstSequence: 0, firstSentMs: 0, stepMs: 0 };
  produce.at = template.write(produce.bytes, produce.view, produce.at, content);
  counts.reset();
  await ask(produce.end());
  assert.equal(counted.broker.defaultVhost.queues.get("records")?.log.length, messages);
  assert.ok(client.received.length > 0);
  assert.deepEqual([counts.writes, counts.syncs, counts.sends], [1, 1, 1]);
});
