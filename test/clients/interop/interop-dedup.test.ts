/**
 * What a destination with `dedup-window-ms` does with copies, whatever way they come: the matrix
 *
 *     dedup-by (message-id, key, header:NAME) x way in (of each protocol: plain, transaction, batch) x destination (queue, stream) x a kill
 *
 * Then what is special: copies that come by another protocol, within one batch or transaction, with a full queue, when the policy comes and
 * goes, and what clients are answered.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, it } from "node:test";
import { method, publishHeaders } from "../../support/amqp-frames.ts";
import { RawClient } from "../../support/amqp-raw.ts";
import { KafkaWireClient, makeBatch } from "../../support/kafka-wire-client.ts";
import { Interop, until } from "../../support/interop.ts";
import { api } from "../../support/users.ts";

const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-dedup-"));
let all: Interop;
before(async () => {
  all = await Interop.start({ dataDir });
});
after(async () => {
  await all.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

type By = "message-id" | "key" | "header:order";

/** What one message is known by; without one of them where it is undefined. */
interface Ids {
  readonly messageId?: string | undefined;
  readonly key?: string | undefined;
  readonly order?: string | undefined;
}

interface Sent extends Ids {
  readonly body: string;
}

interface Way {
  readonly name: string;
  /** Sends the messages, in one batch or transaction where the way has one, to `q`, which is bound to the fanout exchange `x`. */
  readonly send: (q: string, x: string, messages: readonly Sent[]) => Promise<unknown>;
}

const fieldsOf = ({ body, messageId, key, order }: Sent): Record<string, string> => ({
  body,
  ...(messageId === undefined ? {} : { "message-id": messageId }),
  ...(key === undefined ? {} : { key }),
  ...(order === undefined ? {} : { order }),
});

const recordOf = ({ body, messageId, key, order }: Sent) => ({
  key: key ?? null,
  value: body,
  headers: {
    ...(messageId === undefined ? {} : { "message-id": messageId }),
    ...(order === undefined ? {} : { order }),
  },
});

async function oneByOne(messages: readonly Sent[], send: (message: Sent) => Promise<unknown>): Promise<void> {
  for (const message of messages) await send(message);
}

/** A transaction by hand: amqplib has none. */
async function commit(exchange: string, messages: readonly Sent[]): Promise<void> {
  const client = await RawClient.ready(all.broker.amqpUrl);
  client.send(method(1, 90, 10));
  await client.method("90.11");
  for (const { body, messageId, key = "", order } of messages) {
    const headers: Record<string, string> = order === undefined ? {} : { order };
    client.send(publishHeaders(1, exchange, key, headers, Buffer.from(body), messageId));
  }
  client.send(method(1, 90, 20));
  await client.method("90.21");
  client.socket.destroy();
}

async function multi(key: string, messages: readonly Sent[]): Promise<void> {
  const transaction = all.redis.multi();
  for (const message of messages) transaction.xadd(key, "*", ...Object.entries(fieldsOf(message)).flat());
  await transaction.exec();
}

const publishOne = (x: string, { body, messageId, key = "", order }: Sent): Promise<void> =>
  all.publish(x, key, body, {
    persistent: true,
    mandatory: true,
    ...(messageId === undefined ? {} : { messageId }),
    ...(order === undefined ? {} : { headers: { order } }),
  });

const ways: readonly Way[] = [
  {
    name: "basic.publish with confirms",
    send: (_q, x, messages) => oneByOne(messages, (message) => publishOne(x, message)),
  },
  { name: "tx.commit", send: (_q, x, messages) => commit(x, messages) },
  {
    name: "XADD onto the key",
    send: (q, _x, messages) => oneByOne(messages, (message) => all.xadd(q, fieldsOf(message))),
  },
  {
    name: "XADD through an exchange",
    send: (_q, x, messages) => oneByOne(messages, (message) => all.xadd(x, fieldsOf(message))),
  },
  { name: "MULTI", send: (q, _x, messages) => multi(q, messages) },
  {
    name: "produce to the queue, one by one",
    send: (q, _x, messages) => oneByOne(messages, (message) => all.produce(q, recordOf(message))),
  },
  {
    name: "produce to the queue, a batch",
    send: (q, _x, messages) => all.producer.send({ topic: q, messages: messages.map(recordOf) }),
  },
  {
    name: "produce to an exchange",
    send: (_q, x, messages) => all.producer.send({ topic: x, messages: messages.map(recordOf) }),
  },
];

