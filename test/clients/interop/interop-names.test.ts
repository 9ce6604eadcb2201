/**
 * What is made in one protocol, seen from the others: the first table of docs/interop.md, each row with the client
 * libraries of all protocols that it concerns.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import amqplib, { type Channel, type GetMessage } from "amqplib";
import { headerText, Interop, until } from "../../support/interop.ts";

let all: Interop;
before(async () => {
  all = await Interop.start();
});
after(() => all.close());

async function partitionsOf(topic: string): Promise<number[]> {
  const { topics } = await all.admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]!.partitions.map(({ partitionId }) => partitionId).toSorted((a, b) => a - b);
}

const streamArguments = { durable: true, arguments: { "x-queue-type": "stream" } };

/** One log of that name: everyone writes one message into it, and everyone reads all three in the same order. */
async function everyoneWritesAndReads(name: string): Promise<void> {
  await all.xadd(name, { body: "from redis" });
  await all.publish("", name, "from amqp");
  await all.produce(name, { value: "from kafka" });
  const expected = ["from redis", "from amqp", "from kafka"];
  assert.deepEqual(
    (await all.entries(name)).map(({ text }) => text["body"]),
    expected,
  );
  assert.deepEqual(
    (await all.consume(name, 3, "first")).map(({ content }) => content.toString()),
    expected,
  );
  assert.deepEqual(
    (await all.fetch(name, 3)).map(({ value }) => value!.toString()),
    expected,
  );
}

describe("a Redis stream", () => {
  it("is a stream queue in AMQP and a topic of one partition in Kafka", async () => {
    await all.xadd("made-by-redis", { body: "first" });
    const { messageCount } = await all.channel.checkQueue("made-by-redis");
    assert.equal(messageCount, 1);
    await all.channel.assertQueue("made-by-redis", streamArguments);
    assert.deepEqual(await partitionsOf("made-by-redis"), [0]);
    assert.ok((await all.admin.listTopics()).includes("made-by-redis"));
  });

  it("of another database than 0 is not seen", async () => {
    const other = all.newRedis();
    await other.select(1);
    await other.xadd("apart", "*", "body", "v");
    assert.equal(await all.redis.exists("apart"), 0);
    assert.ok(!(await all.admin.listTopics()).includes("apart"));
    const channel = await all.newChannel();
    await assert.rejects(channel.checkQueue("apart"), /404/);
  });

  it("wakes a Kafka consumer and an AMQP consumer that wait", async () => {
    await all.createTopic("waited");
    const records = all.fetch("waited", 1);
    const messages = all.consume("waited", 1, "first");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await all.xadd("waited", { body: "now" });
    assert.equal((await records)[0]!.value!.toString(), "now");
    assert.equal((await messages)[0]!.content.toString(), "now");
  });

  it("is written and read by all", async () => {
    await all.redis.xgroup("CREATE", "redis-log", "group", "$", "MKSTREAM");
    await everyoneWritesAndReads("redis-log");
  });
});

describe("a Kafka topic of one partition", () => {
  it("is a stream in Redis and a stream queue in AMQP", async () => {
    await all.createTopic("made-by-kafka");
    assert.equal(await all.redis.type("made-by-kafka"), "stream");
    assert.equal(await all.redis.xlen("made-by-kafka"), 0);
    await all.channel.assertQueue("made-by-kafka", streamArguments);
  });

  it("is written and read by all", async () => {
    await all.createTopic("kafka-log");
    await everyoneWritesAndReads("kafka-log");
  });

  it("made by producing is the same", async () => {
    await all.produce("auto-created", { value: "v" });
    const entries = await all.entries("auto-created");
    assert.equal(entries[0]!.text["body"], "v");
  });
});

