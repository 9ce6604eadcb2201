/**
 * Replays: the matrix source (queue with history, Redis stream, Kafka partition) x destination (queue, stream, topic of several partitions, exchange,
 * the source itself), as unmodified clients of all protocols read what came; ranges, filters, bounds, rights, and a kill in the middle.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { CompressionTypes } from "kafkajs";
import { startTestBroker } from "../../support/broker.ts";
import { Interop, until } from "../../support/interop.ts";
import { api, basic, makeUser, nothingAllowed } from "../../support/users.ts";

let all: Interop;

before(async () => {
  all = await Interop.start();
});
after(() => all.close());

interface Outcome {
  readonly matched: number;
  readonly moved: number;
  readonly unroutable: number;
  readonly refused: number;
  readonly next_offset: number;
  readonly from_offset: number;
  readonly to_offset: number;
  readonly state: string;
  readonly operation: string;
  readonly error?: string;
  readonly reason?: string;
}

async function ask(question: object, user = "guest"): Promise<{ status: number; body: Outcome }> {
  const path = "troika/replay?wait=20000";
  const { status, body } = await api(all.broker, "POST", path, question, basic(user, user));
  return { status, body: body as Outcome };
}

async function replay(question: object): Promise<Outcome> {
  const { status, body } = await ask(question);
  assert.deepEqual([status, body.state], [200, "finished"], JSON.stringify(body));
  return body;
}

const texts = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, at) => `m${at + from}`);

/** A queue with history that has these, acknowledged but for the last `left`. */
async function history(name: string, bodies: readonly string[], left = 0): Promise<void> {
  await all.channel.assertQueue(name, { arguments: { "x-history-ms": 3_600_000 } });
  for (const [at, body] of bodies.entries())
    all.channel.sendToQueue(name, Buffer.from(body), { persistent: true, messageId: body, headers: { at } });
  await all.channel.waitForConfirms();
  for (let at = 0; at < bodies.length - left; at++) {
    const message = await all.channel.get(name);
    assert.ok(message !== false);
    all.channel.ack(message);
  }
  await until(async () => ((await all.channel.checkQueue(name)).messageCount === left ? true : undefined));
}

async function drain(name: string): Promise<string[]> {
  const seen: string[] = [];
  for (;;) {
    const message = await all.channel.get(name, { noAck: true });
    if (message === false) return seen;
    seen.push(message.content.toString());
  }
}

test("an acknowledged history comes again into the same queue, and stops where it ended when the replay began", async () => {
  await history("again", texts(6), 2);
  const done = await replay({ source: "again", destination: "again", state: "history" });
  assert.deepEqual(
    [done.matched, done.moved, done.from_offset, done.to_offset, done.next_offset],
    [4, 4, 0, 6, 6],
  );
  assert.deepEqual(await drain("again"), ["m4", "m5", "m0", "m1", "m2", "m3"]);
  // All of it, copies too, is a history for the others.
  assert.deepEqual(
    (await all.fetch("again", 10)).map(({ value }) => value!.toString()),
    [...texts(6), ...texts(4)],
  );
  const whole = await replay({ source: "again", destination: "again" });
  assert.deepEqual([whole.moved, whole.to_offset], [10, 10]);
  assert.deepEqual(await drain("again"), [...texts(6), ...texts(4)]);
});

test("ranges by offset and by time, with a filter and a limit, into a queue; a dry run only counts", async () => {
  await history("ranged", texts(10));
  await all.channel.assertQueue("copies");
  const question = { source: "ranged", destination: "copies" };
  const dry = await replay({ ...question, from_offset: 3, to_offset: 7, dry_run: true });
  assert.deepEqual([dry.matched, dry.moved], [4, 0]);
  assert.deepEqual(await drain("copies"), []);
  await replay({ ...question, from_offset: 3, to_offset: 7 });
  assert.deepEqual(await drain("copies"), texts(4, 3));
  const chosen = await replay({ ...question, filter: "header.at > 4 and message-id != m7", limit: 3 });
  assert.deepEqual([chosen.matched, chosen.moved, chosen.next_offset], [3, 3, 9]);
  assert.deepEqual(await drain("copies"), ["m5", "m6", "m8"]);
  const rest = await replay({ ...question, from_offset: chosen.next_offset });
  assert.deepEqual([rest.moved, await drain("copies")], [1, ["m9"]]);
  const now = Date.now();
  const early = await replay({ ...question, from_time: "2026-01-01T00:00Z", to_time: now + 60_000 });
  assert.deepEqual([early.moved, (await drain("copies")).length], [10, 10]);
  assert.equal((await replay({ ...question, from_time: now + 60_000 })).moved, 0);
  assert.equal((await replay({ ...question, to_time: "2026-01-01T00:00Z" })).moved, 0);
});

