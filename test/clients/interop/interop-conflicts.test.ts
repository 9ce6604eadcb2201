/** Names that are taken: each protocol's own error, and nothing changed. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Interop } from "../../support/interop.ts";

let all: Interop;
before(async () => {
  all = await Interop.start();
  await all.channel.assertQueue("a-queue", { durable: true });
  await all.channel.assertQueue("a-stream-queue", {
    durable: true,
    arguments: { "x-queue-type": "stream" },
  });
  await all.channel.assertExchange("an-exchange", "topic", { durable: true });
  await all.xadd("a-redis-stream", { body: "v" });
  await all.redis.set("a-string", "v");
  await all.createTopic("a-topic");
  await all.createTopic("a-wide-topic", 2);
});
after(() => all.close());

describe("AMQP answers 406 PRECONDITION_FAILED", () => {
  for (const name of ["a-redis-stream", "a-topic", "a-wide-topic-1"]) {
    it(`to a declaration of ${name} as a classic queue`, async () => {
      const channel = await all.newChannel();
      await assert.rejects(
        channel.assertQueue(name, { durable: true }),
        /406.*PRECONDITION[_-]FAILED.*x-queue-type/s,
      );
    });
  }

  it("to a declaration of a topic's exchange with another type", async () => {
    const channel = await all.newChannel();
    await assert.rejects(
      channel.assertExchange("a-wide-topic", "direct", { durable: true }),
      /406.*PRECONDITION[_-]FAILED/s,
    );
  });
});

describe("Kafka answers TOPIC_ALREADY_EXISTS", () => {
  for (const topic of [
    "a-queue",
    "a-stream-queue",
    "an-exchange",
    "a-redis-stream",
    "a-topic",
    "a-wide-topic",
  ]) {
    it(`to the creation of ${topic}`, async () => {
      // kafkajs turns this error into false, and throws any other.
      assert.equal(await all.admin.createTopics({ topics: [{ topic }] }), false);
    });
  }
});

describe("Redis answers WRONGTYPE", () => {
  for (const name of ["a-queue", "a-stream-queue", "a-redis-stream", "a-topic", "a-wide-topic-0"]) {
    it(`to GET and INCR of ${name}`, async () => {
      await assert.rejects(all.redis.get(name), /^ReplyError: WRONGTYPE/);
      await assert.rejects(all.redis.incr(name), /^ReplyError: WRONGTYPE/);
    });
  }

  it("to XADD on a string", async () => {
    await assert.rejects(all.xadd("a-string", { body: "v" }), /^ReplyError: WRONGTYPE/);
  });
});

describe("what is deleted by one is gone for all", () => {
  it("DEL of a topic", async () => {
    await all.createTopic("gone-1");
    assert.equal(await all.redis.del("gone-1"), 1);
    const channel = await all.newChannel();
    await assert.rejects(channel.checkQueue("gone-1"), /404/);
    assert.ok(!(await all.admin.listTopics()).includes("gone-1"));
  });

  it("queue.delete of a Redis stream", async () => {
    await all.xadd("gone-2", { body: "v" });
    await all.channel.deleteQueue("gone-2");
    assert.equal(await all.redis.exists("gone-2"), 0);
  });

  it("DeleteTopics of an AMQP queue", async () => {
    await all.channel.assertQueue("gone-3", { durable: true });
    await all.admin.deleteTopics({ topics: ["gone-3"] });
    assert.equal(await all.redis.exists("gone-3"), 0);
    const channel = await all.newChannel();
    await assert.rejects(channel.checkQueue("gone-3"), /404/);
  });
});
