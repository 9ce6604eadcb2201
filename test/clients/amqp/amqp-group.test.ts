/** AMQP consumers in the group of a stream (`x-group`), beside those of Redis. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import type { Channel, ConsumeMessage } from "amqplib";
import type { Redis } from "ioredis";
import { AmqpTarget, closingOf, Gathered, uniqueName } from "../../support/amqp.ts";
import { startTestBroker } from "../../support/broker.ts";
import { openIoredis, until } from "../../support/redis-clients.ts";

let target: AmqpTarget;
let redis: Redis;

before(async () => {
  const broker = await startTestBroker();
  target = new AmqpTarget(broker.amqpUrl, broker);
  redis = openIoredis(broker.ports.redis, { maxRetriesPerRequest: null });
  redis.on("error", () => {});
});
afterEach(() => target.closeConnections());
after(async () => {
  redis.disconnect();
  await target.stop();
});

async function streamOf(count: number, args: object = {}): Promise<string> {
  const stream = uniqueName("log");
  const channel = await target.channel();
  await channel.assertQueue(stream, { durable: true, arguments: { "x-queue-type": "stream", ...args } });
  for (let i = 0; i < count; i++) await redis.xadd(stream, "*", "n", String(i));
  return stream;
}

interface Wish {
  readonly tag: string;
  readonly prefetch?: number;
  readonly channel?: Channel;
}

async function member(stream: string, { tag, prefetch = 10, channel }: Wish): Promise<[Channel, Gathered]> {
  const on = channel ?? (await target.channel());
  await on.prefetch(prefetch);
  const args = { "x-group": "g", "x-stream-offset": "first" };
  return [on, await Gathered.from(on, stream, { consumerTag: tag, arguments: args })];
}

interface Pending {
  readonly [id: string]: { readonly consumer: string; readonly deliveries: number };
}

async function pendingOf(stream: string): Promise<Pending> {
  const rows = (await redis.xpending(stream, "g", "-", "+", 1000)) as [string, string, number, number][];
  return Object.fromEntries(rows.map(([id, consumer, , deliveries]) => [id, { consumer, deliveries }]));
}

async function consumersOf(stream: string): Promise<string[]> {
  const rows = (await redis.xinfo("CONSUMERS", stream, "g")) as unknown[][];
  return rows.map((row) => row[1] as string).toSorted();
}

function offsetOf({ properties }: ConsumeMessage): number {
  return properties.headers!["x-stream-offset"] as number;
}

function deliveriesBefore({ properties }: ConsumeMessage): unknown {
  return properties.headers!["x-delivery-count"];
}

test("consumers of AMQP and of Redis share the entries of one group", async () => {
  const stream = await streamOf(0);
  const [one, ofOne] = await member(stream, { tag: "one", prefetch: 2 });
  const [two, ofTwo] = await member(stream, { tag: "two", prefetch: 2 });
  for (let i = 0; i < 6; i++) await redis.xadd(stream, "*", "n", String(i));
  await ofOne.count(2);
  await ofTwo.count(2);
  assert.deepEqual(await consumersOf(stream), ["troika.amqp:one", "troika.amqp:two"]);
  // No Redis client is taken for one of AMQP's, or settles what one holds.
  for (const command of [
    ["XREADGROUP", "GROUP", "g", "troika.amqp:x", "STREAMS", stream, ">"],
    ["XGROUP", "CREATECONSUMER", stream, "g", "troika.amqp:x"],
    ["XGROUP", "DELCONSUMER", stream, "g", "troika.amqp:one"],
  ])
    await assert.rejects(redis.call(command[0]!, ...command.slice(1)), /consumers of AMQP/);
  const read = (await redis.xreadgroup("GROUP", "g", "r", "STREAMS", stream, ">")) as [
    string,
    [string, string[]][],
  ][];
  const ids = read[0]![1].map(([id]) => id);
  assert.equal(ids.length, 2);
  const all = [...ofOne.messages, ...ofTwo.messages].map(offsetOf);
  assert.deepEqual(
    all.toSorted((a, b) => a - b),
    [0, 1, 2, 3],
  );
  assert.equal(Object.keys(await pendingOf(stream)).length, 6);
  one.ack(ofOne.messages[1]!, true);
  two.ackAll();
  await redis.xack(stream, "g", ...ids);
  await until(async () => Object.keys(await pendingOf(stream)).length === 0, "all acknowledged");
  await redis.xadd(stream, "*", "n", "6");
  await until(() => ofOne.messages.length + ofTwo.messages.length === 5, "the next entry");
  // Not in the group, all are there.
  await one.prefetch(100);
  await (await Gathered.from(one, stream, { arguments: { "x-stream-offset": "first" } })).count(7);
});

test("what is requeued comes again at once, with its count; acknowledged late by Redis it is gone", async () => {
  const stream = await streamOf(1);
  const [channel, got] = await member(stream, { tag: "c" });
  const [first] = await got.count(1);
  assert.deepEqual([first!.fields.redelivered, deliveriesBefore(first!)], [false, undefined]);
  channel.nack(first!, false, true);
  const [, second] = await got.count(2);
  assert.deepEqual([second!.fields.redelivered, deliveriesBefore(second!), offsetOf(second!)], [true, 1, 0]);
  await channel.recover();
  const [, , third] = await got.count(3);
  assert.equal(deliveriesBefore(third!), 2);
  const [[id, { consumer, deliveries }]] = Object.entries(await pendingOf(stream)) as [
    [string, Pending[string]],
  ];
  assert.deepEqual([consumer, deliveries], ["troika.amqp:c", 3]);
  // Claimed by another consumer it is not this one's any more to give back.
  await redis.xclaim(stream, "g", "r", 0, id);
  channel.nack(third!, false, true);
  await channel.checkQueue(stream);
  assert.equal((await pendingOf(stream))[id]!.consumer, "r");
  assert.equal(await redis.xack(stream, "g", id), 1);
});

test("what is rejected waits as the policy says, and ends in <stream>.dead", async () => {
  const stream = await streamOf(1, { "x-retry-limit": 2, "x-retry-backoff-ms": 40 });
  const [channel, got] = await member(stream, { tag: "c" });
  const [first] = await got.count(1);
  const rejectedAt = Date.now();
  channel.reject(first!, false);
  await until(async () => Object.values(await pendingOf(stream))[0]?.consumer === "troika.retry", "it waits");
  const [, second] = await got.count(2);
  assert.ok(Date.now() - rejectedAt >= 39, "not early");
  assert.equal(deliveriesBefore(second!), 1);
  channel.nack(second!, false, false);
  const dead = await until(
    async () => (await redis.xrange(`${stream}.dead`, "-", "+"))[0],
    "the dead letter",
  );
  const fields = Object.fromEntries(
    Array.from({ length: dead[1].length / 2 }, (_, i) => [dead[1][2 * i], dead[1][2 * i + 1]]),
  );
  assert.equal(fields["n"], "0");
  assert.equal(fields["troika.reason"], "rejected");
  assert.equal(fields["troika.deliveries"], "2");
  assert.equal(fields["troika.consumer"], "troika.amqp:c");
  assert.deepEqual(await pendingOf(stream), {});
});

test("a consumer that goes gives back what it holds, and is no member any more", async () => {
  const stream = await streamOf(300);
  const connection = await target.connect();
  const [, ofHolder] = await member(stream, {
    tag: "holder",
    prefetch: 300,
    channel: await connection.createChannel(),
  });
  await ofHolder.count(300);
  const [channel, got] = await member(stream, { tag: "heir", prefetch: 1000 });
  const [passing] = await member(stream, { tag: "passing", prefetch: 1 });
  await passing.cancel("passing");
  assert.deepEqual(await consumersOf(stream), ["troika.amqp:heir", "troika.amqp:holder"]);
  await connection.close();
  await got.count(300);
  assert.ok(got.messages.every((message) => deliveriesBefore(message) === 1));
  assert.equal(new Set(got.messages.map(offsetOf)).size, 300);
  assert.deepEqual(await consumersOf(stream), ["troika.amqp:heir", "troika.retry"]);
  channel.ackAll();
  await until(async () => Object.keys(await pendingOf(stream)).length === 0, "all acknowledged");
});

test("over a kill the group and what it had pending are kept; what AMQP consumers held comes again", async () => {
  const stream = await streamOf(4);
  const [channel, got] = await member(stream, { tag: "c", prefetch: 3 });
  await got.count(3);
  channel.ack(got.messages[0]!);
  await got.count(4);
  await until(async () => Object.keys(await pendingOf(stream)).length === 3, "one is acknowledged");
  const broker = target.broker!;
  await broker.kill();
  await broker.restart();
  await until(async () => (await redis.ping()) === "PONG", "Redis is there again");
  const [, again] = await member(stream, { tag: "c", prefetch: 10 });
  await again.count(3);
  assert.deepEqual(
    again.messages.map(offsetOf).toSorted((a, b) => a - b),
    [1, 2, 3],
  );
  assert.deepEqual(again.messages.map(deliveriesBefore), [1, 1, 1]);
});

test("what cannot be is refused, and a stream without a group is RabbitMQ's", async () => {
  const stream = await streamOf(1);
  const consume = (options: object, prefetch = 1) =>
    closingOf(target, async (channel) => {
      if (prefetch > 0) await channel.prefetch(prefetch);
      await channel.consume(stream, () => {}, options);
    });
  const group = { "x-group": "g" };
  assert.match(await consume({ arguments: group }, 0), /^channel 406 .*prefetch count is not set/);
  assert.match(await consume({ arguments: group, noAck: true }), /^connection 540 /);
  assert.match(await consume({ arguments: { "x-group": 7 } }), /^channel 406 .*invalid arg 'x-group'/);
  assert.match(
    await consume({ arguments: { ...group, "x-stream-filter": "a" } }),
    /^channel 406 .*'x-stream-filter'.*filter without 'x-group'/,
  );
  const refusal = await closingOf(target, async (channel) => {
    await channel.prefetch(1);
    const args = { "x-stream-offset": "first" };
    await channel.consume(stream, (message) => channel.nack(message!, false, false), { arguments: args });
  });
  assert.match(refusal, /^connection 540 .*not supported by stream queues/);
});

test("a group that is destroyed cancels its consumers", async () => {
  const stream = await streamOf(1);
  const [, got] = await member(stream, { tag: "c" });
  await got.count(1);
  await redis.xgroup("DESTROY", stream, "g");
  await until(() => got.isCancelled, "the cancellation");
});
