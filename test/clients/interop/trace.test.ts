/**
 * Traces as docs/tracing.md says: each protocol that produces beside each that consumes, what becomes of rejected messages, restarts, and
 * who may see what. Every test asks the API, as an operator does.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Interop, until } from "../../support/interop.ts";
import { api, basic, makeUser } from "../../support/users.ts";

interface Party {
  readonly protocol: string;
  readonly user?: string;
  readonly client?: string;
  readonly group?: string;
  readonly consumer?: string;
}

interface Event {
  readonly time: number;
  readonly event: string;
  readonly trace_id: string;
  readonly parent_span_id?: string;
  readonly queue?: string;
  readonly offset?: number;
  readonly by?: Party;
  readonly to?: Party;
  readonly bindings?: readonly string[];
  readonly destinations?: readonly string[];
  readonly reason?: string;
  readonly until?: number;
  readonly delivery_count?: number;
}

interface Page {
  readonly traces: readonly { readonly trace_id: string; readonly events: readonly Event[] }[];
  readonly next: string | null;
}

let all: Interop;
let names = 0;
before(async () => {
  all = await Interop.start();
  await allTraced("all", "^traced-", 1);
});
after(() => all.close());

async function allTraced(name: string, pattern: string, sample: number): Promise<void> {
  const policy = { pattern, "apply-to": "queues", definition: { "trace-sample": sample } };
  const streams = { ...policy, "apply-to": "streams" };
  assert.equal((await api(all.broker, "PUT", `policies/%2F/${name}`, policy)).status, 201);
  assert.equal((await api(all.broker, "PUT", `policies/%2F/${name}-streams`, streams)).status, 201);
}

function newName(): string {
  return `traced-${++names}`;
}

async function pageOf(query: string, authorization?: string): Promise<Page> {
  const { status, body } = await api(all.broker, "GET", `troika/trace?${query}`, undefined, authorization);
  assert.equal(status, 200, JSON.stringify(body));
  return body as Page;
}

/** The events of the one trace that is found, once they end with `last`. */
function eventsUntil(query: string, last: string): Promise<readonly Event[]> {
  return until(async () => {
    const [trace] = (await pageOf(query)).traces;
    return trace?.events.at(-1)?.event === last ? trace.events : undefined;
  });
}

function kindsOf(events: readonly Event[]): string[] {
  return events.map(({ event }) => event);
}

function assertOrdered(events: readonly Event[]): void {
  for (const [i, { time, trace_id: id }] of events.entries()) {
    assert.equal(id, events[0]!.trace_id);
    assert.ok(time <= Date.now() + 1, "none is of the future");
    if (i > 0) assert.ok(time > events[i - 1]!.time, "in the order in which they happened");
  }
}

const producers = {
  amqp: (log: string, id: string) => all.publish("", log, "x", { headers: { n: id } }),
  redis: (log: string, id: string) => all.xadd(log, { body: "x", n: id }),
  kafka: (log: string, id: string) => all.produce(log, { value: "x", headers: { n: id } }),
} as const;

const consumers = {
  async amqp(log: string): Promise<void> {
    await all.consume(log, 1, "first");
  },
  async redis(log: string): Promise<void> {
    await all.redis.xgroup("CREATE", log, "g", "0").catch(() => {});
    const reply = await all.redis.xreadgroup("GROUP", "g", "c1", "STREAMS", log, ">");
    for (const [id] of reply![0]![1]) await all.redis.xack(log, "g", id);
  },
  async kafka(log: string): Promise<void> {
    const consumer = all.kafka.consumer({ groupId: `of-${log}`, maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topic: log, fromBeginning: true });
    await new Promise<void>((resolve) => {
      void consumer.run({ autoCommitThreshold: 1, eachMessage: async () => resolve() });
    });
    await consumer.disconnect();
  },
} as const;