test("a Redis stream, an AMQP message and Kafka batches stay what they were, wherever they go", async () => {
  await all.xadd("entries", { user: "alice", "odd name": "\u0000x" });
  await all.xadd("entries", { user: "bob" });
  await all.redis.xgroup("CREATE", "entries copied", "g", "$", "MKSTREAM");
  const blocked = all.newRedis().xread("BLOCK", 10_000, "STREAMS", "entries copied", "$");
  await until(async () => ((await all.redis.client("LIST")) as string).includes("cmd=xread") || undefined);
  await replay({ source: "entries", destination: "entries copied" });
  const copies = await all.entries("entries copied");
  assert.deepEqual(
    copies.map(({ text }) => text),
    [{ user: "alice", "odd name": "\u0000x" }, { user: "bob" }],
  );
  assert.equal((await blocked)![0]![1][0]![0], copies[0]!.id);
  const read = await all.redis.xreadgroup("GROUP", "g", "c", "STREAMS", "entries copied", ">");
  assert.equal((read as [string, unknown[]][])[0]![1].length, 2);

  await all.createTopic("batches");
  await all.createTopic("copied");
  const messages = [1, 2, 3, 4].map((n) => ({ key: `k${n}`, value: `v${n}`, headers: { n: `${n}` } }));
  await all.producer.send({ topic: "batches", compression: CompressionTypes.GZIP, messages });
  await all.producer.send({ topic: "batches", messages: [{ key: null, value: null }] });
  const whole = await replay({ source: "batches", destination: "copied" });
  assert.deepEqual([whole.moved, whole.next_offset], [5, 5]);
  const part = await replay({ source: "batches", destination: "copied", from_offset: 1, to_offset: 3 });
  assert.equal(part.moved, 2);
  const fetched = await all.fetch("copied", 7);
  assert.deepEqual(
    fetched.map(({ offset, key, value, headers }) => [
      Number(offset),
      key?.toString(),
      value?.toString(),
      headers?.["n"]?.toString(),
    ]),
    [
      [0, "k1", "v1", "1"],
      [1, "k2", "v2", "2"],
      [2, "k3", "v3", "3"],
      [3, "k4", "v4", "4"],
      [4, undefined, undefined, undefined],
      [5, "k2", "v2", "2"],
      [6, "k3", "v3", "3"],
    ],
  );
  const sources = await all.fetch("batches", 5);
  assert.deepEqual(
    fetched.slice(0, 5).map(({ timestamp }) => timestamp),
    sources.map(({ timestamp }) => timestamp),
  );

  await all.channel.assertQueue("from kafka");
  await replay({ source: "batches", destination: "from kafka", filter: "key = k2" });
  const message = await all.channel.get("from kafka", { noAck: true });
  assert.ok(message !== false);
  assert.deepEqual(
    [message.content.toString(), message.fields.routingKey, message.properties.headers],
    ["v2", "k2", { "x-key": "k2", n: "2" }],
  );
  await all.channel.assertQueue("typed");
  const headers = { int: 7, list: ["a", 1], table: { deep: true } };
  await all.publish("", "typed", "body", { headers, correlationId: "c", contentType: "text/plain" });
  await all.channel.assertQueue("typed copies");
  await replay({ source: "typed", destination: "typed copies" });
  const copy = await all.channel.get("typed copies", { noAck: true });
  const original = await all.channel.get("typed", { noAck: true });
  assert.ok(copy !== false && original !== false);
  assert.deepEqual(copy.properties, original.properties);
  assert.deepEqual([copy.content, copy.fields.routingKey], [original.content, "typed"]);
});

test("into a topic of several partitions by key, as Kafka's own partitioner", async () => {
  const keys = Array.from({ length: 20 }, (_, at) => `key ${at}`);
  for (const topic of ["by kafka", "by replay"]) await all.createTopic(topic.replace(" ", "-"), 3);
  await all.createTopic("keyed");
  await all.producer.send({ topic: "keyed", messages: keys.map((key) => ({ key, value: key })) });
  await all.producer.send({ topic: "by-kafka", messages: keys.map((key) => ({ key, value: key })) });
  const done = await replay({ source: "keyed", destination: "by-replay" });
  assert.equal(done.moved, 20);
  const places = async (topic: string): Promise<unknown[]> =>
    (await all.fetch(topic, 20)).map(({ partition, key }) => [partition, key!.toString()]);
  assert.deepEqual(await places("by-replay"), await places("by-kafka"));
});

