/** A Kafka group gives records up by producing them to `<group>.retry`: they come again, then they are dead letters. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import kafkajs from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { basic } from "../../support/users.ts";
import { KafkaClients, until } from "./kafka-support.ts";

let broker: TestBroker;
let clients: KafkaClients;

before(async () => {
  broker = await startTestBroker();
  clients = new KafkaClients(broker);
});
after(async () => {
  await clients.close();
  await broker.stop();
});

type Headers = Record<string, string>;

interface Seen {
  readonly topic: string;
  readonly value: string;
  readonly key: string | undefined;
  readonly headers: Headers;
  readonly at: number;
  readonly offset: string;
}

function seenOf({ topic, message }: kafkajs.EachMessagePayload): Seen {
  const headers = Object.fromEntries(
    Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
  );
  const { offset } = message;
  return {
    topic,
    value: String(message.value),
    key: message.key?.toString(),
    headers,
    at: Date.now(),
    offset,
  };
}

async function makeTopic(topic: string, settings: Readonly<Record<string, string>>, numPartitions = 1) {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await (await clients.jsAdmin()).createTopics({ topics: [{ topic, numPartitions, configEntries }] });
}

/** What a user writes: a consumer that fails gives the record up, and commits it. */
async function failingGroup(groupId: string, topic: string, fails: (seen: Seen) => boolean): Promise<Seen[]> {
  const producer = await clients.jsProducer({ idempotent: true });
  const consumer = await clients.jsConsumer({ groupId });
  const seen: Seen[] = [];
  await consumer.subscribe({ topics: [topic, `${groupId}.retry`], fromBeginning: true });
  await consumer.run({
    eachMessage: async (payload) => {
      const { message, partition } = payload;
      const one = seenOf(payload);
      seen.push(one);
      if (!fails(one)) return;
      const headers = {
        "x-troika-topic": payload.topic,
        "x-troika-partition": String(partition),
        "x-troika-offset": message.offset,
        ...message.headers,
      };
      await producer.send({
        topic: `${groupId}.retry`,
        messages: [{ key: message.key, value: message.value, headers }],
      });
    },
  });
  return seen;
}

async function readAll(topic: string, count: number): Promise<Seen[]> {
  const consumer = await clients.jsConsumer({ groupId: `look-${topic}-${Math.random()}` });
  const seen: Seen[] = [];
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async (payload) => void seen.push(seenOf(payload)) });
  await until(() => seen.length >= count, `${count} records of ${topic}`);
  return seen;
}

test("a kafkajs group fails three times, backs off, and the record ends among the dead", async () => {
  await makeTopic("bills", {
    "troika.retry.limit": "4",
    "troika.retry.backoff.ms": "60",
    "troika.retry.factor": "2",
  });
  const producer = await clients.jsProducer();
  await producer.send({
    topic: "bills",
    messages: [
      { key: "k", value: "bad", headers: { trace: "t1" } },
      { key: "k", value: "good" },
    ],
  });
  const seen = await failingGroup("payers", "bills", ({ value }) => value === "bad");
  const [dead] = await readAll("bills.dead", 1);
  const bad = seen.filter(({ value }) => value === "bad");
  assert.deepEqual(
    bad.map(({ topic, headers }) => [topic, headers["x-troika-deliveries"]]),
    [
      ["bills", undefined],
      ["payers.retry", "1"],
      ["payers.retry", "2"],
      ["payers.retry", "3"],
    ],
  );
  for (const [i, wait] of [60, 120, 240].entries())
    assert.ok(bad[i + 1]!.at - bad[i]!.at >= wait - 1, `delivery ${i + 2} is not early`);
  assert.equal(seen.filter(({ value }) => value === "good").length, 1);
  assert.deepEqual(
    [dead!.value, dead!.key, dead!.headers],
    [
      "bad",
      "k",
      {
        trace: "t1",
        "x-troika-topic": "bills",
        "x-troika-partition": "0",
        "x-troika-offset": "0",
        "x-troika-reason": "rejected",
        "x-troika-deliveries": "4",
        "x-troika-group": "payers",
      },
    ],
  );
});

test("what waits survives a kill and comes once; the dead go to the configured topic, by partition", async () => {
  await makeTopic("tombs", {}, 2);
  await makeTopic(
    "jobs",
    { "troika.retry.limit": "2", "troika.retry.backoff.ms": "700", "troika.deadletter.topic": "tombs" },
    3,
  );
  const producer = await clients.jsProducer({ idempotent: true });
  const headers = { "x-troika-topic": "jobs", "x-troika-partition": "1", "x-troika-reason": "too hot" };
  const givenUp = Array.from({ length: 20 }, (_, i) => ({ value: `w${i}`, headers }));
  const sentAt = Date.now();
  await producer.send({ topic: "g.retry", messages: [...givenUp, { value: "plain" }] });
  await producer.disconnect();
  await broker.kill();
  await broker.restart();
  const seen = await failingGroup("g", "jobs", ({ value }) => value === "w7");
  await until(() => seen.length >= 21, "all of them");
  assert.equal(new Set(seen.map(({ value }) => value)).size, 21);
  for (const { value, at, headers: got } of seen) {
    if (value === "plain") assert.deepEqual(got, {});
    else assert.ok(at - sentAt >= 699, `${value} is not early`);
  }
  const [dead] = await readAll("tombs", 1);
  assert.equal(dead!.value, "w7");
  assert.equal(dead!.headers["x-troika-reason"], "too hot");
  assert.equal(dead!.headers["x-troika-deliveries"], "2");
  const admin = await clients.jsAdmin();
  const ends = await admin.fetchTopicOffsets("tombs");
  assert.deepEqual(
    ends.map(({ partition, offset }) => [partition, offset]).toSorted(([a], [b]) => Number(a) - Number(b)),
    [
      [0, "0"],
      [1, "1"],
    ],
  );
  assert.equal(seen.length, 21);
});

test("without a policy of the origin, or without its name, a record is readable at once, as it came", async () => {
  await makeTopic("calm", {});
  const producer = await clients.jsProducer();
  await producer.send({
    topic: "h.retry",
    messages: [
      { value: "a", headers: { "x-troika-topic": "calm" } },
      { value: "b", headers: { "x-troika-topic": "nowhere" } },
      { value: "c" },
    ],
  });
  const seen = await readAll("h.retry", 3);
  assert.deepEqual(
    seen.map(({ value, headers, offset }) => [value, headers["x-troika-deliveries"], offset]),
    [
      ["a", undefined, "0"],
      ["b", undefined, "1"],
      ["c", undefined, "2"],
    ],
  );
});

test("who may not read the topic that a record names cannot give it up", async () => {
  await makeTopic("secret", { "troika.retry.limit": "1" });
  const put = async (path: string, body: unknown): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${broker.ports.http}/api/${path}`, {
      method: "PUT",
      headers: { authorization: basic("guest", "guest"), "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
  };
  await put("users/mallory", { password: "pw", tags: "" });
  await put("permissions/%2F/mallory", { configure: "^m\\.", write: "^m\\.", read: "^m\\." });
  const client = new kafkajs.Kafka({
    brokers: [clients.address],
    logLevel: kafkajs.logLevel.NOTHING,
    sasl: { mechanism: "plain", username: "mallory", password: "pw" },
  });
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const send = (topic: string) =>
    producer.send({
      topic: "m.retry",
      messages: [{ value: "x", headers: { "x-troika-topic": topic } }],
    });
  await assert.rejects(send("secret"), { type: "TOPIC_AUTHORIZATION_FAILED" });
  await send("m.own");
  await producer.disconnect();
});
