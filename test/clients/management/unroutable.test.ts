/** What no queue took is sampled with its publisher, whatever protocol it came by; the count is exact and a flood is not copied. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib, { type ChannelModel } from "amqplib";
import { Kafka, logLevel } from "kafkajs";
import { limits } from "../../../src/base/limits.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { api, basic, makeUser, nothingAllowed } from "../../support/users.ts";
import { until } from "../../support/wait.ts";

let broker: TestBroker;
let connection: ChannelModel;

before(async () => {
  broker = await startTestBroker();
  connection = await amqplib.connect(broker.amqpUrl, { clientProperties: { connection_name: "shop" } });
});

after(async () => {
  await connection.close();
  await broker.stop();
});

interface Shown {
  readonly vhost: string;
  readonly exchange: string;
  readonly routing_key: string;
  readonly time: number;
  readonly cause: string;
  readonly returned: boolean;
  readonly publisher: {
    readonly protocol: string;
    readonly user: string;
    readonly client_name: string;
    readonly connection_name: string;
    readonly peer_host: string;
    readonly peer_port: number;
  } | null;
  readonly properties: {
    readonly headers?: Readonly<Record<string, unknown>>;
    readonly message_id?: string;
  } | null;
  readonly payload: string;
  readonly payload_bytes: number;
}

interface Answer {
  readonly messages: readonly Shown[];
  readonly exchanges: readonly { readonly name: string; readonly unroutable: number | null }[];
}

async function unroutable(path: string, user = "guest"): Promise<Answer> {
  const { status, body } = await api(broker, "GET", `troika/unroutable${path}`, undefined, basic(user, user));
  assert.equal(status, 200, JSON.stringify(body));
  return body as Answer;
}

test("AMQP, with and without mandatory, and over HTTP", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange("orders", "direct");
  await channel.assertQueue("taken");
  await channel.bindQueue("taken", "orders", "taken");
  channel.publish("orders", "taken", Buffer.from("taken"));
  channel.publish("orders", "lost", Buffer.from("one"), { messageId: "m1", headers: { tenant: "a" } });
  channel.publish("orders", "lost too", Buffer.from("two"), { mandatory: true });
  await channel.waitForConfirms();
  await channel.close();
  const { body } = await api(broker, "POST", "exchanges/%2F/orders/publish", {
    properties: {},
    routing_key: "by http",
    payload: "three",
    payload_encoding: "string",
  });
  assert.deepEqual(body, { routed: false });

  const { messages, exchanges } = await unroutable("/%2F?exchange=orders");
  assert.deepEqual(exchanges, [{ vhost: "/", name: "orders", unroutable: 3 }]);
  const seen = messages.toSorted((a, b) => (a.payload < b.payload ? -1 : 1));
  assert.deepEqual(
    seen.map(({ payload, routing_key: key, returned, cause, publisher }) => [
      payload,
      key,
      returned,
      cause,
      publisher!.protocol,
      publisher!.user,
      publisher!.client_name,
    ]),
    [
      ["one", "lost", false, "published", "amqp", "guest", "shop"],
      ["three", "by http", true, "published", "http", "guest", ""],
      ["two", "lost too", true, "published", "amqp", "guest", "shop"],
    ],
  );
  const [one] = seen;
  assert.deepEqual([one!.properties!.message_id, one!.properties!.headers], ["m1", { tenant: "a" }]);
  assert.match(one!.publisher!.connection_name, /^127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+$/);
  const { body: connections } = await api(broker, "GET", "connections?columns=name");
  assert.ok((connections as { name: string }[]).some(({ name }) => name === one!.publisher!.connection_name));
  assert.ok(Math.abs(one!.time - Date.now()) < 60_000);
});

test("Kafka and Redis", async () => {
  const channel = await connection.createChannel();
  await channel.assertExchange("events", "topic");
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${broker.ports.kafka}`],
    clientId: "till",
    logLevel: logLevel.NOTHING,
  });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: "events", messages: [{ key: "k1", value: "v1", headers: { h: "x" } }] });
  await producer.disconnect();
  const redis = await RawRedis.open(broker.ports.redis);
  await redis.call("client", "setname", "cart");
  await redis.call("xadd", "events", "*", "routing_key", "k2", "body", "v2", "h", "y");
  const script = "return redis.call('xadd', 'events', '*', 'routing_key', 'k3', 'body', 'v3')";
  await redis.call("eval", script, "1", "events");
  const { messages, exchanges } = await unroutable("?exchange=events");
  assert.deepEqual(exchanges, [{ vhost: "/", name: "events", unroutable: 3 }]);
  assert.deepEqual(
    messages
      .toSorted((a, b) => (a.payload < b.payload ? -1 : 1))
      .map((each) => [
        each.payload,
        each.routing_key,
        each.properties!.headers!["h"],
        each.publisher!.protocol,
        each.publisher!.client_name,
      ]),
    [
      ["v1", "k1", "x", "kafka", "till"],
      ["v2", "k2", "y", "redis", "cart"],
      // A script has no connection of its own: its user and host are known.
      ["v3", "k3", undefined, "redis", ""],
    ],
  );

  // A channel is a key of amq.topic; a subscriber has heard it.
  await channel.assertQueue("bound");
  await channel.bindQueue("bound", "amq.topic", "other");
  await redis.call("publish", "heard by nobody", "lost");
  const listener = await RawRedis.open(broker.ports.redis);
  await listener.call("subscribe", "heard");
  await redis.call("publish", "heard", "not lost");
  const live = await unroutable("/%2F?exchange=amq.topic");
  assert.deepEqual(
    live.messages.map((each) => [each.payload, each.routing_key]),
    [["lost", "heard by nobody"]],
  );
  await listener.close();
  await redis.close();
  await channel.close();
});

test("dead letters without a queue, without an exchange and in a circle, and what was delayed", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange("nowhere", "direct");
  await channel.assertExchange("slow", "x-delayed-message", { arguments: { "x-delayed-type": "direct" } });
  const queues = { "to nowhere": "nowhere", "to none": "not there", "in a circle": "" };
  for (const [name, deadLetterExchange] of Object.entries(queues)) {
    await channel.assertQueue(name, { deadLetterExchange, messageTtl: name === "in a circle" ? 1 : 60_000 });
    channel.sendToQueue(name, Buffer.from(name));
  }
  channel.publish("slow", "k", Buffer.from("late"), { headers: { "x-delay": 1 } });
  await channel.waitForConfirms();
  for (const name of ["to nowhere", "to none"]) {
    const message = await channel.get(name);
    assert.ok(message !== false);
    channel.nack(message, false, false);
  }
  const found = await until(async () => {
    const { messages } = await unroutable("/%2F");
    const own = messages.filter(({ cause }) => cause !== "published");
    return own.length === 4 ? own : undefined;
  });
  assert.deepEqual(
    found
      .toSorted((a, b) => (a.payload < b.payload ? -1 : 1))
      .map(({ exchange, payload, cause, publisher }) => [exchange, payload, cause, publisher]),
    [
      ["", "in a circle", "dead_letter_cycle", null],
      ["slow", "late", "delayed", null],
      ["not there", "to none", "dead_letter", null],
      ["nowhere", "to nowhere", "dead_letter", null],
    ],
  );
  await channel.close();
});

test("a flood is counted and not copied; long messages are cut; a deleted exchange takes its samples along", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange("flooded", "fanout");
  channel.publish("flooded", "", Buffer.alloc(100_000, "x"), { headers: { long: "h".repeat(20_000) } });
  for (let at = 0; at < 999; at++) channel.publish("flooded", "", Buffer.from(`${at}`));
  await channel.waitForConfirms();
  const { messages, exchanges } = await unroutable("/%2F?exchange=flooded");
  assert.deepEqual(exchanges, [{ vhost: "/", name: "flooded", unroutable: 1000 }]);
  assert.ok(messages.length >= 1 && messages.length <= limits.unroutableKeptOfExchange);
  const long = messages.find(({ payload_bytes: bytes }) => bytes === 100_000);
  assert.deepEqual([long?.payload.length, long?.properties], [limits.unroutableBodyBytesMax, null]);
  assert.equal((await unroutable("/%2F?exchange=flooded&limit=1")).messages.length, 1);
  await channel.deleteExchange("flooded");
  assert.deepEqual(await unroutable("/%2F?exchange=flooded"), { messages: [], exchanges: [] });
  await channel.close();
});

test("direct replies that arrive are no loss", async () => {
  const channel = await connection.createConfirmChannel();
  const replied = new Promise((resolve) => {
    void channel.consume("amq.rabbitmq.reply-to", resolve, { noAck: true });
  });
  await channel.assertQueue("rpc");
  channel.sendToQueue("rpc", Buffer.from("ask"), { replyTo: "amq.rabbitmq.reply-to" });
  const asked = await until(async () => {
    const message = await channel.get("rpc", { noAck: true });
    return message === false ? undefined : message;
  });
  const { replyTo } = asked.properties as { readonly replyTo: string };
  channel.sendToQueue(replyTo, Buffer.from("answer"));
  await replied;
  channel.sendToQueue("no such queue", Buffer.from("lost"));
  await channel.waitForConfirms();
  const { messages } = await unroutable("/%2F?exchange=amq.default");
  assert.deepEqual(
    messages.filter(({ cause }) => cause === "published").map(({ payload }) => payload),
    ["lost"],
  );
  await channel.close();
});

test("who may not read from the exchange sees nothing of it, and others' connections are shown to monitors", async () => {
  await makeUser(broker, "clerk", "clerk", { ...nothingAllowed, read: "^orders$" }, "management");
  await makeUser(broker, "watcher", "watcher", { ...nothingAllowed, read: "^orders$" }, "monitoring");
  await makeUser(broker, "untagged", "untagged", { ...nothingAllowed, read: ".*" });
  await makeUser(broker, "stranger", "stranger", null, "management");
  const clerk = await unroutable("", "clerk");
  assert.deepEqual(
    clerk.exchanges.map(({ name }) => name),
    ["orders"],
  );
  assert.ok(clerk.messages.length === 3 && clerk.messages.every(({ publisher }) => publisher === null));
  assert.ok((await unroutable("", "watcher")).messages.every(({ publisher }) => publisher !== null));
  assert.deepEqual(await unroutable("", "stranger"), { messages: [], exchanges: [] });
  // Topic permissions, and Redis's channels, say which keys.
  await makeUser(broker, "partly", "partly", { ...nothingAllowed, read: ".*" }, "management");
  const topics = { exchange: "events", write: "", read: "^k2$" };
  assert.equal((await api(broker, "PUT", "topic-permissions/%2F/partly", topics)).status, 201);
  assert.deepEqual(
    (await unroutable("?exchange=events", "partly")).messages.map(({ routing_key: key }) => key),
    ["k2"],
  );
  const statusOf = async (path: string, user: string): Promise<number> =>
    (await api(broker, "GET", `troika/unroutable${path}`, undefined, basic(user, user))).status;
  assert.equal(await statusOf("", "untagged"), 401);
  assert.equal(await statusOf("/%2F", "stranger"), 401);
  assert.equal(await statusOf("/none", "guest"), 404);
  assert.equal(await statusOf("?limit=0", "guest"), 400);
});
