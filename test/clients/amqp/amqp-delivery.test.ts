import assert from "node:assert/strict";
import type { GetMessage } from "amqplib";
import { after, before, test } from "node:test";
import { AmqpTarget, Gathered, quiet, settled, uniqueName, until } from "../../support/amqp.ts";

let target: AmqpTarget;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

async function queueWith(count: number, options = {}) {
  const connection = await target.connect();
  const channel = quiet(await connection.createChannel());
  const { queue } = await channel.assertQueue("", { exclusive: true, ...options });
  for (let i = 0; i < count; i++) channel.sendToQueue(queue, Buffer.from(`m${i}`));
  return { connection, channel, queue };
}

test("messages come in order, with all that was sent with them", async () => {
  const { channel, queue } = await queueWith(0);
  const headers = { text: "ü", count: 7, big: 2 ** 40, list: [1, "two"], table: { a: true }, nothing: null };
  const properties = {
    contentType: "text/plain",
    contentEncoding: "utf-8",
    headers,
    deliveryMode: 2,
    priority: 3,
    correlationId: "c",
    replyTo: "r",
    expiration: "60000",
    messageId: "m",
    timestamp: 1_700_000_000,
    type: "t",
    userId: "guest",
    appId: "a",
  };
  channel.publish("", queue, Buffer.alloc(300_000, "b"), properties);
  channel.publish("", queue, Buffer.alloc(0));
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  const [large, empty] = await gathered.count(2);
  assert.equal(large!.content.length, 300_000);
  assert.ok(large!.content.every((byte) => byte === 0x62));
  for (const [name, value] of Object.entries(properties)) {
    assert.deepEqual(large!.properties[name as "type"], value, name);
  }
  assert.equal(empty!.content.length, 0);
  assert.equal(empty!.fields.routingKey, queue);
  assert.equal(empty!.fields.exchange, "");
  assert.equal(empty!.fields.redelivered, false);
});

test("a consumer gets no more than its prefetch, and more as it acknowledges", async () => {
  const { channel, queue } = await queueWith(10);
  await channel.prefetch(3);
  const gathered = await Gathered.from(channel, queue);
  await gathered.count(3);
  await settled();
  assert.equal(gathered.messages.length, 3);
  channel.ack(gathered.messages[1]!);
  await gathered.count(4);
  channel.ack(gathered.messages[3]!, true);
  await gathered.count(7);
  await settled();
  assert.deepEqual(gathered.bodies, ["m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
});

test("a prefetch is for consumers that start after it; a global one for the channel", async () => {
  const { channel, queue } = await queueWith(0);
  await channel.prefetch(2);
  const first = await Gathered.from(channel, queue);
  await channel.prefetch(4);
  const second = await Gathered.from(channel, queue);
  for (let i = 0; i < 20; i++) channel.sendToQueue(queue, Buffer.from(String(i)));
  await first.count(2);
  await second.count(4);
  await settled();
  assert.deepEqual([first.messages.length, second.messages.length], [2, 4]);

  const other = await queueWith(0);
  await other.channel.prefetch(5, true);
  const third = await Gathered.from(other.channel, other.queue);
  const fourth = await Gathered.from(other.channel, other.queue);
  for (let i = 0; i < 20; i++) other.channel.sendToQueue(other.queue, Buffer.from(String(i)));
  await until(() => third.messages.length + fourth.messages.length >= 5);
  await settled();
  assert.equal(third.messages.length + fourth.messages.length, 5);
  other.channel.ackAll();
  await until(() => third.messages.length + fourth.messages.length >= 10);
});

test("consumers take turns", async () => {
  const { connection, channel, queue } = await queueWith(0);
  const second = await connection.createChannel();
  await channel.prefetch(50);
  await second.prefetch(50);
  const one = await Gathered.from(channel, queue);
  const two = await Gathered.from(second, queue);
  for (let i = 0; i < 40; i++) channel.sendToQueue(queue, Buffer.from(String(i)));
  await until(() => one.messages.length + two.messages.length === 40);
  assert.equal(one.messages.length, 20);
  // One at a time, each in a turn of its own.
  for (let i = 1; i <= 6; i++) {
    channel.sendToQueue(queue, Buffer.from("single"));
    await until(() => one.messages.length + two.messages.length === 40 + i);
  }
  assert.equal(one.messages.length, 23);
});

test("the consumer of the higher priority is served first", async () => {
  const { channel, queue } = await queueWith(0);
  await channel.prefetch(2);
  const low = await Gathered.from(channel, queue);
  const high = await Gathered.from(channel, queue, { priority: 10 });
  for (let i = 0; i < 3; i++) channel.sendToQueue(queue, Buffer.from(`m${i}`));
  await low.count(1);
  await high.count(2);
  assert.deepEqual(low.bodies, ["m2"]);
});

test("what is requeued comes again, marked, in its old place", async () => {
  const { channel, queue } = await queueWith(4);
  await channel.prefetch(4);
  const gathered = await Gathered.from(channel, queue);
  await gathered.count(4);
  channel.nack(gathered.messages[1]!, true, true);
  await gathered.count(6);
  assert.deepEqual(gathered.bodies.slice(4), ["m0", "m1"]);
  assert.deepEqual(
    gathered.messages.map(({ fields }) => fields.redelivered),
    [false, false, false, false, true, true],
  );
  await channel.cancel(gathered.tag);
  channel.nack(gathered.messages[3]!, false, true);
  channel.reject(gathered.messages[4]!, true);
  channel.nackAll(false);
  await until(async () => (await channel.checkQueue(queue)).messageCount === 2);
  const again = await channel.get(queue);
  assert.ok(again !== false && again.content.toString() === "m0" && again.fields.redelivered);
});

test("what is given back to a quorum queue waits behind what was given back before", async () => {
  const channel = await target.channel();
  const { queue } = await channel.assertQueue(uniqueName("quorum"), {
    durable: true,
    arguments: { "x-queue-type": "quorum", "x-delivery-limit": 5 },
  });
  const bodies = ["m0", "m1", "m2", "m3"];
  for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body));
  await until(async () => (await channel.checkQueue(queue)).messageCount === 4);
  const held: GetMessage[] = [];
  for (let left = 3; left > 0; left--) held.push(await until(() => channel.get(queue)));
  for (const [at, ready] of [
    [2, 2],
    [0, 3],
    [1, 4],
  ] as const) {
    channel.nack(held[at]!, false, true);
    await until(async () => (await channel.checkQueue(queue)).messageCount === ready);
  }
  const again: string[] = [];
  for (let left = 4; left > 0; left--) {
    const message = await until(() => channel.get(queue, { noAck: true }));
    again.push(message.content.toString());
    assert.equal(message.fields.redelivered, message.content.toString() !== "m3");
  }
  assert.deepEqual(again, ["m2", "m0", "m1", "m3"]);
  await channel.deleteQueue(queue);
});

