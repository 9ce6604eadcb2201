/** Messages are looked at in each state and of each protocol, and what is delivered later is as if nobody had looked. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib, { type Channel, type ChannelModel, type GetMessage } from "amqplib";
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { api, basic, makeUser, nothingAllowed } from "../../support/users.ts";
import { until } from "../../support/wait.ts";

/** More than the deliveries that a quorum queue allows. */
const looks = 22;

let broker: TestBroker;
let connection: ChannelModel;

before(async () => {
  broker = await startTestBroker();
  connection = await amqplib.connect(broker.amqpUrl);
  connection.on("error", () => {});
});

after(async () => {
  await connection.close();
  await broker.stop();
});

interface Shown {
  readonly offset: number;
  readonly time: number;
  readonly state: string;
  readonly delivery_count: number | null;
  readonly redelivered: boolean;
  readonly held_since?: number;
  readonly held_by?: {
    readonly consumer_tag: string | null;
    readonly channel_details: { readonly name: string; readonly number: number; readonly user: string };
  } | null;
  readonly due?: number;
  readonly waits_for?: string;
  readonly exchange: string;
  readonly routing_key: string;
  readonly properties: { readonly headers?: Readonly<Record<string, unknown>>; readonly message_id?: string };
  readonly payload: string;
  readonly payload_encoding: string;
  readonly payload_bytes: number;
}

interface Page {
  readonly messages: readonly Shown[];
  readonly next: number | null;
}