const kinds = ["queue", "stream"] as const;
const bys: readonly By[] = ["message-id", "key", "header:order"];

async function makeDestination(
  name: string,
  kind: (typeof kinds)[number],
  args: object,
): Promise<{ q: string; x: string }> {
  const x = `${name}.x`;
  await all.channel.assertExchange(x, "fanout");
  const type = kind === "stream" ? { "x-queue-type": "stream" } : {};
  await all.channel.assertQueue(name, { durable: true, arguments: { ...type, ...args } });
  await all.channel.bindQueue(name, x, "");
  return { q: name, x };
}

async function bodies(q: string): Promise<string> {
  return (await all.entries(q)).map(({ text }) => text["body"] ?? "").join(" ");
}

/** Of all destinations. */
async function deduplicated(): Promise<Map<string, number>> {
  const { body } = await api(all.broker, "GET", "troika/destinations");
  const items = body as { readonly name: string; readonly messages_deduplicated?: number }[];
  return new Map(items.map(({ name, messages_deduplicated: count }) => [name, count ?? 0]));
}

/** The id `name` in the place that `by` looks at, and other ones in the other places. */
function known(by: By, name: string, body: string): Sent {
  const other = `other-${body}`;
  return {
    body,
    messageId: by === "message-id" ? name : other,
    key: by === "key" ? name : other,
    order: by === "header:order" ? name : other,
  };
}

function unknown(by: By, body: string): Sent {
  const { [by === "header:order" ? "order" : by === "key" ? "key" : "messageId"]: _none, ...rest } = known(
    by,
    "",
    body,
  );
  return rest;
}

const nameOf = (way: Way, by: By, kind: string): string =>
  `d-${ways.indexOf(way)}-${by.replace(":", "-")}-${kind}`;

it("the matrix: copies are dropped, counted and confirmed; a kill changes nothing", async () => {
  const each = async (
    work: (way: Way, by: By, kind: (typeof kinds)[number], q: string) => Promise<void>,
  ): Promise<void> => {
    for (const way of ways)
      await Promise.all(bys.flatMap((by) => kinds.map((kind) => work(way, by, kind, nameOf(way, by, kind)))));
  };
  await each(async (way, by, kind, name) => {
    const { q, x } = await makeDestination(name, kind, { "x-dedup-window-ms": 600_000, "x-dedup-by": by });
    const first = [known(by, "1", "a"), known(by, "1", "b"), unknown(by, "c"), unknown(by, "d")];
    await way.send(q, x, [...first, known(by, "2", "e"), known(by, "2", "f")]);
    await way.send(q, x, [known(by, "1", "g"), known(by, "3", "h")]);
    assert.equal(await bodies(q), "a c d e h", `${way.name}, ${by}, ${kind}`);
  });
  // By a policy instead of arguments; its name says to which streams.
  const policy = { pattern: "^ruled", definition: { "dedup-window-ms": 600_000 }, "apply-to": "streams" };
  assert.equal((await api(all.broker, "PUT", "policies/%2F/ruled", policy)).status, 201);
  await all.admin.createTopics({ topics: [{ topic: "ruled-topic", numPartitions: 2 }] });
  const ruled = async (body: string): Promise<void> => {
    await all.xadd("ruled-stream", { body, "message-id": "1" });
    const record = { key: "k", value: body, headers: { "message-id": "1" } };
    await all.producer.send({ topic: "ruled-topic", messages: [record] });
  };
  await ruled("a");
  const counts = await deduplicated();
  await each(async (_way, _by, _kind, name) => assert.equal(counts.get(name), 3, name));
  assert.equal(
    await all.broker.metric("troikamq_messages_deduplicated_total"),
    3 * ways.length * bys.length * kinds.length,
  );

  await all.crash();
  all = await Interop.start({ dataDir });
  await each(async (way, by, kind, name) => {
    await way.send(name, `${name}.x`, [known(by, "2", "i"), known(by, "3", "j"), known(by, "4", "k")]);
    assert.equal(await bodies(name), "a c d e h k", `${way.name}, ${by}, ${kind}, after a kill`);
  });
  await ruled("b");
  assert.equal(await bodies("ruled-stream"), "a");
  assert.deepEqual(
    (await all.fetch("ruled-topic", 1)).map(({ value }) => String(value)),
    ["a"],
  );
  assert.equal((await deduplicated()).get("ruled-topic"), 1);
});