describe("a Kafka topic of several partitions", () => {
  it("is a stream and a stream queue for each partition", async () => {
    await all.createTopic("parted", 3);
    for (const partition of [0, 1, 2]) {
      const { records } = await producedTo("parted", partition);
      const name = `parted-${partition}`;
      assert.deepEqual(
        (await all.entries(name)).map(({ text }) => text["body"]),
        records,
      );
      const seen = await all.consume(name, records.length, "first");
      assert.deepEqual(
        seen.map(({ content }) => content.toString()),
        records,
      );
    }
  });

  async function producedTo(topic: string, partition: number): Promise<{ records: string[] }> {
    const records = [`${partition} a`, `${partition} b`];
    await all.producer.send({ topic, messages: records.map((value) => ({ value, partition })) });
    return { records };
  }

  it("tells who reads it as a stream to use its partitions, not to delete it", async () => {
    await all.createTopic("pieces", 2);
    await assert.rejects(
      all.redis.xgroup("CREATE", "pieces", "g", "0", "MKSTREAM"),
      /WRONGTYPE .*use 'pieces-0' and the others$/,
    );
    assert.deepEqual(await all.entries("pieces"), []);
  });

  it("takes what Redis and AMQP write to a partition's stream", async () => {
    await all.createTopic("parts", 2);
    await all.xadd("parts-1", { body: "from redis" });
    await all.publish("", "parts-0", "from amqp");
    const seen = await all.fetch("parts", 2);
    assert.deepEqual(
      seen.map(({ partition, value }) => [partition, value!.toString()]),
      [
        [0, "from amqp"],
        [1, "from redis"],
      ],
    );
  });

  it("is an exchange that spreads by key as Kafka's producers do (super stream)", async () => {
    await all.createTopic("super", 3);
    await all.channel.checkExchange("super");
    const keys = Array.from({ length: 12 }, (_, index) => `key ${index}`);
    for (const key of keys) {
      await all.produce("super", { key, value: "from kafka" });
      await all.publish("super", key, "from amqp");
      await all.xadd("super", { body: "from redis", key });
    }
    const seen = await all.fetch("super", 3 * keys.length);
    const partitions = new Set<number>();
    const writers = new Set(["from kafka", "from amqp", "from redis"]);
    for (const key of keys) {
      const ofKey = seen.filter((message) => message.key!.toString() === key);
      assert.deepEqual(new Set(ofKey.map(({ value }) => value!.toString())), writers);
      assert.equal(ofKey.length, writers.size);
      const own = new Set(ofKey.map(({ partition }) => partition));
      assert.equal(own.size, 1, key);
      partitions.add(ofKey[0]!.partition);
    }
    assert.equal(partitions.size, 3);
  });
});

describe("an AMQP queue", () => {
  it("takes what Redis adds and Kafka produces, and gives it to its consumers once", async () => {
    await all.channel.assertQueue("jobs", { durable: true });
    await all.xadd("jobs", { body: "from redis", colour: "red" });
    await all.produce("jobs", { key: "k", value: "from kafka", headers: { colour: "blue" } });
    await all.publish("", "jobs", "from amqp");
    const seen = await all.consume("jobs", 3);
    assert.deepEqual(
      seen.map(({ content, properties }) => [content.toString(), properties.headers?.["colour"]]),
      [
        ["from redis", "red"],
        ["from kafka", "blue"],
        ["from amqp", undefined],
      ],
    );
    await until(async () => (await all.channel.checkQueue("jobs")).messageCount === 0, "empty");
    assert.equal(await all.redis.xlen("jobs"), 0);
  });

  it("is looked into by XRANGE, XREAD and a Kafka fetch without consuming", async () => {
    await all.channel.assertQueue("looked", { durable: true });
    for (const body of ["a", "b", "c"]) await all.publish("", "looked", body);
    assert.deepEqual(await partitionsOf("looked"), [0]);
    assert.equal(await all.redis.xlen("looked"), 3);
    assert.deepEqual(
      (await all.entries("looked")).map(({ text }) => text["body"]),
      ["a", "b", "c"],
    );
    const read = (await all.redis.xread("STREAMS", "looked", "0"))!;
    assert.equal(read[0]![1].length, 3);
    assert.deepEqual(
      (await all.fetch("looked", 3)).map(({ value }) => value!.toString()),
      ["a", "b", "c"],
    );
    assert.equal((await all.channel.checkQueue("looked")).messageCount, 3);
    await all.consume("looked", 1);
    await until(async () => (await all.redis.xlen("looked")) === 2, "one is gone");
    assert.deepEqual(
      (await all.entries("looked")).map(({ text }) => text["body"]),
      ["b", "c"],
    );
    assert.deepEqual(
      (await all.fetch("looked", 2)).map(({ value }) => value!.toString()),
      ["b", "c"],
    );
  });

  it("lets its consumers give back and reject what Kafka and Redis wrote; dead letters go to any log", async () => {
    await all.createTopic("dead");
    await all.channel.assertExchange("dead-letters", "fanout", { durable: true });
    await all.channel.bindQueue("dead", "dead-letters", "");
    await all.channel.assertQueue("tried", { durable: true, deadLetterExchange: "dead-letters" });
    await all.producer.send({ topic: "tried", messages: [{ value: "a" }, { key: "k", value: "b" }] });
    await all.xadd("tried", { body: "c", h: "v" });
    const take = async (): Promise<GetMessage> => (await all.channel.get("tried")) as GetMessage;
    const first = await take();
    all.channel.nack(first, false, true);
    const again = await take();
    assert.deepEqual([again.content.toString(), again.fields.redelivered], ["a", true]);
    all.channel.ack(again);
    for (const body of ["b", "c"]) {
      const message = await take();
      assert.equal(message.content.toString(), body);
      all.channel.reject(message, false);
    }
    const [b, c] = await all.fetch("dead", 2);
    assert.deepEqual([b!.key!.toString(), b!.value!.toString()], ["k", "b"]);
    assert.deepEqual([c!.value!.toString(), headerText(c!, "h")], ["c", "v"]);
    const deaths = JSON.parse((await all.entries("dead"))[1]!.text["x-death"]!) as Record<string, unknown>[];
    assert.deepEqual([deaths[0]!["queue"], deaths[0]!["reason"]], ["tried", "rejected"]);
  });

  it("that is exclusive is nobody else's", async () => {
    const { queue } = await all.channel.assertQueue("", { exclusive: true });
    await assert.rejects(all.redis.xlen(queue), /is exclusive to an AMQP connection/);
    assert.ok(!(await all.redis.keys("*")).includes(queue));
    assert.ok(!(await all.admin.listTopics()).includes(queue));
  });

  it("wakes those who wait for it in other protocols", async () => {
    await all.channel.assertQueue("awaited", { durable: true });
    const reading = all.newRedis().xread("BLOCK", 10_000, "STREAMS", "awaited", "$");
    await until(async () => (await all.redis.info("clients")).includes("blocked_clients:1"), "a reader");
    await all.publish("", "awaited", "now");
    const reply = (await reading)!;
    assert.deepEqual(reply[0]![1][0]![1].slice(0, 2), ["body", "now"]);
  });
});