async function look(name: string, query = ""): Promise<Page> {
  const { status, body } = await api(broker, "GET", `troika/messages/%2F/${name}?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body as Page;
}

const payloads = ({ messages }: Page): string[] => messages.map(({ payload }) => payload);

async function refusal(path: string, user = "guest"): Promise<{ status: number; reason: string }> {
  const { status, body } = await api(broker, "GET", `troika/messages/${path}`, undefined, basic(user, user));
  return { status, reason: (body as { reason: string }).reason };
}

async function factsOf(name: string): Promise<object> {
  const { body } = await api(broker, "GET", `queues/%2F/${name}`);
  const { body: all } = await api(broker, "GET", `troika/destinations/%2F?name=${name}`);
  const shown = body as Record<string, unknown>;
  const counts = ["messages", "messages_ready", "messages_unacknowledged", "message_stats", "consumers"];
  return { ...Object.fromEntries(counts.map((count) => [count, shown[count]])), destination: all };
}

const retry = { "x-retry-limit": 9, "x-retry-backoff-ms": 600_000, "x-retry-max-ms": 600_000 };
const queues: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  classic: retry,
  quorum: { ...retry, "x-queue-type": "quorum" },
  priority: { ...retry, "x-max-priority": 5 },
  history: { ...retry, "x-history-ms": 600_000 },
};

async function got(channel: Channel, queue: string): Promise<GetMessage> {
  const message = await channel.get(queue);
  assert.ok(message !== false);
  return message;
}

/** Of six messages one waits, one was acknowledged, two are held, one was given back and one is new; in that order of delivery. */
async function prepare(queue: string): Promise<Channel> {
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { arguments: queues[queue.split(".")[0]!] });
  for (let at = 0; at < 6; at++)
    channel.sendToQueue(queue, Buffer.from(`m${at}`), { priority: at === 5 ? 3 : 1, headers: { at } });
  await channel.waitForConfirms();
  channel.nack(await got(channel, queue), false, false);
  channel.ack(await got(channel, queue));
  await got(channel, queue);
  channel.nack(await got(channel, queue));
  await channel.prefetch(1);
  const taken = new Promise((resolve) => void channel.consume(queue, resolve, { consumerTag: `t-${queue}` }));
  await taken;
  channel.nack(await got(channel, queue));
  return channel;
}

/** All that is delivered once nothing is held, with the marks. */
async function delivered(queue: string): Promise<unknown[]> {
  const channel = await connection.createChannel();
  const seen: unknown[] = [];
  for (let message = await channel.get(queue); message !== false; message = await channel.get(queue)) {
    seen.push([message.content.toString(), message.fields.redelivered, message.properties.headers]);
  }
  await channel.close();
  return seen;
}

for (const kind of Object.keys(queues)) {
  test(`${kind}: each state is shown, and looking changes nothing`, async () => {
    const [name, twin] = [`${kind}.looked`, `${kind}.twin`];
    const [channel, other] = [await prepare(name), await prepare(twin)];
    const [m0, m1, m2, m3, m4, m5] =
      kind === "priority" ? ([5, 0, 1, 2, 3, 4] as const) : ([0, 1, 2, 3, 4, 5] as const);
    const facts = await factsOf(name);
    const expected: Readonly<Record<string, readonly number[]>> = {
      ready: [m4, m5],
      unacked: [m2, m3],
      waiting: [m0],
      history: kind === "history" ? [m1] : [],
      all: [m0, m2, m3, m4, m5, ...(kind === "history" ? [m1] : [])].toSorted((a, b) => a - b),
    };
    for (const [state, offsets] of Object.entries(expected)) {
      const { messages, next } = await look(name, `state=${state}`);
      assert.deepEqual(
        messages.map(({ offset }) => offset),
        offsets,
        state,
      );
      assert.equal(next, null);
      for (const each of messages) {
        assert.deepEqual(
          [each.payload, each.payload_encoding, each.payload_bytes, each.exchange, each.routing_key],
          [`m${each.offset}`, "string", 2, "", name],
        );
        assert.deepEqual(each.properties.headers, { at: each.offset });
        assert.ok(Math.abs(each.time - Date.now()) < 60_000);
        if (state !== "all") assert.equal(each.state, state);
      }
    }
    const { messages } = await look(name, "state=all");
    const byOffset = new Map(messages.map((each) => [each.offset, each]));
    const counts = [m0, m2, m3, m4, m5].map((offset) => byOffset.get(offset)!);
    assert.deepEqual(
      counts.map((each) => [each.delivery_count, each.redelivered]),
      [
        [1, true],
        [1, false],
        [2, true],
        [1, true],
        [0, false],
      ],
    );
    assert.equal(byOffset.get(m0)!.waits_for, "retry");
    const due = byOffset.get(m0)!.due! - Date.now();
    assert.ok(due > 500_000 && due <= 600_000, String(due));
    const holders = [m2, m3].map((offset) => byOffset.get(offset)!);
    assert.deepEqual(
      holders.map(({ held_by: by }) => [by!.consumer_tag, by!.channel_details.user]),
      [
        [null, "guest"],
        [`t-${name}`, "guest"],
      ],
    );
    for (const { held_since: since, held_by: by } of holders) {
      assert.ok(Math.abs(since! - Date.now()) < 60_000);
      assert.match(by!.channel_details.name, /^127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+ \(\d+\)$/);
    }
    for (let at = 0; at < looks; at++) await look(name, "state=all&limit=3");
    assert.deepEqual(await factsOf(name), facts);
    await channel.close();
    await other.close();
    const later = await delivered(name);
    assert.equal(later.length, 4);
    assert.deepEqual(later, await delivered(twin));
  });
}

test("pages, cuts and bytes that are no text", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("paged");
  for (let at = 0; at < 7; at++) channel.sendToQueue("paged", Buffer.from(`message ${at}`));
  channel.sendToQueue("paged", Buffer.from([0xff, 0x00, 0xfe]), { messageId: "bytes" });
  await channel.waitForConfirms();
  const seen: string[] = [];
  let pages = 0;
  for (let next: number | null = 0; next !== null; pages++) {
    const page = await look("paged", `from=${next}&limit=3&truncate=9`);
    seen.push(...payloads(page));
    next = page.next;
  }
  assert.equal(pages, 3);
  assert.deepEqual(seen, [...Array.from({ length: 7 }, (_, at) => `message ${at}`), "/wD+"]);
  const { messages } = await look("paged", "from=6&truncate=3");
  assert.deepEqual(
    messages.map((each) => [
      each.payload,
      each.payload_encoding,
      each.payload_bytes,
      each.properties.message_id,
    ]),
    [
      ["mes", "string", 9, undefined],
      ["/wD+", "base64", 3, "bytes"],
    ],
  );
  assert.deepEqual(payloads(await look("paged", "limit=1&encoding=base64")), ["bWVzc2FnZSAw"]);
  assert.deepEqual(payloads(await look("paged", "from=last&limit=2")), ["message 6", "/wD+"]);
  assert.deepEqual(payloads(await look("paged", `from=${new Date(Date.now() + 60_000).toISOString()}`)), []);
  assert.equal(payloads(await look("paged", "from=2026-01-01T00:00Z")).length, 8);

  await channel.assertQueue("large");
  for (let at = 0; at < 3; at++) channel.sendToQueue("large", Buffer.alloc(1_500_000, "x"));
  await channel.waitForConfirms();
  const page = await look("large");
  assert.deepEqual([page.messages.length, page.next], [2, 2]);
  assert.equal((await look("large", "from=2")).next, null);
  await channel.close();
});

test("a filter chooses by headers, properties and bodies, whatever protocol wrote them", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("chosen");
  for (let at = 0; at < 6; at++)
    channel.sendToQueue(
      "chosen",
      Buffer.from(`{"amount":${at * 10},"currency":"${at % 2 ? "EUR" : "USD"}"}`),
      {
        messageId: `m${at}`,
        headers: { at, who: at < 3 ? "alice" : "bob" },
      },
    );
  await channel.waitForConfirms();
  const offsets = async (filter: string, query = ""): Promise<number[]> => {
    const { messages } = await look("chosen", `filter=${encodeURIComponent(filter)}${query}`);
    return messages.map(({ offset }) => offset);
  };
  assert.deepEqual(await offsets('body ~ "EUR"'), [1, 3, 5]);
  assert.deepEqual(await offsets("body ~ EUR and header.at > 2"), [3, 5]);
  assert.deepEqual(await offsets("header.who = alice and message-id != m0", "&truncate=0"), [1, 2]);
  assert.deepEqual(await offsets("body ~ EUR", "&limit=2"), [1, 3]);
  assert.deepEqual(await offsets("deliveries = 0 and key = chosen and exchange = ''"), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(await offsets(`time > ${new Date(Date.now() + 60_000).toISOString()}`), []);
  await channel.get("chosen");
  assert.deepEqual(await offsets("header.who = alice", "&state=unacked"), [0]);
  const { status, reason } = await refusal("%2F/chosen?filter=colour%20=%20red", "guest");
  assert.equal(status, 400);
  assert.match(reason, /'colour' is no field/);
  await channel.close();

  const redis = await RawRedis.open(broker.ports.redis);
  for (const user of ["alice", "bob"]) await redis.call("xadd", "chosen:entries", "*", "user", user);
  await redis.close();
  const { messages } = await look("chosen:entries", "filter=header.user%20=%20bob");
  assert.deepEqual(
    messages.map(({ offset }) => offset),
    [1],
  );
});

test("streams, Redis streams and partitions of Kafka topics", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("log", { arguments: { "x-queue-type": "stream" } });
  for (const text of ["a", "b", "c"]) channel.sendToQueue("log", Buffer.from(text), { messageId: text });
  await channel.waitForConfirms();
  await channel.prefetch(1);
  const held = new Promise((resolve) => {
    void channel.consume("log", resolve, { arguments: { "x-stream-offset": "first" } });
  });
  await held;
  const { messages } = await look("log", "from=1");
  assert.deepEqual(
    messages.map(({ offset, state, payload, properties, delivery_count: count }) => [
      offset,
      state,
      payload,
      properties.message_id,
      count,
    ]),
    [
      [1, "ready", "b", "b", null],
      [2, "ready", "c", "c", null],
    ],
  );
  for (const state of ["unacked", "waiting", "history"])
    assert.deepEqual(payloads(await look("log", `state=${state}`)), [], state);
  await channel.close();

  const redis = await RawRedis.open(broker.ports.redis);
  const ids: string[] = [];
  for (const value of ["one", "two", "three"])
    ids.push(await redis.call("xadd", "rstream", "*", "field", value));
  await redis.call("xgroup", "create", "rstream", "g", "0");
  await redis.call("xreadgroup", "group", "g", "c", "count", "1", "streams", "rstream", ">");
  const pending = await redis.call("xpending", "rstream", "g");
  await redis.call("xdel", "rstream", /\d+-\d+/.exec(ids[1]!)![0]);
  const ofRedis = (await look("rstream", "state=all")).messages;
  assert.deepEqual(
    ofRedis.map(({ offset, state, payload }) => [offset, state, JSON.parse(payload)]),
    [
      [0, "ready", { field: "one" }],
      [2, "ready", { field: "three" }],
    ],
  );
  assert.equal(await redis.call("xpending", "rstream", "g"), pending);
  await redis.close();

  const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.ports.kafka}`], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "topic", numPartitions: 2 }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({
    topic: "topic",
    compression: CompressionTypes.GZIP,
    messages: [1, 2, 3].map((n) => ({
      key: `k${n}`,
      value: `v${n}`,
      headers: { n: String(n) },
      partition: 1,
    })),
  });
  await producer.disconnect();
  const ofKafka = (await look("topic-1", "from=1")).messages;
  assert.deepEqual(
    ofKafka.map(({ offset, routing_key: key, payload, properties }) => [
      offset,
      key,
      payload,
      properties.headers!["n"],
    ]),
    [
      [1, "k2", "v2", "2"],
      [2, "k3", "v3", "3"],
    ],
  );
  assert.deepEqual(payloads(await look("topic-0")), []);
  const whole = await refusal("%2F/topic");
  assert.equal(whole.status, 404);
  assert.match(whole.reason, /topic 'topic' .* has 2 partitions: look at 'topic-0' to 'topic-1'/);
});