test("through an exchange: by each message's key or one for all; what nothing takes is counted and sampled", async () => {
  await all.channel.assertExchange("router", "topic");
  for (const [queue, key] of [
    ["odd", "*.odd"],
    ["all", "#.all"],
  ] as const) {
    await all.channel.assertQueue(queue);
    await all.channel.bindQueue(queue, "router", key);
  }
  for (const key of ["a.odd", "b.even", "c.odd"]) await all.xadd("routed", { routing_key: key, body: key });
  const own = await replay({ source: "routed", exchange: "router" });
  assert.deepEqual([own.matched, own.moved, own.unroutable], [3, 2, 1]);
  assert.deepEqual(await drain("odd"), ["a.odd", "c.odd"]);
  const { body } = await api(all.broker, "GET", "troika/unroutable/%2F?exchange=router");
  const { messages } = body as { messages: { cause: string; payload: string }[] };
  assert.deepEqual(
    messages.map(({ cause, payload }) => [cause, payload]),
    [["replayed", "b.even"]],
  );
  const one = await replay({ source: "routed", exchange: "router", routing_key: "for.all" });
  assert.equal(one.moved, 3);
  assert.deepEqual(await drain("all"), ["a.odd", "b.even", "c.odd"]);
  // An AMQP message says by which exchange and key it came this time.
  await history("published", ["p"]);
  await replay({ source: "published", exchange: "router", routing_key: "x.odd" });
  const message = await all.channel.get("odd", { noAck: true });
  assert.ok(message !== false);
  assert.deepEqual([message.fields.exchange, message.fields.routingKey], ["router", "x.odd"]);
});

test("a queue that is full ends the replay before the message, and nothing is dropped for it", async () => {
  await history("much", texts(10));
  for (const [name, overflow] of [
    ["strict", "reject-publish"],
    ["soft", "drop-head"],
  ] as const) {
    await all.channel.assertQueue(name, { arguments: { "x-max-length": 3, "x-overflow": overflow } });
    await all.publish("", name, "own");
    const { status, body } = await ask({ source: "much", destination: name });
    assert.deepEqual([status, body.state, body.moved, body.next_offset], [200, "failed", 2, 2]);
    assert.match(body.error!, new RegExp(`^queue '${name}' is full; go on with from_offset 2$`));
    assert.deepEqual(await drain(name), ["own", "m0", "m1"]);
    const { body: more } = await ask({ source: "much", destination: name, from_offset: 2, limit: 3 });
    assert.deepEqual([more.state, await drain(name)], ["finished", texts(3, 2)]);
  }
});

test("what passes no intake: a replayed message with a delay comes at once", async () => {
  await all.channel.assertQueue("delayed", {
    arguments: { "x-delay-allowed": true, "x-history-ms": 60_000 },
  });
  await all.publish("", "delayed", "now", { headers: { "x-delay": 1 } });
  await until(async () => ((await all.channel.checkQueue("delayed")).messageCount === 1 ? true : undefined));
  await all.channel.assertQueue("not delayed", { arguments: { "x-delay-allowed": true } });
  await all.channel.assertQueue("plain");
  await all.publish("", "plain", "later", { headers: { "x-delay": 600_000 } });
  await replay({ source: "plain", destination: "not delayed" });
  assert.deepEqual(await drain("not delayed"), ["later"]);
});