suite("a log, whoever writes it and whoever reads it", () => {
  for (const [producer, produce] of Object.entries(producers)) {
    for (const [consumer, consume] of Object.entries(consumers)) {
      test(`${producer} to ${consumer}`, async () => {
        const log = newName();
        await all.createTopic(log);
        await produce(log, log);
        await consume(log);
        const events = await eventsUntil(
          `header.n=${log}`,
          consumer === "amqp" ? "delivered" : "acknowledged",
        );
        const routed = producer === "amqp" ? ["routed"] : [];
        // A stream's consumer in AMQP acknowledges for its credit alone.
        const end = consumer === "amqp" ? ["delivered"] : ["delivered", "acknowledged"];
        assert.deepEqual(kindsOf(events), ["published", ...routed, "written", ...end]);
        assertOrdered(events);
        const [published] = events;
        assert.equal(published!.by!.protocol, producer);
        const delivered = events.find(({ event }) => event === "delivered")!;
        assert.deepEqual([delivered.to!.protocol, delivered.queue, delivered.offset], [consumer, log, 0]);
        const acknowledged = events.find(({ event }) => event === "acknowledged");
        if (consumer === "redis")
          assert.deepEqual([delivered.to!.group, delivered.to!.consumer], ["g", "c1"]);
        if (consumer === "kafka") assert.equal(acknowledged!.by!.group, `of-${log}`);
      });
    }
  }
});

suite("a queue, whoever writes it", () => {
  for (const [producer, produce] of Object.entries(producers)) {
    test(`${producer}: rejected, delivered again, a dead letter`, async () => {
      const queue = newName();
      const retries = { "x-retry-limit": 2, "x-retry-backoff-ms": 20 };
      const channel = await all.newChannel();
      await channel.assertQueue(queue, { arguments: retries });
      const started = Date.now();
      await channel.consume(queue, (message) => channel.reject(message!, false), {
        consumerTag: `c-${queue}`,
      });
      await produce(queue, queue);
      const routed = producer === "amqp" ? ["routed"] : [];
      const events = await until(async () => {
        const [trace] = (await pageOf(`header.n=${queue}`)).traces;
        const kinds = kindsOf(trace?.events ?? []);
        return kinds.includes("dead_lettered") && kinds.at(-1) === "written" ? trace!.events : undefined;
      });
      assert.deepEqual(kindsOf(events), [
        "published",
        ...routed,
        "written",
        "delivered",
        "rejected",
        "retried",
        "delivered",
        "rejected",
        "dead_lettered",
        "routed",
        "written",
      ]);
      assertOrdered(events);
      const retried = events.find(({ event }) => event === "retried")!;
      assert.ok(retried.until! >= started + 20);
      const deliveries = events.filter(({ event }) => event === "delivered");
      assert.deepEqual(
        deliveries.map(({ delivery_count: count, to }) => [count, to!.consumer, to!.user]),
        [
          [1, `c-${queue}`, "guest"],
          [2, `c-${queue}`, "guest"],
        ],
      );
      assert.ok(deliveries[1]!.time >= retried.until!);
      assert.equal(events.find(({ event }) => event === "dead_lettered")!.reason, "rejected");
      assert.equal(events.at(-1)!.queue, `${queue}.dead`);
      // The queue of dead letters has no policy, and is followed all the same.
      await all.consume(`${queue}.dead`, 1);
      const ended = await eventsUntil(`header.n=${queue}`, "acknowledged");
      assert.deepEqual(kindsOf(ended.slice(events.length)), ["delivered", "acknowledged"]);
      await channel.close();
    });
  }
});

test("a message to several queues says by which bindings, and what each of them did with it", async () => {
  const [one, two, full] = [newName(), newName(), `full-${newName()}`];
  const exchange = `x-${one}`;
  const { channel } = all;
  await channel.assertExchange(exchange, "topic");
  await channel.assertQueue(one);
  await channel.assertQueue(two);
  await channel.assertQueue(full, { arguments: { "x-max-length": 0, "x-overflow": "reject-publish" } });
  for (const queue of [one, two, full])
    await channel.bindQueue(queue, exchange, queue === two ? "eu.*" : "eu.#");
  await channel.bindQueue(two, exchange, "us.#");
  channel.publish(exchange, "eu.new", Buffer.from("x"), { messageId: one });
  await channel.waitForConfirms().catch(() => {});
  await all.consume(one, 1);
  const events = await eventsUntil(`message_id=${one}`, "acknowledged");
  const routed = events.find(({ event }) => event === "routed")!;
  assert.deepEqual(routed.destinations!.toSorted(), [one, two, full].toSorted());
  assert.deepEqual(
    routed.bindings!.toSorted(),
    [
      `${exchange} -> ${one} (eu.#)`,
      `${exchange} -> ${two} (eu.*)`,
      `${exchange} -> ${full} (eu.#)`,
    ].toSorted(),
  );
  const places = (kind: string): string[] =>
    events.filter(({ event }) => event === kind).map(({ queue }) => queue!);
  assert.deepEqual(places("written").toSorted(), [one, two].toSorted());
  assert.deepEqual(places("refused"), [full]);
  await channel.purgeQueue(two);
  const purged = await eventsUntil(`message_id=${one}`, "dropped");
  assert.deepEqual([purged.at(-1)!.queue, purged.at(-1)!.reason], [two, "purged"]);
});

