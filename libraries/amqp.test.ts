/** Clients of RabbitMQ that connect anew by themselves: amqp-connection-manager, and the sessions of @cloudamqp/amqp-client. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AMQPClient, AMQPSession, builtinCoders, builtinParsers } from "@cloudamqp/amqp-client";
import { connect } from "amqp-connection-manager";
import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { startTestBroker, type TestBroker } from "../test/support/broker.ts";
import { until } from "../test/support/wait.ts";
import { closeConnections, countsOf } from "./operator.ts";

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

test("amqp-connection-manager: publishes over a closed connection, and consumes on", async () => {
  const connection = connect([broker.amqpUrl], {
    reconnectTimeInSeconds: 0.05,
    connectionOptions: { clientProperties: { connection_name: "managed" } },
  });
  let connects = 0;
  connection.on("connect", () => connects++);
  const seen: string[] = [];
  const channel = connection.createChannel({
    json: true,
    setup: async (setup: ConfirmChannel) => {
      await setup.assertQueue("managed", { durable: true });
      await setup.prefetch(3);
    },
  });
  await channel.consume("managed", (message: ConsumeMessage) => {
    seen.push((JSON.parse(message.content.toString()) as { n: number }).n.toString());
    channel.ack(message);
  });
  await channel.waitForConnect();
  for (const n of [1, 2]) await channel.sendToQueue("managed", { n }, { persistent: true });
  await until(() => seen.length === 2, "two messages");
  await closeConnections(broker, "managed");
  // Kept by the library until there is a connection again.
  await Promise.all([3, 4, 5].map((n) => channel.sendToQueue("managed", { n }, { persistent: true })));
  await until(() => new Set(seen).size === 5, "the others");
  assert.equal(connects, 2);

  await channel.addSetup((setup: ConfirmChannel) => setup.assertExchange("managed", "topic"));
  await channel.addSetup((setup: ConfirmChannel) => setup.bindQueue("managed", "managed", "a.#"));
  assert.equal(await channel.publish("managed", "a.b", { n: 6 }), true);
  await until(() => seen.includes("6"), "what was routed");
  await channel.cancelAll();
  await channel.sendToQueue("managed", { n: 7 });
  assert.equal((await channel.checkQueue("managed")).messageCount, 1);
  await connection.close();
});

test("amqp-connection-manager: what a queue refuses is told", async () => {
  const connection = connect([broker.amqpUrl]);
  const channel = connection.createChannel({
    setup: (setup: ConfirmChannel) =>
      setup.assertQueue("managed-full", { maxLength: 1, arguments: { "x-overflow": "reject-publish" } }),
  });
  await channel.sendToQueue("managed-full", Buffer.from("1"));
  await assert.rejects(channel.sendToQueue("managed-full", Buffer.from("2")), /nack/i);
  await connection.close();
});

test("@cloudamqp/amqp-client: a session recovers its consumers, RPC clients and servers", async () => {
  let connects = 0;
  const session = await AMQPSession.connect(`${broker.amqpUrl}?name=session`, {
    reconnectInterval: 20,
    logger: null,
    parsers: builtinParsers,
    coders: builtinCoders,
    defaultContentType: "application/json",
    defaultContentEncoding: "gzip",
    onconnect: () => connects++,
  });
  const queue = await session.queue("session", { durable: true });
  const seen: unknown[] = [];
  const subscription = await queue.subscribe({ prefetch: 5 }, async ({ body }) => {
    seen.push(body);
  });
  await queue.publish({ n: 1 }, { deliveryMode: 2 });
  await until(() => seen.length === 1, "the first message");
  await session.rpcServer("session-rpc", async ({ body }) => ({ twice: (body as { n: number }).n * 2 }));
  const rpc = await session.rpcClient();
  assert.deepEqual((await rpc.call("session-rpc", { n: 4 }, { timeout: 30_000 })).body, { twice: 8 });

  await closeConnections(broker, "session");
  await until(() => connects === 2, "the next connection");
  await queue.publish({ n: 2 });
  await until(() => seen.length === 2, "the second message");
  assert.deepEqual(seen, [{ n: 1 }, { n: 2 }]);
  assert.deepEqual((await rpc.call("session-rpc", { n: 5 }, { timeout: 30_000 })).body, { twice: 10 });

  const topics = await session.topicExchange("session-topics");
  await queue.bind("session-topics", "a.*");
  await topics.publish({ n: 3 }, { routingKey: "a.b" });
  await until(() => seen.length === 3, "what was routed");
  await subscription.cancel();
  await queue.publish({ n: 4 });
  const waiting = await queue.get({ noAck: true });
  assert.deepEqual(waiting?.body, { n: 4 });
  await session.stop();
});

test("@cloudamqp/amqp-client: confirms, returns, prefetch, a consumer that the broker cancels", async () => {
  const client = new AMQPClient(broker.amqpUrl);
  const connection = await client.connect();
  const channel = await connection.channel();
  await channel.confirmSelect();
  const { name } = await channel.queueDeclare("", { exclusive: true, autoDelete: false });
  await channel.basicQos(2);
  const tags = await Promise.all(
    Array.from({ length: 10 }, (_, n) => channel.basicPublish("", name, `${n}`, { deliveryMode: 2 })),
  );
  assert.deepEqual(tags, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const returned = new Promise<string | null>((resolve) => {
    channel.onReturn = (message) => resolve(message.bodyString());
  });
  await channel.basicPublish("", "nowhere", "lost", {}, true);
  assert.equal(await returned, "lost");

  const consumer = await channel.basicConsume(name, { noAck: false });
  await until(async () => String(await countsOf(broker, name)) === "8,2", "two to be held, eight to wait");
  const bodies: (string | null)[] = [];
  for await (const message of consumer.messages) {
    bodies.push(message.bodyString());
    await message.ack();
    if (bodies.length === 10) break;
  }
  assert.deepEqual(bodies, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);

  const cancelled = await channel.basicConsume(name, { noAck: true }, () => {});
  const end = assert.rejects(cancelled.wait(), /cancel/i);
  const other = await connection.channel();
  await other.queueDelete(name);
  await end;
  await assert.rejects(other.queueDeclare("none", { passive: true }), /NOT_FOUND/);
  await connection.close();
});
