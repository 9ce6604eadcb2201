/** Queues with `x-max-priority`: who gets what, and when. The rules where they meet: test/unit/broker/queue-priorities.test.ts. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Channel, ConfirmChannel, Options } from "amqplib";
import { method, publish, RawClient, shortText, uint } from "../../support/amqp-raw.ts";
import { AmqpTarget, closingOf, Gathered, quiet, settled, uniqueName, until } from "../../support/amqp.ts";

let target: AmqpTarget;
const isOther = process.env["TROIKAMQ_TEST_AMQP_URL"] !== undefined;
const skip = isOther ? "another server is tested, which is not ours to restart" : false;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

async function channelAndQueue(options: Options.AssertQueue = {}) {
  const channel = quiet(await (await target.connect()).createConfirmChannel());
  const { queue } = await channel.assertQueue("", { exclusive: true, maxPriority: 5, ...options });
  return { channel, queue };
}

/** Publishes one message for each priority, with the priority as its body. */
async function send(channel: ConfirmChannel, queue: string, priorities: readonly number[]): Promise<void> {
  for (const priority of priorities) channel.sendToQueue(queue, Buffer.from(String(priority)), { priority });
  await channel.waitForConfirms();
}

async function taken(channel: Channel, queue: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (message === false) return bodies;
    bodies.push(message.content.toString());
  }
}

test("the highest priority comes first, and of it what came first", async () => {
  const { channel, queue } = await channelAndQueue();
  const bodies = ["a1", "b5", "c3", "d0", "e", "f5", "g200", "h3", "i255"];
  for (const body of bodies) {
    const number = body.slice(1);
    channel.sendToQueue(queue, Buffer.from(body), number === "" ? {} : { priority: Number(number) });
  }
  await channel.waitForConfirms();
  // Above the queue's highest priority is its highest; none is 0.
  assert.deepEqual(await taken(channel, queue), ["b5", "f5", "g200", "i255", "c3", "h3", "a1", "d0", "e"]);
});

test("all 256 priorities count where a queue allows them", async () => {
  const { channel, queue } = await channelAndQueue({ maxPriority: 255 });
  const priorities = Array.from({ length: 256 }, (_, i) => (i * 37) % 256);
  await send(channel, queue, priorities);
  const descending = Array.from({ length: 256 }, (_, i) => String(255 - i));
  assert.deepEqual(await taken(channel, queue), descending);
});

test("with a highest priority of 0 messages keep their order", async () => {
  const { channel, queue } = await channelAndQueue({ maxPriority: 0 });
  await send(channel, queue, [1, 5, 3]);
  assert.deepEqual(await taken(channel, queue), ["1", "5", "3"]);
});

test("a consumer that has room gets messages as they come, and by priority when they had to wait", async () => {
  const { channel, queue } = await channelAndQueue();
  await channel.prefetch(2);
  const gathered = await Gathered.from(channel, queue);
  await send(channel, queue, [1, 3, 2, 5, 4]);
  await gathered.count(2);
  channel.ack(gathered.messages[1]!, true);
  await gathered.count(4);
  channel.ack(gathered.messages[3]!, true);
  await gathered.count(5);
  assert.deepEqual(gathered.bodies, ["1", "3", "5", "4", "2"]);
});

test("what a client publishes before it acknowledges is among what it may get next", async () => {
  const { channel, queue } = await channelAndQueue();
  await channel.prefetch(1);
  const gathered = await Gathered.from(channel, queue);
  await send(channel, queue, [1, 1, 1]);
  await gathered.count(1);
  for (let round = 0; round < 30; round++) {
    const priority = 2 + (round % 4);
    channel.sendToQueue(queue, Buffer.from(`round ${round}`), { priority });
    channel.ack(gathered.messages[round]!);
    await gathered.count(round + 2);
    assert.equal(gathered.bodies[round + 1], `round ${round}`);
  }
});

test("what a transaction publishes before it acknowledges is among what its consumer may get next", async (t) => {
  if (isOther)
    return t.skip("a queue of RabbitMQ takes acknowledgements out of its mailbox before publishes");
  const { channel, queue } = await channelAndQueue({ exclusive: false, autoDelete: true });
  const client = await RawClient.ready(target.url);
  t.after(() => client.socket.destroy());
  const published = (body: string, priority: number): Buffer =>
    publish(1, "", queue, Buffer.from(body), priority);
  const bodies = (): string[] =>
    client
      .frames()
      .filter(({ type }) => type === 3)
      .map(({ payload }) => payload.toString());
  const prefetch = method(1, 60, 10, uint(4, 0), uint(2, 1), Buffer.of(0));
  const consume = method(1, 60, 20, uint(2, 0), shortText(queue), shortText("c"), Buffer.of(0), uint(4, 0));
  client.send(prefetch, consume, method(1, 90, 10));
  await client.method("90.11");
  channel.sendToQueue(queue, Buffer.from("first"));
  await until(() => bodies().length === 1, "the first message");
  const ack = (tag: number): Buffer => method(1, 60, 80, uint(8, tag), Buffer.of(0));
  const commit = method(1, 90, 20);
  client.send(published("low", 1), published("high", 4), ack(1), commit);
  await until(() => bodies().length === 2, "the second message");
  client.send(ack(2), commit);
  await until(() => bodies().length === 3, "the third message");
  assert.deepEqual(bodies(), ["first", "high", "low"]);
});

