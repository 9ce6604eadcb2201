/**
 * The story of a message that fails, as users of amqplib, ioredis and kafkajs write it: it fails three times with a back-off between, is a dead letter,
 * is looked at, goes back to where it died, is taken back, and goes again when the consumer is mended.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Consumer, IHeaders } from "kafkajs";
import { Interop, until } from "../../support/interop.ts";
import { api } from "../../support/users.ts";

const backoffMs = 60;
const policy = { "retry-limit": 3, "retry-backoff-ms": backoffMs, "retry-factor": 2 };
let all: Interop;

before(async () => {
  all = await Interop.start();
  const body = { pattern: "^story-[a-z]+$", definition: policy, "apply-to": "queues", priority: 10 };
  assert.equal((await api(all.broker, "PUT", "policies/%2F/stories", body)).status, 201);
});
after(() => all.close());

interface Try {
  readonly at: number;
  readonly failedAt: number;
}

/** The work that a consumer does: it fails on what is bad until somebody mends it. */
class Work {
  readonly tries = new Map<string, Try[]>();
  isMended = false;

  /** @throws as an application does */
  do(body: string): void {
    const at = Date.now();
    const tries = this.tries.get(body) ?? [];
    this.tries.set(body, tries);
    tries.push({ at, failedAt: Date.now() });
    if (body.startsWith("bad") && !this.isMended) throw new Error("out of order");
  }

  assertSchedule(body: string): void {
    const tries = this.tries.get(body)!;
    assert.equal(tries.length, 3);
    for (const [i, least] of [backoffMs, 2 * backoffMs].entries()) {
      const gap = tries[i + 1]!.at - tries[i]!.failedAt;
      assert.ok(gap >= least - 2, `try ${i + 2} of ${body} after ${gap} ms, not ${least}`);
    }
    assert.equal(this.tries.get("good")!.length, 1);
  }
}

interface Shown {
  readonly payload: string;
  readonly properties: { readonly headers: Readonly<Record<string, unknown>> };
}