describe("an AMQP stream queue", () => {
  it("is a stream in Redis and a topic of one partition in Kafka", async () => {
    await all.channel.assertQueue("made-by-amqp", streamArguments);
    assert.equal(await all.redis.type("made-by-amqp"), "stream");
    assert.deepEqual(await partitionsOf("made-by-amqp"), [0]);
  });

  it("is written and read by all", async () => {
    await all.channel.assertQueue("amqp-log", streamArguments);
    await everyoneWritesAndReads("amqp-log");
  });
});

describe("an AMQP exchange", () => {
  before(async () => {
    await all.channel.assertExchange("events", "topic", { durable: true });
    await all.channel.assertQueue("eu", { durable: true });
    await all.channel.bindQueue("eu", "events", "eu.#");
  });

  it("is published through by XADD, with field routing_key", async () => {
    const id = await all.xadd("events", { body: "from redis", routing_key: "eu.de" });
    assert.match(id!, /^\d+-\d+$/);
    await all.xadd("events", { body: "elsewhere", routing_key: "us.ny" });
    const [message] = await all.consume("eu", 1);
    assert.equal(message!.content.toString(), "from redis");
    assert.equal(message!.fields.routingKey, "eu.de");
    assert.equal((await all.channel.checkQueue("eu")).messageCount, 0);
  });

  it("is published through by producing, with the record's key as routing key", async () => {
    await all.producer.send({
      topic: "events",
      messages: [
        { key: "us.ny", value: "elsewhere" },
        { key: "eu.fr", value: "from kafka", headers: { h: "v" } },
        { key: "eu.it", value: "also" },
      ],
    });
    const seen = await all.consume("eu", 2);
    assert.deepEqual(
      seen.map(({ content, fields }) => [content.toString(), fields.routingKey]),
      [
        ["from kafka", "eu.fr"],
        ["also", "eu.it"],
      ],
    );
    assert.equal(seen[0]!.properties.headers!["h"], "v");
    assert.equal((await all.channel.checkQueue("eu")).messageCount, 0);
  });

  it("that routes by headers sees Redis' fields and Kafka's headers", async () => {
    await all.channel.assertExchange("by-header", "headers", { durable: true });
    await all.channel.assertQueue("red", { durable: true });
    await all.channel.bindQueue("red", "by-header", "", { "x-match": "all", colour: "red" });
    await all.xadd("by-header", { body: "from redis", colour: "red" });
    await all.xadd("by-header", { body: "no", colour: "blue" });
    await all.produce("by-header", { value: "from kafka", headers: { colour: "red" } });
    await all.produce("by-header", { value: "no", headers: { colour: "blue" } });
    const seen = await all.consume("red", 2);
    assert.deepEqual(
      seen.map(({ content }) => content.toString()),
      ["from redis", "from kafka"],
    );
    assert.equal((await all.channel.checkQueue("red")).messageCount, 0);
  });
});