it("the same id is a copy whatever protocol it comes by; XADD is answered the id of the entry that is there", async () => {
  const { q, x } = await makeDestination("across", "stream", { "x-dedup-window-ms": 600_000 });
  await publishOne(x, { body: "amqp", messageId: "m1" });
  await all.produce(q, { value: "kafka", headers: { "message-id": "m1" } });
  await all.produce(q, { value: "kafka as from AMQP", headers: { "amqp.message-id": "m1" } });
  const id = await all.xadd(q, { body: "redis", "message-id": "m1" });
  const entries = await all.entries(q);
  assert.deepEqual(
    entries.map((entry) => [entry.id, entry.text["body"]]),
    [[id, "amqp"]],
  );
  await all.redis.xdel(q, id!);
  assert.equal(await all.xadd(q, { body: "again", "message-id": "m1" }), null, "it is still a copy");
  assert.equal(await bodies(q), "");
});

it("a Kafka producer is told the offset of the record that its copy is one of", async () => {
  const { q } = await makeDestination("offsets", "stream", {
    "x-dedup-window-ms": 600_000,
    "x-dedup-by": "key",
  });
  assert.equal(await all.produce(q, { key: "a", value: "1" }), 0);
  assert.equal(await all.produce(q, { key: "b", value: "2" }), 1);
  assert.equal(await all.produce(q, { key: "a", value: "3" }), 0);
  const messages = ["a", "b", "c", "d", "c"].map((key, i) => ({ key, value: `batch ${i}` }));
  const [result] = await all.producer.send({ topic: q, messages });
  assert.equal(result!.baseOffset, "2", "of the first that is stored");
  assert.deepEqual(
    (await all.fetch(q, 4)).map(({ offset, key }) => [offset, String(key)]),
    ["a", "b", "c", "d"].map((key, offset) => [`${offset}`, key]),
  );
});

it("a message that a full queue refuses is not remembered; a copy is confirmed though the queue is full", async () => {
  const bound = { "x-max-length": 1, "x-overflow": "reject-publish" };
  const { q, x } = await makeDestination("full", "queue", { "x-dedup-window-ms": 600_000, ...bound });
  await publishOne(x, { body: "first", messageId: "1" });
  await assert.rejects(publishOne(x, { body: "refused", messageId: "2" }));
  await publishOne(x, { body: "copy", messageId: "1" });
  await all.channel.purgeQueue(q);
  await publishOne(x, { body: "copy after a purge", messageId: "1" });
  await publishOne(x, { body: "again", messageId: "2" });
  assert.equal(await bodies(q), "again");
});

it("each destination of a fan-out decides for itself", async () => {
  const { q, x } = await makeDestination("one", "queue", { "x-dedup-window-ms": 600_000 });
  await all.channel.assertQueue("two", { durable: true });
  await all.channel.bindQueue("two", x, "");
  await publishOne(x, { body: "a", messageId: "1" });
  await publishOne(x, { body: "b", messageId: "1" });
  assert.deepEqual([await bodies(q), await bodies("two")], ["a", "a b"]);
});

it("the routing key of the default exchange names the queue, and is no key", async () => {
  const { q } = await makeDestination("by-key", "queue", {
    "x-dedup-window-ms": 600_000,
    "x-dedup-by": "key",
  });
  for (const body of ["a", "b"]) await all.publish("", q, body);
  for (const body of ["c", "d"]) await all.publish("", q, body, { headers: { "x-key": "k" } });
  assert.equal(await bodies(q), "a b c");
});

