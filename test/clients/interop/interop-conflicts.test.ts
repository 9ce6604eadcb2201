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

describe("what other protocols know by its name keeps it in Redis", () => {
  for (const name of ["a-queue", "a-stream-queue", "a-topic", "a-wide-topic-0"]) {
    it(`${name} is neither renamed nor moved, but copied`, async () => {
      for (const [command, to] of [
        ["RENAME", "elsewhere"],
        ["RENAMENX", "elsewhere"],
        ["MOVE", 1],
      ] as const)
        await assert.rejects(all.redis.call(command, name, to), /ERR AMQP or Kafka clients know this stream/);
      await all.redis.xadd(name, "*", "body", "v", "key", "k");
      const wanted = await all.redis.xrange(name, "-", "+");
      assert.ok(wanted.length > 0);
      assert.equal(await all.redis.copy(name, `copy-of-${name}`), 1);
      assert.deepEqual(await all.redis.xrange(`copy-of-${name}`, "-", "+"), wanted);
      // The copy is Redis's alone.
      assert.equal(await all.redis.rename(`copy-of-${name}`, `new-${name}`), "OK");
      assert.deepEqual(await all.redis.xrange(`new-${name}`, "-", "+"), wanted);
    });
  }

  it("a copy of what all three have written shows what was there, in each protocol", async () => {
    const channel = await all.newChannel();
    await channel.assertQueue("written", { durable: true, arguments: { "x-queue-type": "stream" } });
    channel.sendToQueue("written", Buffer.from("amqp"), { headers: { h: "x" }, messageId: "m" });
    await all.xadd("written", { body: "redis", key: "k" });
    await all.producer.send({
      topic: "written",
      messages: [
        { key: "k1", value: "kafka 1", headers: { h: "y" } },
        { key: "k2", value: null },
      ],
    });
    while ((await all.redis.xlen("written")) < 4);
    assert.equal(await all.redis.copy("written", "written-copy"), 1);
    assert.deepEqual(
      await all.redis.xrange("written-copy", "-", "+"),
      await all.redis.xrange("written", "-", "+"),
    );
  });

  it("nothing is renamed to, copied to or moved to their names", async () => {
    await all.xadd("movable", { body: "v" });
    for (const name of [
      "a-queue",
      "a-stream-queue",
      "a-topic",
      "a-wide-topic-0",
      "an-exchange",
      "a-wide-topic",
    ]) {
      await assert.rejects(all.redis.rename("movable", name), /^ReplyError: WRONGTYPE/);
      await assert.rejects(all.redis.call("COPY", "movable", name, "REPLACE"), /^ReplyError: WRONGTYPE/);
    }
    assert.equal(await all.redis.xlen("movable"), 1);
    await assert.rejects(all.redis.rename("movable", "x".repeat(256)), /256 bytes; the most is 255/);
    await assert.rejects(all.redis.call("COPY", "movable", "x".repeat(256)), /256 bytes; the most is 255/);
    assert.equal(await all.redis.xlen("movable"), 1);
    // A stream that takes a string's name: the string goes, as in Redis.
    await all.redis.set("was-a-string", "v");
    assert.equal(await all.redis.rename("movable", "was-a-string"), "OK");
    assert.equal(await all.redis.xlen("was-a-string"), 1);
    const channel = await all.newChannel();
    assert.equal((await channel.checkQueue("was-a-string")).messageCount, 1);
    await assert.rejects((await all.newChannel()).checkQueue("movable"), /404/);
  });
});

describe("what is deleted by one is gone for all", () => {
  it("EXPIRE of a topic and of a queue", async () => {
    await all.createTopic("gone-4");
    await all.channel.assertQueue("gone-5", { durable: true });
    for (const name of ["gone-4", "gone-5"]) {
      assert.equal(await all.redis.pexpire(name, 1), 1);
      while ((await all.redis.exists(name)) === 1);
      await assert.rejects((await all.newChannel()).checkQueue(name), /404/);
    }
    assert.ok(!(await all.admin.listTopics()).includes("gone-4"));
  });

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