test("the unacknowledged of a closed channel and of a lost connection come again", async () => {
  const owner = await target.channel();
  const queue = uniqueName("lost");
  await owner.assertQueue(queue, { durable: false, autoDelete: false });
  for (const text of ["a", "b", "c"]) owner.sendToQueue(queue, Buffer.from(text));
  const connection = await target.connect();
  const channel = await connection.createChannel();
  await (await Gathered.from(channel, queue)).count(3);
  await channel.close();
  const again = await Gathered.from(await connection.createChannel(), queue);
  assert.deepEqual(
    (await again.count(3)).map(({ fields }) => fields.redelivered),
    [true, true, true],
  );
  assert.deepEqual(again.bodies, ["a", "b", "c"]);
  (connection.connection as unknown as { stream: { destroy(): void } }).stream.destroy();
  await until(async () => (await owner.checkQueue(queue)).messageCount === 3);
  await owner.deleteQueue(queue);
});

test("basic.get takes one and says how many are left; recover gives all back", async () => {
  const { channel, queue } = await queueWith(3);
  await until(async () => (await channel.checkQueue(queue)).messageCount === 3);
  const first = await channel.get(queue, { noAck: true });
  assert.ok(first !== false);
  assert.equal(first.fields.messageCount, 2);
  const second = await channel.get(queue);
  assert.ok(second !== false && second.content.toString() === "m1");
  await channel.recover();
  const again = await channel.get(queue);
  assert.ok(again !== false && again.content.toString() === "m1" && again.fields.redelivered);
  channel.ack(again);
  assert.ok((await channel.get(queue)) !== false);
  assert.equal(await channel.get(queue), false);
});

test("a consumer is told when its queue goes", async () => {
  const { channel, queue } = await queueWith(0);
  const gathered = await Gathered.from(channel, queue);
  await channel.deleteQueue(queue);
  await until(() => gathered.isCancelled);
});

test("one consumer at a time with x-single-active-consumer", async () => {
  const { channel, queue } = await queueWith(0, { arguments: { "x-single-active-consumer": true } });
  const first = await Gathered.from(channel, queue, { noAck: true });
  const second = await Gathered.from(channel, queue, { noAck: true });
  for (let i = 0; i < 6; i++) channel.sendToQueue(queue, Buffer.from(String(i)));
  await first.count(6);
  await channel.cancel(first.tag);
  channel.sendToQueue(queue, Buffer.from("last"));
  await second.count(1);
  assert.deepEqual(second.bodies, ["last"]);
});

test("purge drops what is ready, not what is held", async () => {
  const { channel, queue } = await queueWith(5);
  await channel.prefetch(2);
  const gathered = await Gathered.from(channel, queue);
  await gathered.count(2);
  assert.deepEqual(await channel.purgeQueue(queue), { messageCount: 3 });
  channel.nackAll(true);
  await gathered.count(4);
  assert.deepEqual(gathered.bodies, ["m0", "m1", "m0", "m1"]);
});

test("auto-delete queues go with their last consumer, exclusive ones with their connection", async () => {
  const watcher = await target.channel();
  const auto = uniqueName("auto");
  await watcher.assertQueue(auto, { durable: false, autoDelete: true });
  const gathered = await Gathered.from(watcher, auto);
  await watcher.cancel(gathered.tag);
  await assert.rejects((await target.channel()).checkQueue(auto), /404/);
  const owner = await target.connect();
  const exclusive = uniqueName("exclusive");
  await (await owner.createChannel()).assertQueue(exclusive, { exclusive: true });
  await owner.close();
  await assert.rejects((await target.channel()).checkQueue(exclusive), /404/);
});

test("a slow consumer of much costs it its credit, not the broker", async () => {
  const { channel, queue } = await queueWith(0);
  const body = Buffer.alloc(64 * 1024, 1);
  for (let i = 0; i < 200; i++) channel.sendToQueue(queue, body);
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  await gathered.count(200);
});

test("a queue's name may be any text", async () => {
  const channel = await target.channel();
  const name = `${uniqueName("ü")} ☃`;
  const { queue } = await channel.assertQueue(name, { durable: false, autoDelete: true });
  assert.equal(queue, name);
  channel.sendToQueue(name, Buffer.from("x"));
  const gathered = await Gathered.from(channel, name, { noAck: true });
  const [message] = await gathered.count(1);
  assert.equal(message!.fields.routingKey, name);
});
