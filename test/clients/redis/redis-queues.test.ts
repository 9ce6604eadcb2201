/** Redis commands on what AMQP made, and Pub/Sub across the exchange amq.topic: ioredis and amqplib. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Channel, type ChannelModel, connect, type GetMessage } from "amqplib";
import type { Redis } from "ioredis";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { openIoredis, until } from "../../support/redis-clients.ts";

let broker: TestBroker;
let redis: Redis;
let amqp: ChannelModel;
let channel: Channel;

before(async () => {
  broker = await startTestBroker();
  redis = openIoredis(broker.ports.redis);
  amqp = await connect(broker.amqpUrl);
  channel = await amqp.createChannel();
});

after(async () => {
  redis.disconnect();
  await amqp.close();
  await broker.stop();
});

async function got(queue: string): Promise<GetMessage> {
  let message: GetMessage | false = false;
  await until(
    async () => (message = await channel.get(queue, { noAck: true })) !== false,
    `message in ${queue}`,
  );
  return message as unknown as GetMessage;
}

test("XADD onto a queue publishes into it; XRANGE and XREAD look without consuming", async () => {
  await channel.assertQueue("work");
  assert.equal(await redis.type("work"), "stream");
  const id = (await redis.xadd("work", "*", "body", "from redis", "colour", "red"))!;
  channel.sendToQueue("work", Buffer.from("from amqp"), { headers: { colour: "blue" } });
  await until(async () => (await redis.xlen("work")) === 2, "both messages");
  const [first, second] = await redis.xrange("work", "-", "+");
  assert.deepEqual(first, [id, ["body", "from redis", "colour", "red"]]);
  assert.equal(second![1][second![1].indexOf("body") + 1], "from amqp");
  assert.equal(second![1][second![1].indexOf("colour") + 1], "blue");
  assert.equal(await redis.xlen("work"), 2);
  const message = await got("work");
  assert.equal(message.content.toString(), "from redis");
  assert.equal(message.properties.headers!["colour"], "red");
  assert.equal(await redis.xlen("work"), 1);
  assert.equal(await redis.xdel("work", second![0]), 1);
  assert.equal(await channel.get("work"), false);
});

test("XADD onto an exchange publishes through it", async () => {
  await channel.assertExchange("events", "topic");
  await channel.assertQueue("all-events");
  await channel.bindQueue("all-events", "events", "order.*");
  const id = (await redis.xadd("events", "*", "routing_key", "order.made", "body", "1"))!;
  assert.match(id, /^\d{13}-\d+$/);
  await redis.xadd("events", "*", "routing_key", "nobody.listens", "body", "2");
  const message = await got("all-events");
  assert.equal(message.content.toString(), "1");
  assert.equal(await channel.get("all-events"), false);
  assert.equal(await redis.exists("events"), 0);
});

test("a stream can be bound to an exchange, and is an AMQP stream queue", async () => {
  await redis.xadd("log", "*", "body", "zero");
  await channel.bindQueue("log", "amq.fanout", "");
  channel.publish("amq.fanout", "", Buffer.from("one"));
  await until(async () => (await redis.xlen("log")) === 2, "the message");
  const [, entry] = await redis.xrange("log", "-", "+");
  assert.equal(entry![1][entry![1].indexOf("body") + 1], "one");
});

test("PUBLISH reaches queues bound to amq.topic, and AMQP reaches subscribers", async () => {
  await channel.assertQueue("watch");
  await channel.bindQueue("watch", "amq.topic", "weather.#");
  assert.equal(await redis.publish("weather.berlin", "rain"), 0);
  const message = await got("watch");
  assert.deepEqual([message.content.toString(), message.fields.routingKey], ["rain", "weather.berlin"]);
  const subscriber = openIoredis(broker.ports.redis);
  const heard: string[] = [];
  subscriber.on("message", (from, text) => heard.push(`${from} ${text}`));
  subscriber.on("pmessage", (pattern, from, text) => heard.push(`${pattern} ${from} ${text}`));
  await subscriber.subscribe("weather.oslo");
  await subscriber.psubscribe("weather.*");
  channel.publish("amq.topic", "weather.oslo", Buffer.from("snow"));
  await until(() => heard.length === 2, "both messages");
  assert.deepEqual(heard, ["weather.oslo snow", "weather.* weather.oslo snow"]);
  await redis.xadd("amq.topic", "*", "routing_key", "weather.rome", "body", "sun");
  await until(() => heard.length === 3, "the third message");
  assert.equal(heard[2], "weather.* weather.rome sun");
  subscriber.disconnect();
});

test("a blocked XREAD sees what AMQP and a new stream bring", async () => {
  const reader = openIoredis(broker.ports.redis);
  const waiting = reader.xread("BLOCK", 5000, "STREAMS", "not-there-yet", "$");
  await until(async () => (await redis.info("clients")).includes("blocked_clients:1"), "reader blocked");
  await channel.assertQueue("not-there-yet");
  channel.sendToQueue("not-there-yet", Buffer.from("hello"));
  const read = (await waiting) as [string, [string, string[]][]][];
  assert.ok(read[0]![1][0]![1].includes("hello"));
  reader.disconnect();
});

test("a queue that rejects publishes when it is full rejects XADD too", async () => {
  await channel.assertQueue("narrow", { arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } });
  await redis.xadd("narrow", "*", "body", "1");
  await assert.rejects(redis.xadd("narrow", "*", "body", "2"), /queue 'narrow' is full/);
  assert.equal(await redis.xlen("narrow"), 1);
});

test("an exclusive queue is nobody else's", async () => {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await assert.rejects(redis.xadd(queue, "*", "a", "1"), /exclusive/);
  assert.ok(!(await redis.keys("*")).includes(queue));
});