test("a consumer that comes after the messages gets them by priority", async () => {
  const { channel, queue } = await channelAndQueue();
  for (const priority of [1, 5, 0, 3])
    channel.sendToQueue(queue, Buffer.from(String(priority)), { priority });
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  await gathered.count(4);
  assert.deepEqual(gathered.bodies, ["5", "3", "1", "0"]);
});

test("what is given back has its place again: by priority, then by when it came", async () => {
  const { channel, queue } = await channelAndQueue();
  const bodies = ["a2", "b2", "c4", "d2", "e4"];
  for (const body of bodies)
    channel.sendToQueue(queue, Buffer.from(body), { priority: Number(body.slice(1)) });
  await channel.waitForConfirms();
  const got = [await channel.get(queue), await channel.get(queue), await channel.get(queue)];
  const messages = got.map((message) => (message === false ? assert.fail("nothing came") : message));
  assert.deepEqual(
    messages.map(({ content }) => content.toString()),
    ["c4", "e4", "a2"],
  );
  channel.nack(messages[2]!, false, true);
  channel.nack(messages[1]!, false, true);
  channel.sendToQueue(queue, Buffer.from("f3"), { priority: 3 });
  await channel.waitForConfirms();
  const first = await channel.get(queue, { noAck: true });
  assert.ok(first !== false && first.fields.redelivered && first.content.toString() === "e4");
  channel.nack(messages[0]!, false, true);
  assert.deepEqual(await taken(channel, queue), ["c4", "f3", "a2", "b2", "d2"]);
});

test("thousands of messages that are recovered have their places again", async () => {
  const { channel, queue } = await channelAndQueue();
  const count = 2500;
  for (let i = 0; i < count; i++)
    channel.sendToQueue(queue, Buffer.from(String(i)), { priority: i % 6, deliveryMode: 1 });
  await channel.waitForConfirms();
  const consumer = await Gathered.from(channel, queue);
  await consumer.count(count);
  await channel.recover();
  await consumer.count(2 * count);
  const expected = Array.from({ length: count }, (_, i) => i).toSorted((a, b) => (b % 6) - (a % 6) || a - b);
  assert.deepEqual(consumer.bodies.slice(0, count), expected.map(String));
  assert.deepEqual(consumer.bodies.slice(count), expected.map(String));
});

test("a bound drops the head, which is the oldest of the highest priority", async () => {
  const { channel, queue } = await channelAndQueue({ maxLength: 2 });
  for (const priority of [1, 5, 3, 2, 4]) await send(channel, queue, [priority]);
  assert.deepEqual(await taken(channel, queue), ["2", "1"]);
});

test("a queue that refuses beyond its bound refuses whatever the priority", async () => {
  const { channel, queue } = await channelAndQueue({
    maxLength: 2,
    arguments: { "x-overflow": "reject-publish" },
  });
  await send(channel, queue, [1, 2]);
  await assert.rejects(send(channel, queue, [5]));
  assert.deepEqual(await taken(channel, queue), ["2", "1"]);
});

test("an expired message waits behind one of a higher priority that lives, and goes before it can be delivered", async () => {
  const { channel, queue } = await channelAndQueue();
  channel.sendToQueue(queue, Buffer.from("high"), { priority: 4 });
  channel.sendToQueue(queue, Buffer.from("low"), { priority: 1, expiration: "20" });
  await channel.waitForConfirms();
  await settled();
  assert.equal((await channel.checkQueue(queue)).messageCount, 2);
  assert.deepEqual(await taken(channel, queue), ["high"]);
});

test("dead letters keep their priority, and their queue may go by it", async () => {
  const dead = await channelAndQueue();
  const { channel, queue } = await channelAndQueue({
    deadLetterExchange: "",
    deadLetterRoutingKey: dead.queue,
    maxPriority: 3,
  });
  const order = [1, 5, 3, 2];
  await send(channel, queue, order);
  for (let i = 0; i < order.length; i++) {
    const message = await channel.get(queue);
    if (message !== false) channel.nack(message, false, false);
  }
  await until(async () => (await dead.channel.checkQueue(dead.queue)).messageCount === order.length);
  // A message's own priority, which the first queue took for 3.
  assert.deepEqual(await taken(dead.channel, dead.queue), ["5", "3", "2", "1"]);
});