async function asked(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await api(all.broker, method, path, body);
  assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** The dead letters of `name`, wherever they lie. */
async function deadOf(name: string): Promise<readonly Shown[]> {
  const { messages } = await asked("GET", `troika/messages/%2F/${name}?state=dead`);
  return messages as readonly Shown[];
}

const retry = (name: string): Promise<any> =>
  asked("POST", "troika/deadletters/retry?wait=60000", { queue: `${name}.dead`, filter: "body ~ bad" });

/** What an operator does, from the look to the second retry; nobody consumes meanwhile. */
async function operate(name: string, work: Work, reason = "rejected"): Promise<Shown> {
  const [letter] = await until(async () => {
    const found = await deadOf(name);
    return found.length === 1 && found;
  }, "the dead letter");
  work.assertSchedule(letter!.payload);
  const { groups } = await asked("GET", "troika/deadletters");
  const group = (groups as { queue: string }[]).find(({ queue }) => queue === `${name}.dead`);
  assert.partialDeepStrictEqual(group, { origin: { name }, count: 1, reason });
  const { moved, operation } = await retry(name);
  assert.equal(moved, 1);
  assert.deepEqual(await deadOf(name), []);
  const undone = await asked("POST", `troika/operations/${operation}/undo?wait=60000`);
  assert.partialDeepStrictEqual(undone, { found: 1, taken_back: 1, consumed: 0 });
  assert.equal((await deadOf(name)).length, 1);
  assert.equal((await retry(name)).moved, 1);
  work.isMended = true;
  return letter!;
}

test("amqplib", async () => {
  const name = "story-amqp";
  const work = new Work();
  const consume = async () => {
    const channel = await all.newChannel();
    await channel.prefetch(5);
    await channel.consume(name, (message) => {
      try {
        work.do(message!.content.toString());
        channel.ack(message!);
      } catch {
        channel.nack(message!, false, false);
      }
    });
    return channel;
  };
  await all.channel.assertExchange("story", "topic", { durable: true });
  await all.channel.assertQueue(name, { durable: true });
  await all.channel.bindQueue(name, "story", "order.*");
  const failing = await consume();
  await all.publish("story", "order.new", "bad order", { persistent: true, headers: { customer: "alice" } });
  await all.publish("story", "order.new", "good", { persistent: true });
  await until(async () => (await deadOf(name)).length === 1, "the dead letter");
  await failing.close();
  const { headers } = (await operate(name, work)).properties;
  const [death] = headers["x-death"] as readonly Record<string, unknown>[];
  assert.partialDeepStrictEqual(death, { queue: name, exchange: "story", "routing-keys": ["order.new"] });
  assert.partialDeepStrictEqual(headers, { customer: "alice", "x-troika-deliveries": 3 });
  await consume();
  await until(() => work.tries.get("bad order")!.length === 4, "the order again");
});

type Entry = [id: string, fields: string[]];

test("ioredis", async () => {
  const name = "story-redis";
  const work = new Work();
  const consume = async (): Promise<() => Promise<void>> => {
    const redis = all.newRedis();
    let isOver = false;
    const running = (async () => {
      while (!isOver) {
        const reply = (await redis.xreadgroup("GROUP", "g", "alice", "BLOCK", 50, "STREAMS", name, ">")) as
          | [string, Entry[]][]
          | null;
        for (const [id, [, body]] of reply?.[0]?.[1] ?? []) {
          try {
            work.do(body!);
            await redis.xack(name, "g", id);
          } catch (error) {
            await redis.call("TROIKA.NACK", name, "g", id, "REASON", (error as Error).message);
          }
        }
      }
    })();
    return async () => {
      isOver = true;
      await running;
    };
  };
  await all.redis.xgroup("CREATE", name, "g", "$", "MKSTREAM");
  const stop = await consume();
  const id = await all.redis.xadd(name, "*", "body", "bad order", "customer", "alice");
  await all.redis.xadd(name, "*", "body", "good");
  await until(async () => (await deadOf(name)).length === 1, "the dead letter");
  await stop();
  await operate(name, work, "out of order");
  const pending = (await all.redis.xpending(name, "g", "-", "+", 10)) as unknown[][];
  assert.equal(pending[0]![0], id);
  const stopAgain = await consume();
  await until(() => work.tries.get("bad order")!.length === 4, "the order again");
  await until(
    async () => ((await all.redis.xpending(name, "g")) as number[])[0] === 0,
    "its acknowledgement",
  );
  await stopAgain();
});

test("kafkajs", async () => {
  const name = "story-kafka";
  const retryTopic = "payers.retry";
  const work = new Work();
  const consume = async (): Promise<Consumer> => {
    const consumer = all.kafka.consumer({ groupId: "payers", maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: [name, retryTopic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        const { key, value, offset } = message;
        try {
          work.do(value!.toString());
        } catch (error) {
          const headers: IHeaders = {
            "x-troika-topic": topic,
            "x-troika-partition": String(partition),
            "x-troika-offset": offset,
            ...message.headers,
            "x-troika-reason": (error as Error).message,
          };
          await all.producer.send({ topic: retryTopic, messages: [{ key, value, headers }] });
        }
      },
    });
    return consumer;
  };
  await all.admin.createTopics({
    topics: [
      {
        topic: name,
        configEntries: [
          { name: "troika.retry.limit", value: "3" },
          { name: "troika.retry.backoff.ms", value: String(backoffMs) },
        ],
      },
      { topic: retryTopic },
    ],
  });
  const failing = await consume();
  await all.producer.send({
    topic: name,
    messages: [
      { key: "k", value: "bad order", headers: { customer: "alice" } },
      { key: "k", value: "good" },
    ],
  });
  await until(async () => (await deadOf(name)).length === 1, "the dead letter");
  await failing.disconnect();
  const { headers } = (await operate(name, work, "out of order")).properties;
  assert.partialDeepStrictEqual(headers, {
    customer: "alice",
    "x-troika-deliveries": "3",
    "x-troika-group": "payers",
  });
  const mended = await consume();
  await until(() => work.tries.get("bad order")!.length === 4, "the order again");
  await mended.disconnect();
});

test("of a topic with partitions, a dead letter goes back into the partition of its number, and not without its retry topic", async () => {
  const settings = { "troika.retry.limit": "1", "troika.deadletter.topic": "story-graves" };
  await all.admin.createTopics({
    topics: [
      {
        topic: "story-wide",
        numPartitions: 3,
        configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
      },
      { topic: "story-graves" },
      { topic: "wide.retry", numPartitions: 3 },
    ],
  });
  const headers = { "x-troika-topic": "story-wide", "x-troika-partition": "2", mine: "kept" };
  for (const topic of ["wide.retry", "gone.retry"])
    await all.producer.send({
      topic,
      messages: [{ key: "k", value: `bad, ${topic}`, partition: 0, headers }],
    });
  await all.admin.deleteTopics({ topics: ["gone.retry"] });
  const payloads = async (name: string): Promise<string[]> =>
    (await deadOf(name)).map(({ payload }) => payload);
  assert.deepEqual(await payloads("story-wide-2"), ["bad, wide.retry", "bad, gone.retry"]);
  assert.deepEqual(await payloads("story-wide-1"), []);
  const back = await asked("POST", "troika/deadletters/retry?wait=60000", { queue: "story-graves" });
  assert.partialDeepStrictEqual(back, { matched: 2, moved: 1, unroutable: 1 });
  assert.deepEqual(await payloads("story-wide-2"), ["bad, gone.retry"]);
  // Whoever is a member may have fetched what its group has not committed.
  const member = all.kafka.consumer({ groupId: "wide" });
  await member.connect();
  await member.subscribe({ topic: "wide.retry" });
  await member.run({ autoCommit: false, eachMessage: async () => {} });
  await until(async () => {
    const committed = member.commitOffsets([{ topic: "wide.retry", partition: 2, offset: "0" }]);
    return await committed.then(
      () => true,
      () => false,
    );
  }, "a member that commits");
  const undo = (): Promise<any> => asked("POST", `troika/operations/${back.operation}/undo?wait=60000`);
  assert.partialDeepStrictEqual(await undo(), { found: 1, taken_back: 0 });
  await member.disconnect();
  assert.partialDeepStrictEqual(await undo(), { found: 1, taken_back: 1 });
  assert.deepEqual(await payloads("story-wide-2"), ["bad, gone.retry", "bad, wide.retry"]);
  const [taken] = (await deadOf("story-wide-2")).slice(-1);
  assert.deepEqual(taken!.properties.headers, {
    mine: "kept",
    "x-key": "k",
    "x-troika-topic": "story-wide",
    "x-troika-partition": "2",
    "x-troika-reason": "rejected",
    "x-troika-deliveries": "1",
    "x-troika-group": "wide",
  });
  await asked("POST", "troika/deadletters/retry?wait=60000", { queue: "story-graves" });
  const [record] = await all.fetch("wide.retry", 1);
  assert.deepEqual([record!.partition, record!.key?.toString()], [2, "k"]);
  const names = Object.keys(record!.headers ?? {});
  assert.deepEqual(names.toSorted(), [
    "mine",
    "x-troika-from",
    "x-troika-operation",
    "x-troika-partition",
    "x-troika-topic",
  ]);
});
