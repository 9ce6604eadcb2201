/** What is connected, by real clients of each protocol: described truthfully, counted, and closed in its protocol's words. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, test } from "node:test";
import { connect } from "amqplib";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import type { ConnectionFacts } from "../../../src/base/connection-facts.ts";
import { embeddedConfig } from "../../../src/base/config/embedding.ts";
import { thisMachine } from "../../../src/base/machine.ts";
import { limits } from "../../../src/base/limits.ts";
import { finishNow } from "../../../src/base/turn-work.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import type { ConnectionFilter } from "../../../src/broker/connections.ts";
import { countsOf, exchangeCounters, queueCounters } from "../../../src/broker/rates.ts";
import { type RunningBroker, startConfigured } from "../../../src/embed.ts";

let running: RunningBroker;
let broker: Broker;

before(async () => {
  const config = embeddedConfig({ password: "guest", logLevel: "silent" }, thisMachine());
  running = await startConfigured(config, {
    webSockets: (opened) => {
      broker = opened;
      return [];
    },
  });
});

after(() => running.close());

function list(filter: ConnectionFilter = {}): ConnectionFacts[] {
  return finishNow(broker.connections.list(filter));
}

/** The one that fits, once it is so. */
async function factsWhen(
  filter: ConnectionFilter,
  isSo: (facts: ConnectionFacts) => boolean,
): Promise<ConnectionFacts> {
  for (let looked = 0; looked < 1000; looked++) {
    const found = list(filter).find(isSo);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return assert.fail(JSON.stringify(list(filter)));
}

async function goneWhen(id: number): Promise<void> {
  for (let looked = 0; looked < 1000 && broker.connections.find(id) !== undefined; looked++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(broker.connections.find(id), undefined);
}

test("AMQP: user, name, properties, channels, consumers, messages; closed by 320 with the reason", async () => {
  const url = `amqp://guest:guest@127.0.0.1:${running.ports.amqp}`;
  const client = await connect(url, { clientProperties: { connection_name: "orders", product: "shop" } });
  const channel = await client.createChannel();
  await client.createChannel();
  await channel.assertQueue("q");
  let seen = 0;
  await channel.consume("q", (message) => {
    // Given back once.
    if (message !== null && seen++ < 3 && !message.fields.redelivered) channel.nack(message);
    else if (message !== null) channel.ack(message);
  });
  for (const body of ["a", "b", "c"]) channel.sendToQueue("q", Buffer.from(body));
  channel.publish("", "nowhere", Buffer.from("lost"));
  channel.publish("", "nowhere", Buffer.from("back"), { mandatory: true });
  const facts = await factsWhen({ protocol: "amqp" }, ({ messagesOut }) => messagesOut === 6);
  const { id, local, remote, openedAt, bytesReceived, bytesSent, clientProperties, ...more } = facts;
  const { negotiated, describeChannels, findHolders, ...rest } = more;
  assert.deepEqual(rest, {
    user: "guest",
    vhost: "/",
    clientName: "orders",
    isClosing: false,
    requests: null,
    messagesIn: 5,
    messagesOut: 6,
    channels: 2,
    subscriptions: 1,
    groups: [],
    protocol: "amqp",
    isEncrypted: false,
    outputBytes: 0,
    heldBytes: 0,
    state: "running",
  });
  assert.equal(clientProperties["product"], "shop");
  assert.equal(negotiated?.authMechanism, "PLAIN");
  assert.equal(JSON.parse(negotiated.clientProperties).product, "shop");
  const channels = describeChannels!();
  assert.equal(typeof findHolders, "function");
  assert.deepEqual(
    channels.map(({ number, counts }) => [number, counts.publish, counts.deliver, counts.redeliver]),
    [
      [1, 5, 6, 3],
      [2, 0, 0, 0],
    ],
  );
  assert.deepEqual([local.port, remote.host], [running.ports.amqp, "127.0.0.1"]);
  assert.ok(openedAt > 0 && bytesReceived > 500 && bytesSent > 500);
  const queue = broker.defaultVhost.queues.get("q")!;
  await factsWhen({ protocol: "amqp" }, () => queue.acknowledged === 3);
  const counts = { publish: 3, deliver: 6, redeliver: 3, ack: 3, requeued: 3 };
  const none = {
    deliver_no_ack: 0,
    get: 0,
    get_no_ack: 0,
    get_empty: 0,
    expired: 0,
    dropped: 0,
    rejected: 0,
  };
  const left = { messages_ready: 0, messages_unacknowledged: 0, messages_waiting: 0, messages_dlx: 0 };
  assert.deepEqual(countsOf(queueCounters, queue), { ...counts, ...none, ...left });
  const exchange = broker.defaultVhost.exchange("");
  assert.deepEqual(countsOf(exchangeCounters, exchange), {
    published: 5,
    unroutable: 2,
    returned: 1,
    routed: 3,
  });

  const [error] = await Promise.all([
    once(client, "close"),
    Promise.resolve(broker.connections.close(id, "moved to another host")),
  ]);
  assert.match(String(error), /320.*CONNECTION_FORCED - moved to another host/);
  await goneWhen(id);
  assert.equal(broker.connections.close(id, "again"), false);
});

test("Redis: user, database, name, subscriptions, commands; closed as by CLIENT KILL", async () => {
  const client = new Redis(running.ports.redis!, "127.0.0.1", {
    password: "guest",
    db: 3,
    connectionName: "worker",
    retryStrategy: () => null,
  });
  client.on("error", () => {});
  await client.set("k", "v");
  await client.subscribe("a", "b");
  const facts = await factsWhen({ protocol: "redis", user: "default" }, (each) => each.subscriptions === 2);
  assert.deepEqual(
    [facts.vhost, facts.clientName, facts.state, facts.messagesIn],
    ["db3", "worker", "running", null],
  );
  assert.ok(facts.requests! >= 4);
  assert.equal(list({ protocol: "redis", user: "nobody" }).length, 0);
  assert.equal(list({ protocol: "redis", state: "starting" }).length, 0);
  // Not by `once`, which takes the reset for a failure.
  const ended = new Promise((resolve) => client.on("end", resolve));
  assert.equal(broker.connections.close(facts.id, "maintenance"), true);
  await ended;
  await goneWhen(facts.id);
});

test("Kafka: client id, library, records in and out, groups; closed without words", async () => {
  const kafka = new Kafka({
    clientId: "billing",
    brokers: [`127.0.0.1:${running.ports.kafka}`],
    logLevel: logLevel.NOTHING,
    sasl: { mechanism: "plain", username: "guest", password: "guest" },
  });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: "t", messages: Array.from({ length: 10 }, (_, i) => ({ value: `${i}` })) });
  const producing = await factsWhen({ protocol: "kafka" }, ({ messagesIn }) => messagesIn === 10);
  assert.deepEqual([producing.user, producing.clientName, producing.groups], ["guest", "billing", []]);
  const consumer = kafka.consumer({ groupId: "g" });
  await consumer.connect();
  await consumer.subscribe({ topic: "t", fromBeginning: true });
  await consumer.run({ eachMessage: async () => {} });
  const consuming = await factsWhen({ protocol: "kafka" }, (each) => each.groups.length > 0);
  assert.deepEqual(consuming.groups, ["g"]);
  await factsWhen({ protocol: "kafka" }, ({ messagesOut }) => messagesOut === 10);
  // What others wrote is converted for it.
  const redis = new Redis(running.ports.redis!, "127.0.0.1", { password: "guest" });
  for (let i = 0; i < 3; i++) await redis.xadd("t", "*", "f", `${i}`);
  redis.disconnect();
  await factsWhen({ protocol: "kafka" }, ({ messagesOut }) => messagesOut === 13);
  await consumer.disconnect();
  await producer.disconnect();

  const socket = net.connect(running.ports.kafka!, "127.0.0.1");
  const starting = await factsWhen({ protocol: "kafka", state: "starting" }, () => true);
  assert.deepEqual([starting.user, starting.requests], [null, 0]);
  const ended = once(socket, "close");
  socket.resume();
  broker.connections.close(starting.id, "nobody is it");
  await ended;
  await goneWhen(starting.id);
});

test("a client that does not take its output is told apart from those that run", async () => {
  const writer = new Redis(running.ports.redis!, "127.0.0.1", { password: "guest" });
  await writer.set("big", Buffer.alloc(1 << 20));
  const socket = net.connect(running.ports.redis!, "127.0.0.1");
  socket.pause();
  socket.write(`AUTH guest\r\n${"GET big\r\n".repeat(64)}`);
  // How much of the output the system has taken is its own affair.
  const facts = await factsWhen(
    { state: "flow" },
    ({ outputBytes }) => outputBytes > limits.outputLowWaterBytes,
  );
  socket.destroy();
  writer.disconnect();
  await goneWhen(facts.id);
});