it("PUBLISH through amq.topic: the channel is the key", async () => {
  const { q } = await makeDestination("channels", "queue", {
    "x-dedup-window-ms": 600_000,
    "x-dedup-by": "key",
  });
  await all.channel.bindQueue(q, "amq.topic", "news.#");
  for (const [channel, text] of [
    ["news.a", "1"],
    ["news.a", "2"],
    ["news.b", "3"],
  ] as const)
    await all.redis.publish(channel, text);
  assert.equal(await bodies(q), "1 3");
});

it("a policy that comes begins with an empty window; one that goes forgets; deleting the queue forgets", async () => {
  const { q, x } = await makeDestination("governed", "queue", {});
  const policy = { pattern: `^${q}$`, definition: { "dedup-window-ms": 600_000 }, "apply-to": "queues" };
  const send = (body: string): Promise<void> => publishOne(x, { body, messageId: "1" });
  await send("a");
  assert.equal((await api(all.broker, "PUT", "policies/%2F/dedup", policy)).status, 201);
  await send("b");
  await send("c");
  assert.equal((await api(all.broker, "DELETE", "policies/%2F/dedup")).status, 204);
  await send("d");
  assert.equal((await api(all.broker, "PUT", "policies/%2F/dedup", policy)).status, 201);
  await send("e");
  await send("f");
  assert.equal(await bodies(q), "a b d e");
  await all.channel.deleteQueue(q);
  await makeDestination("governed", "queue", {});
  await send("g");
  assert.equal(await bodies(q), "g");
  const wrong = { ...policy, definition: { "dedup-window-ms": 1000, "dedup-by": "header:" } };
  assert.equal((await api(all.broker, "PUT", "policies/%2F/wrong", wrong)).status, 400);
});

it("after the window the same id is a new message", async () => {
  const { q, x } = await makeDestination("short", "queue", { "x-dedup-window-ms": 100 });
  const from = Date.now();
  await publishOne(x, { body: "first", messageId: "1" });
  await until(async () => {
    await publishOne(x, { body: "later", messageId: "1" });
    return (await bodies(q)) === "first later" ? true : undefined;
  });
  assert.ok(Date.now() - from >= 100);
});

it("a message that waits counts from when it was accepted; what the broker moves itself is no copy", async () => {
  const args = {
    "x-dedup-window-ms": 600_000,
    "x-delay-allowed": true,
    "x-retry-limit": 3,
    "x-retry-backoff-ms": 1,
  };
  const { q, x } = await makeDestination("moved", "queue", args);
  const options = { messageId: "1", headers: { "x-delay": 50 }, persistent: true };
  await all.publish(x, "", "waits", options);
  await all.publish(x, "", "copy", options);
  const channel = await all.newChannel();
  const seen: string[] = [];
  await channel.consume(q, (message) => {
    seen.push(message!.content.toString());
    channel.nack(message!, false, false);
  });
  await until(async () => ((await bodies("moved.dead").catch(() => "")) === "waits" ? true : undefined));
  assert.deepEqual(seen, ["waits", "waits", "waits"]);
  assert.equal((await deduplicated()).get(q), 1);
});

it("an idempotent producer's batch that is sent again is known by its sequence; new sequences are looked at", async () => {
  const args = { "x-dedup-window-ms": 600_000, "x-dedup-by": "key" };
  const { q } = await makeDestination("sequences", "stream", args);
  const client = await KafkaWireClient.connect(all.broker.ports.kafka);
  const { producerId } = await client.request("InitProducerId", 4, {
    transactionalId: null,
    transactionTimeoutMs: 1000,
  });
  const send = async (baseSequence: number, keys: readonly string[]): Promise<readonly number[]> => {
    const ids = { timestamp: Date.now(), producerId, producerEpoch: 0, baseSequence };
    const records = makeBatch({ ...ids, keys, values: keys.map((key) => `${key} ${baseSequence}`) });
    const topicData = [{ name: q, partitionData: [{ index: 0, records }] }];
    const { responses } = await client.request("Produce", 9, { acks: -1, timeoutMs: 1000, topicData });
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
    return [errorCode, baseOffset];
  };
  assert.deepEqual(await send(0, ["a", "b"]), [0, 0]);
  assert.deepEqual(await send(2, ["b", "c", "a"]), [0, 2], "one of three is new");
  assert.deepEqual(await send(2, ["b", "c", "a"]), [0, 2], "the library sends it again");
  assert.deepEqual(await send(5, ["a"]), [0, 0], "the application does");
  assert.equal((await deduplicated()).get(q), 3);
  assert.deepEqual(await send(6, ["c"]), [0, 2]);
  assert.deepEqual(await send(7, ["d"]), [0, 3]);
  client.close();
});