test("who may not read the queue sees nothing of it", async () => {
  const channel = await connection.createChannel();
  for (const name of ["mine", "theirs"]) await channel.assertQueue(name);
  const { queue: own } = await channel.assertQueue("", { exclusive: true });
  await makeUser(broker, "reader", "reader", { ...nothingAllowed, read: "^mine$" }, "management");
  await makeUser(broker, "writer", "writer", { configure: ".*", write: ".*", read: "" }, "management");
  await makeUser(broker, "untagged", "untagged", { configure: ".*", write: ".*", read: ".*" });
  await makeUser(broker, "stranger", "stranger", null, "administrator");
  const statusOf = async (path: string, user: string) => (await refusal(path, user)).status;
  assert.equal(await statusOf("%2F/mine", "reader"), 200);
  for (const [path, user, status] of [
    ["%2F/theirs", "reader", 401],
    ["%2F/none", "reader", 401],
    ["%2F/mine", "writer", 401],
    ["%2F/mine", "untagged", 401],
    ["%2F/mine", "stranger", 401],
    ["nowhere/mine", "reader", 401],
    ["%2F/none", "guest", 404],
    [`%2F/${own}`, "guest", 400],
    ["%2F/mine?state=gone", "guest", 400],
    ["%2F/mine?limit=0", "guest", 400],
    ["%2F/mine?limit=1001", "guest", 400],
    ["%2F/mine?from=soon", "guest", 400],
    ["%2F/mine?truncate=-1", "guest", 400],
    ["%2F/mine?encoding=hex", "guest", 400],
  ] as const)
    assert.equal(await statusOf(path, user), status, `${path} ${user}`);
  assert.match(
    (await refusal("%2F/theirs", "reader")).reason,
    /^ACCESS_REFUSED - read access to queue 'theirs'/,
  );
  await channel.close();
});

test("after a kill: what waited waits, what was given back has its count", async () => {
  const channel = await prepare("quorum.killed");
  await channel.close();
  await connection.close();
  await broker.kill();
  await broker.restart();
  connection = await amqplib.connect(broker.amqpUrl);
  const { messages } = await until(async () => {
    const page = await look("quorum.killed", "state=all");
    return page.messages.length === 5 ? page : undefined;
  });
  assert.deepEqual(
    messages.map(({ payload, state, delivery_count: count }) => [payload, state, count]),
    [
      ["m0", "waiting", 1],
      ["m2", "ready", 1],
      ["m3", "ready", 2],
      ["m4", "ready", 1],
      ["m5", "ready", 0],
    ],
  );
  assert.equal((await delivered("quorum.killed")).length, 4);
});