test("a single active consumer gets messages by priority, and so does the one after it", async () => {
  const connection = await target.connect();
  const channel = quiet(await connection.createConfirmChannel());
  const second = quiet(await connection.createChannel());
  const { queue } = await channel.assertQueue("", {
    exclusive: true,
    maxPriority: 5,
    arguments: { "x-single-active-consumer": true },
  });
  await channel.prefetch(1);
  await send(channel, queue, [1, 5, 3, 4]);
  const first = await Gathered.from(channel, queue);
  await second.prefetch(10);
  const next = await Gathered.from(second, queue);
  await first.count(1);
  channel.ack(first.messages[0]!);
  await first.count(2);
  assert.deepEqual(first.bodies, ["5", "4"]);
  assert.equal(next.messages.length, 0);
  await channel.cancel(first.tag);
  channel.nack(first.messages[1]!, false, true);
  await next.count(3);
  assert.deepEqual(next.bodies.toSorted(), ["1", "3", "4"]);
});

test("a purge takes what is ready, of every priority, and what is held stays", async () => {
  const { channel, queue } = await channelAndQueue();
  await send(channel, queue, [1, 5, 3]);
  const held = await channel.get(queue);
  assert.deepEqual(await channel.purgeQueue(queue), { messageCount: 2 });
  await send(channel, queue, [2, 4]);
  if (held !== false) channel.nack(held, false, true);
  assert.deepEqual(await taken(channel, queue), ["5", "4", "2"]);
});

test("wrong values, other queue types and another value for the same queue are refused", async () => {
  const declared = (args: Record<string, unknown>): Promise<string> =>
    closingOf(target, (channel) => channel.assertQueue(name, { durable: true, arguments: args }));
  const name = uniqueName();
  const what = `PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '${name}' in vhost '/'`;
  assert.equal(await declared({ "x-max-priority": -1 }), `channel 406 ${what}: {value_negative,-1}`);
  assert.equal(await declared({ "x-max-priority": 256 }), `channel 406 ${what}: {max_value_exceeded,256}`);
  assert.equal(
    await declared({ "x-max-priority": "5" }),
    `channel 406 ${what}: "expected integer, got longstr"`,
  );
  for (const type of ["quorum", "stream"])
    assert.equal(
      await declared({ "x-max-priority": 5, "x-queue-type": type }),
      `channel 406 ${what} of queue type rabbit_${type}_queue`,
    );
  const channel = await target.channel();
  await channel.assertQueue(name, { durable: true, maxPriority: 5 });
  assert.equal(
    await declared({ "x-max-priority": 6 }),
    `channel 406 PRECONDITION_FAILED - inequivalent arg 'x-max-priority' for queue '${name}' in vhost '/': received '6' but current is '5'`,
  );
  assert.equal(
    await declared({}),
    `channel 406 PRECONDITION_FAILED - inequivalent arg 'x-max-priority' for queue '${name}' in vhost '/': received none but current is the value '5' of type 'byte'`,
  );
  await channel.deleteQueue(name);
});

test("the order survives restarts, kills too, and so does what had been delivered", { skip }, async () => {
  const broker = target.broker!;
  const queue = uniqueName("kept");
  const connect = async (): Promise<ConfirmChannel> =>
    quiet(await (await target.connect()).createConfirmChannel());
  let channel = await connect();
  await channel.assertQueue(queue, { durable: true, maxPriority: 5 });
  const count = 300;
  const bodies = Array.from({ length: count }, (_, i) => `${i % 6}/${i}`);
  for (const body of bodies)
    channel.sendToQueue(queue, Buffer.from(body), { priority: Number(body[0]), persistent: true });
  await channel.waitForConfirms();
  const order = bodies.toSorted((a, b) => Number(b[0]) - Number(a[0]));
  await target.closeConnections();

  await broker.restart();
  channel = await connect();
  await channel.prefetch(70);
  const gathered = await Gathered.from(channel, queue);
  await gathered.count(70);
  assert.deepEqual(gathered.bodies, order.slice(0, 70));
  assert.ok(gathered.messages.every(({ fields }) => !fields.redelivered));
  // The last and a few others are done with; something of the highest priority comes behind all that is held.
  for (const at of [3, 49, 50, 69]) channel.ack(gathered.messages[at]!);
  await gathered.count(74);
  channel.sendToQueue(queue, Buffer.from("5/new"), { priority: 5, persistent: true });
  await channel.waitForConfirms();
  await broker.kill();
  await target.closeConnections();

  await broker.restart();
  channel = await connect();
  const again = await Gathered.from(channel, queue);
  await again.count(count - 3);
  const isDone = new Set([3, 49, 50, 69].map((at) => order[at]));
  const isSeen = new Set(order.slice(0, 74));
  const left = [...order.slice(0, 50), "5/new", ...order.slice(50)].filter((body) => !isDone.has(body));
  assert.deepEqual(again.bodies, left);
  for (const { content, fields } of again.messages) {
    assert.equal(fields.redelivered, isSeen.has(content.toString()), content.toString());
  }
  await channel.deleteQueue(queue);
});