const parent = (flags: string, digit: string): string =>
  `00-${digit.repeat(32)}-${digit.repeat(16)}-${flags}`;

test("with trace-sample 0 what brings a sampled traceparent is traced, by every protocol, and keeps its id", async () => {
  await allTraced("asked", "^asked$", 0);
  await all.createTopic("asked");
  const sampled = { a: parent("01", "a"), b: parent("01", "b"), c: parent("01", "c"), d: parent("00", "d") };
  await all.publish("", "asked", "x", { headers: { traceparent: sampled.a } });
  await all.xadd("asked", { body: "x", traceparent: sampled.b });
  await all.producer.send({
    topic: "asked",
    messages: [{ value: "no" }, { value: "x", headers: { traceparent: sampled.c } }, { value: "no" }],
  });
  await all.publish("", "asked", "x", { headers: { traceparent: sampled.d } });
  await all.publish("", "asked", "x", { headers: { other: "traceparent" } });
  await all.consume("asked", 7, "first");
  for (const [digit, offset] of [
    ["a", 0],
    ["b", 1],
    ["c", 3],
  ] as const) {
    const events = await eventsUntil(`trace_id=${digit.repeat(32)}`, "delivered");
    assert.equal(events[0]!.parent_span_id, digit.repeat(16));
    assert.equal(events.find(({ event }) => event === "written")!.offset, offset);
  }
  assert.deepEqual((await pageOf(`trace_id=${"d".repeat(32)}`)).traces, []);
});

test("about as many messages are traced as the policy says", async () => {
  await allTraced("some", "^some$", 0.1);
  await all.channel.assertQueue("some");
  for (let i = 0; i < 2000; i++)
    all.channel.sendToQueue("some", Buffer.from("x"), { headers: { many: "y" } });
  await all.channel.waitForConfirms();
  let found = 0;
  let to = "";
  for (;;) {
    const { traces, next } = await pageOf(`header.many=y&limit=100${to}`);
    found += traces.length;
    if (next === null) break;
    to = `&to=${next}`;
  }
  // The standard deviation is 13.4.
  assert.ok(found > 120 && found < 280, `${found} of 2000`);
  await all.channel.deleteQueue("some");
});

test("who may not read a queue does not see what happened there", async () => {
  const queue = newName();
  await all.channel.assertQueue(queue);
  await all.publish("", queue, "x", { messageId: queue });
  await makeUser(all.broker, "reader", "p", { configure: "", write: "", read: "^traced-" }, "management");
  await makeUser(all.broker, "stranger", "p", { configure: "", write: "", read: "^other$" }, "management");
  await makeUser(all.broker, "watcher", "p", null, "monitoring");
  await makeUser(all.broker, "nobody", "p", { configure: "", write: "", read: ".*" });
  const seenBy = async (user: string): Promise<string[]> =>
    (await pageOf(`message_id=${queue}`, basic(user, "p"))).traces.flatMap(({ events }) => kindsOf(events));
  const events = ["published", "routed", "written"];
  assert.deepEqual(await seenBy("reader"), events);
  assert.deepEqual(await seenBy("watcher"), events);
  assert.deepEqual(await seenBy("stranger"), []);
  const refused = await api(all.broker, "GET", "troika/trace", undefined, basic("nobody", "p"));
  assert.equal(refused.status, 401);
});
