/** What AMQP clients have of the other two protocols' logs and channels; the whole of it is docs/interop.md's tests. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { AmqpTarget, Gathered, until } from "../../support/amqp.ts";

let target: AmqpTarget;
const isOther = process.env["TROIKAMQ_TEST_AMQP_URL"] !== undefined;
const skip = isOther ? "another server has no neighbours" : false;

before(async () => {
  if (!isOther) target = await AmqpTarget.start();
});

after(() => target?.stop());

test("a topic of several partitions is bound by its name and read by its partitions'", { skip }, async () => {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${target.broker!.ports.kafka}`],
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "orders", numPartitions: 3 }] });
  await admin.disconnect();
  const channel = await (await target.connect()).createConfirmChannel();
  await channel.bindQueue("orders", "amq.topic", "order.#");
  for (let i = 0; i < 30; i++) channel.publish("amq.topic", `order.${i}`, Buffer.from(String(i)));
  await channel.waitForConfirms();
  await channel.prefetch(100);
  const partitions = await Promise.all(
    [0, 1, 2].map((partition) =>
      Gathered.from(channel, `orders-${partition}`, { arguments: { "x-stream-offset": "first" } }),
    ),
  );
  const bodies = (): string[] => partitions.flatMap((partition) => partition.bodies);
  await until(() => bodies().length === 30);
  assert.deepEqual(
    bodies().toSorted((a, b) => Number(a) - Number(b)),
    Array.from({ length: 30 }, (_, i) => String(i)),
  );
  assert.ok(partitions.every((partition) => partition.messages.length > 0));
  await channel.unbindQueue("orders", "amq.topic", "order.#");
});

test(
  "what is published to amq.topic reaches Redis subscribers, and the other way round",
  { skip },
  async () => {
    const redis = new Redis(target.broker!.ports.redis, "127.0.0.1");
    const subscriber = new Redis(target.broker!.ports.redis, "127.0.0.1");
    const channel = await target.channel();
    try {
      const heard: string[] = [];
      subscriber.on("message", (name: string, text: string) => heard.push(`${name} ${text}`));
      await subscriber.subscribe("news.today");
      const { queue } = await channel.assertQueue("", { exclusive: true });
      await channel.bindQueue(queue, "amq.topic", "news.*");
      const gathered = await Gathered.from(channel, queue, { noAck: true });
      channel.publish("amq.topic", "news.today", Buffer.from("from AMQP"));
      await until(() => heard.length === 1);
      await redis.publish("news.today", "from Redis");
      await gathered.count(2);
      assert.deepEqual(heard, ["news.today from AMQP", "news.today from Redis"]);
      assert.deepEqual(gathered.bodies, ["from AMQP", "from Redis"]);
      assert.equal(gathered.messages[1]!.fields.routingKey, "news.today");
    } finally {
      redis.disconnect();
      subscriber.disconnect();
    }
  },
);

test("what XADD writes into a queue is consumed from it", { skip }, async () => {
  const redis = new Redis(target.broker!.ports.redis, "127.0.0.1");
  const channel = await target.channel();
  try {
    await channel.assertQueue("shared", { durable: true });
    await redis.xadd("shared", "*", "body", "hello", "key", "k", "more", "1");
    const gathered = await Gathered.from(channel, "shared");
    const [message] = await gathered.count(1);
    assert.equal(message!.content.toString(), "hello");
    assert.equal(message!.properties.headers!["more"], "1");
    channel.ackAll();
    await until(async () => (await redis.xlen("shared")) === 0);
  } finally {
    redis.disconnect();
  }
});