test("rights: to read the source, to write where it goes; and what is mistaken is told", async () => {
  await all.channel.assertExchange("private", "fanout");
  await makeUser(
    all.broker,
    "copier",
    "copier",
    { ...nothingAllowed, read: "^much$", write: "^copies$" },
    "management",
  );
  await makeUser(all.broker, "untagged", "untagged", { ...nothingAllowed, read: ".*", write: ".*" });
  const good = { source: "much", destination: "copies" };
  for (const [question, user, status, reason] of [
    [good, "copier", 200, undefined],
    [good, "untagged", 401, "Not management user"],
    [{ ...good, source: "again" }, "copier", 401, /read access to queue 'again'/],
    [{ ...good, destination: "much" }, "copier", 401, /write access to queue 'much'/],
    [{ source: "much", exchange: "private" }, "copier", 401, /write access to exchange 'private'/],
    [{ ...good, source: "none" }, "guest", 404, /no queue or stream 'none'/],
    [{ ...good, source: "by-kafka" }, "guest", 404, /3 partitions: replay each, such as 'by-kafka-0'/],
    [{ ...good, destination: "none" }, "guest", 404, /no queue, stream or topic 'none' in .*: make it first/],
    [{ source: "much", exchange: "none" }, "guest", 404, /no exchange 'none'/],
    [{ source: "much", exchange: "amq.rabbitmq.trace" }, "guest", 401, /internal exchange/],
    [{ source: "much" }, "guest", 400, /give destination .* or exchange/],
    [{ ...good, exchange: "router" }, "guest", 400, /give destination .* or exchange/],
    [{ ...good, routing_key: "k" }, "guest", 400, /routing_key goes with exchange/],
    [{ ...good, from_offset: -1 }, "guest", 400, /from_offset is -1/],
    [{ ...good, from_time: "soon" }, "guest", 400, /from_time is 'soon'/],
    [{ ...good, to_time: 5, to_offset: 5 }, "guest", 400, /to_offset or to_time, not both/],
    [{ ...good, state: "ready" }, "guest", 400, /state is 'ready'/],
    [{ ...good, filter: "colour = red" }, "guest", 400, /'colour' is no field/],
    [{ ...good, from: 5 }, "guest", 400, /unknown field 'from': there are vhost, source, from_offset, /],
    [{ ...good, rate: 0 }, "guest", 400, /rate is 0/],
  ] as const) {
    const { status: got, body } = await ask(question, user);
    assert.equal(got, status, `${JSON.stringify(question)} ${JSON.stringify(body)}`);
    if (typeof reason === "string") assert.equal(body.reason, reason);
    else if (reason !== undefined) assert.match(body.reason!, reason);
  }
});

test("a replay ends with the rights of its user, and with the user", async () => {
  await history("going", texts(3));
  await all.channel.assertQueue("went");
  const endings: [string, () => Promise<unknown>][] = [
    ["leaver", () => api(all.broker, "DELETE", "users/leaver")],
    ["loser", () => api(all.broker, "PUT", "permissions/%2F/loser", nothingAllowed)],
  ];
  for (const [user, ends] of endings) {
    await makeUser(
      all.broker,
      user,
      user,
      { ...nothingAllowed, read: "^going$", write: "^went$" },
      "management",
    );
    const asked = { source: "going", destination: "went", rate: 1 };
    const begun = await api(all.broker, "POST", "troika/replay?wait=0", asked, basic(user, user));
    assert.equal(begun.status, 202);
    await ends();
    const { operation } = begun.body as Outcome;
    const ended = await until(async () => {
      const { body } = await api(all.broker, "GET", `troika/operations/${operation}`);
      const { state, error } = body as Outcome;
      return state === "running" ? undefined : { state, error };
    });
    assert.deepEqual(ended, { state: "failed", error: "whoever has started it may not do it any more" });
  }
});

test("killed in the middle, it says exactly how far it came; another one goes on from there", async () => {
  const broker = await startTestBroker();
  const connection = await amqplib.connect(broker.amqpUrl);
  const channel = await connection.createConfirmChannel();
  for (const name of ["long", "target"]) await channel.assertQueue(name, { durable: true });
  for (const text of texts(400)) channel.sendToQueue("long", Buffer.from(text), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
  const question = { source: "long", destination: "target" };
  const path = "troika/replay?wait=0";
  const { status, body } = await api(broker, "POST", path, { ...question, rate: 200 });
  assert.equal(status, 202);
  const { operation } = body as Outcome;
  const outcome = async (): Promise<Outcome> =>
    (await api(broker, "GET", `troika/operations/${operation}`)).body as Outcome;
  await until(async () => ((await outcome()).moved > 20 ? true : undefined));
  await broker.kill();
  await broker.restart();
  const { state, moved, next_offset: next, error } = await outcome();
  assert.deepEqual([state, error], ["failed", "the broker was stopped while it ran"]);
  assert.ok(moved > 20 && moved < 400 && next === moved);
  const payloads = async (): Promise<string[]> => {
    const { body: page } = await api(broker, "GET", "troika/messages/%2F/target?limit=1000");
    return (page as { messages: { payload: string }[] }).messages.map(({ payload }) => payload);
  };
  assert.deepEqual(await payloads(), texts(moved));
  const rest = await api(broker, "POST", "troika/replay?wait=20000", { ...question, from_offset: next });
  assert.equal((rest.body as Outcome).moved, 400 - moved);
  assert.deepEqual(await payloads(), texts(400));
  await broker.stop();
});