it("what is rolled back, discarded or refused as a whole is not remembered", async () => {
  const bound = { "x-max-length": 2, "x-overflow": "reject-publish" };
  const { q, x } = await makeDestination("undone", "queue", { "x-dedup-window-ms": 600_000, ...bound });
  const client = await RawClient.ready(all.broker.amqpUrl);
  client.send(method(1, 90, 10));
  await client.method("90.11");
  client.send(publishHeaders(1, x, "", {}, Buffer.from("rolled back"), "1"), method(1, 90, 30));
  await client.method("90.31");
  client.socket.destroy();
  await all.redis.multi({ pipeline: false });
  assert.equal(await all.xadd(q, { body: "discarded", "message-id": "1" }), "QUEUED");
  await all.redis.discard();
  const ids = ["1", "2", "3"];
  const tooMany = await RawClient.ready(all.broker.amqpUrl);
  tooMany.send(method(1, 90, 10));
  await tooMany.method("90.11");
  for (const id of ids) tooMany.send(publishHeaders(1, x, "", {}, Buffer.from("too many"), id));
  tooMany.send(method(1, 90, 20));
  await tooMany.method("20.40");
  tooMany.socket.destroy();
  await commit(x, [
    { body: "a", messageId: "1" },
    { body: "b", messageId: "2" },
  ]);
  await commit(x, [{ body: "copy", messageId: "1" }]);
  assert.equal(await bodies(q), "a b");
});

it("a header that is no text counts by its text, whatever protocol sends it", async () => {
  const args = { "x-dedup-window-ms": 600_000, "x-dedup-by": "header:order" };
  const { q, x } = await makeDestination("numbers", "stream", args);
  await all.publish(x, "", "number", { headers: { order: 5 } });
  await all.publish(x, "", "text", { headers: { order: "5" } });
  await all.produce(q, { value: "bytes", headers: { order: Buffer.from("5") } });
  await all.xadd(q, { body: "field", order: "5" });
  await all.publish(x, "", "empty", { headers: { order: "" } });
  await all.publish(x, "", "empty too", { headers: { order: "" } });
  for (const body of ["long", "long too"]) await all.xadd(q, { body, order: "x".repeat(4097) });
  for (const body of ["longest", "copy"]) await all.xadd(q, { body, order: "x".repeat(4096) });
  assert.equal(await bodies(q), "number empty empty too long long too longest");
});

it("a queue in memory remembers too; a stream that is renamed keeps what it knows", async () => {
  const args = { "x-dedup-window-ms": 600_000 };
  await all.channel.assertQueue("fleeting", { durable: false, arguments: args });
  await all.channel.assertExchange("fleeting.x", "fanout");
  await all.channel.bindQueue("fleeting", "fleeting.x", "");
  for (const body of ["a", "b"]) await publishOne("fleeting.x", { body, messageId: "1" });
  assert.equal(await bodies("fleeting"), "a");
  const policy = { pattern: "^r[12]$", definition: { "dedup-window-ms": 600_000 }, "apply-to": "streams" };
  assert.equal((await api(all.broker, "PUT", "policies/%2F/renamed", policy)).status, 201);
  const id = await all.xadd("r1", { body: "a", "message-id": "1" });
  await all.redis.rename("r1", "r2");
  assert.equal(await all.xadd("r2", { body: "b", "message-id": "1" }), id);
  await all.redis.rename("r2", "elsewhere");
  assert.notEqual(await all.xadd("elsewhere", { body: "c", "message-id": "1" }), id);
});