describe("a Redis channel", () => {
  it("is a routing key of amq.topic: PUBLISH reaches bound queues", async () => {
    await all.channel.assertQueue("weather", { durable: true });
    await all.channel.bindQueue("weather", "amq.topic", "weather.#");
    await all.redis.publish("weather.berlin", "rain");
    const [message] = await all.consume("weather", 1);
    assert.equal(message!.content.toString(), "rain");
    assert.equal(message!.fields.routingKey, "weather.berlin");
  });

  it("gets what AMQP publishes to amq.topic, by name and by pattern", async () => {
    const subscriber = all.newRedis();
    const seen: string[] = [];
    subscriber.on("message", (channel, text) => seen.push(`${channel}: ${text}`));
    subscriber.on("pmessage", (pattern, channel, text) => seen.push(`${pattern} ${channel}: ${text}`));
    await subscriber.subscribe("news.local");
    await subscriber.psubscribe("news.*");
    await all.publish("amq.topic", "news.local", "hello");
    await all.publish("amq.topic", "news.world", "war");
    await until(() => seen.length === 3, "three messages");
    assert.deepEqual(seen, ["news.local: hello", "news.* news.local: hello", "news.* news.world: war"]);
  });

  it("gets the body of what is added to amq.topic by XADD", async () => {
    const subscriber = all.newRedis();
    const seen: string[] = [];
    subscriber.on("message", (channel, text) => seen.push(`${channel}: ${text}`));
    await subscriber.subscribe("music.local");
    await all.xadd("amq.topic", { body: "song", routing_key: "music.local" });
    await until(() => seen.length === 1, "a message");
    assert.deepEqual(seen, ["music.local: song"]);
  });

  it("gets what Kafka produces to topic amq.topic", async () => {
    const subscriber = all.newRedis();
    const seen: string[] = [];
    subscriber.on("message", (channel, text) => seen.push(`${channel}: ${text}`));
    await subscriber.subscribe("sport.local");
    await all.produce("amq.topic", { key: "sport.local", value: "draw" });
    await until(() => seen.length === 1, "a message");
    assert.deepEqual(seen, ["sport.local: draw"]);
  });
});

describe("any log can be bound to any exchange", () => {
  it("a topic and a stream to amq.topic: a PUBLISH and a basic.publish land in both", async () => {
    await all.createTopic("bound-topic");
    await all.xadd("bound-stream", { body: "before" });
    for (const name of ["bound-topic", "bound-stream"]) {
      await all.channel.bindQueue(name, "amq.topic", "a.#");
    }
    await all.redis.publish("a.b", "from redis");
    await all.publish("amq.topic", "a.c", "from amqp");
    const seen = await all.fetch("bound-topic", 2);
    assert.deepEqual(
      seen.map(({ key, value }) => [key?.toString(), value!.toString()]),
      [
        ["a.b", "from redis"],
        ["a.c", "from amqp"],
      ],
    );
    assert.deepEqual(
      (await all.entries("bound-stream")).map(({ text }) => text["body"]),
      ["before", "from redis", "from amqp"],
    );
  });

  it("a topic of several partitions to an exchange, through its own exchange", async () => {
    await all.createTopic("spread", 2);
    await all.channel.assertExchange("source", "fanout", { durable: true });
    await all.channel.bindExchange("spread", "source", "");
    for (let i = 0; i < 8; i++) await all.publish("source", `key ${i}`, `${i}`);
    const seen = await all.fetch("spread", 8);
    assert.equal(new Set(seen.map(({ value }) => value!.toString())).size, 8);
    assert.deepEqual([...new Set(seen.map(({ partition }) => partition))], [0, 1]);
  });

  it("and nobody else binds or unbinds a topic's partitions, nor deletes its exchange", async () => {
    await all.createTopic("kept", 2);
    await all.channel.assertQueue("intruder");
    await all.channel.assertExchange("beside", "fanout");
    const connection = await amqplib.connect(all.broker.amqpUrl);
    const attempts: ((channel: Channel) => Promise<unknown>)[] = [
      (channel) => channel.bindQueue("intruder", "kept", "1"),
      (channel) => channel.bindQueue("intruder", "kept", "4294967294"),
      (channel) => channel.unbindQueue("kept-1", "kept", "1"),
      (channel) => channel.bindExchange("beside", "kept", "0"),
      (channel) => channel.unbindExchange("beside", "kept", "0"),
      (channel) => channel.deleteExchange("kept"),
    ];
    for (const attempt of attempts) {
      const channel = await connection.createChannel();
      channel.on("error", () => {});
      await assert.rejects(attempt(channel), /ACCESS_REFUSED.*is that of a Kafka topic/);
    }
    await connection.close();
    for (let i = 0; i < 8; i++) await all.publish("kept", `key ${i}`, `${i}`);
    const seen = await all.fetch("kept", 8);
    assert.deepEqual([...new Set(seen.map(({ partition }) => partition))], [0, 1]);
  });
});
