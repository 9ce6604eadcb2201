import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ConsumeMessage } from "amqplib";
import { Connection as Client } from "rabbitmq-client";
import { AmqpTarget, Gathered, quiet, settled, uniqueName, until } from "../../support/amqp.ts";

let target: AmqpTarget;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

async function boundQueues(type: string, keys: (string | Record<string, unknown>)[]) {
  const channel = await target.channel();
  const exchange = uniqueName(type);
  await channel.assertExchange(exchange, type, { durable: false, autoDelete: true });
  const queues: string[] = [];
  for (const key of keys) {
    const { queue } = await channel.assertQueue("", { exclusive: true });
    if (typeof key === "string") await channel.bindQueue(queue, exchange, key);
    else await channel.bindQueue(queue, exchange, "", key);
    queues.push(queue);
  }
  return { channel, exchange, queues };
}

async function counts(
  channel: Awaited<ReturnType<typeof target.channel>>,
  queues: string[],
): Promise<number[]> {
  await settled();
  return Promise.all(queues.map(async (queue) => (await channel.checkQueue(queue)).messageCount));
}

test("direct, fanout and topic exchanges route as their types say", async () => {
  const direct = await boundQueues("direct", ["a", "a", "b"]);
  direct.channel.publish(direct.exchange, "a", Buffer.from("x"));
  assert.deepEqual(await counts(direct.channel, direct.queues), [1, 1, 0]);
  const fanout = await boundQueues("fanout", ["a", "b"]);
  fanout.channel.publish(fanout.exchange, "anything", Buffer.from("x"));
  assert.deepEqual(await counts(fanout.channel, fanout.queues), [1, 1]);
  const topic = await boundQueues("topic", ["a.*", "a.#", "#", "*.b", "a.b.c"]);
  for (const key of ["a.b", "a", "a.b.c", ""]) topic.channel.publish(topic.exchange, key, Buffer.from("x"));
  assert.deepEqual(await counts(topic.channel, topic.queues), [1, 3, 4, 1, 1]);
});

test("headers exchanges match all or any", async () => {
  const { channel, exchange, queues } = await boundQueues("headers", [
    { "x-match": "all", a: 1, b: "two" },
    { "x-match": "any", a: 1, b: "two" },
    { a: 1 },
  ]);
  channel.publish(exchange, "", Buffer.from("x"), { headers: { a: 1, b: "two" } });
  channel.publish(exchange, "", Buffer.from("x"), { headers: { b: "two" } });
  channel.publish(exchange, "", Buffer.from("x"), { headers: { a: "1" } });
  channel.publish(exchange, "", Buffer.from("x"));
  assert.deepEqual(await counts(channel, queues), [1, 2, 1]);
});

test("exchanges flow into exchanges; what matches nothing goes to the alternate", async () => {
  const channel = await target.channel();
  const [source, middle, other] = [uniqueName("source"), uniqueName("middle"), uniqueName("other")];
  await channel.assertExchange(other, "fanout", { durable: false, autoDelete: true });
  await channel.assertExchange(source, "topic", { durable: false, alternateExchange: other });
  await channel.assertExchange(middle, "direct", { durable: false, autoDelete: true });
  await channel.bindExchange(middle, source, "a.#");
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const { queue: rest } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, middle, "a.b");
  await channel.bindQueue(rest, other, "");
  channel.publish(source, "a.b", Buffer.from("x"));
  channel.publish(source, "b", Buffer.from("x"));
  assert.deepEqual(await counts(channel, [queue, rest]), [1, 1]);
  await channel.unbindExchange(middle, source, "a.#");
  channel.publish(source, "a.b", Buffer.from("x"));
  assert.deepEqual(await counts(channel, [queue, rest]), [1, 2]);
  await channel.deleteExchange(source);
});

test("a mandatory message without a queue comes back, then is confirmed", async () => {
  const channel = quiet(await (await target.connect()).createConfirmChannel());
  const order: string[] = [];
  channel.on("return", (message: ConsumeMessage) => {
    const fields = message.fields as unknown as { replyCode: number; replyText: string };
    order.push(
      `${fields.replyCode} ${fields.replyText} ${message.fields.routingKey} ${message.content.toString()}`,
    );
  });
  channel.publish("amq.direct", uniqueName("nobody"), Buffer.from("gone"), {});
  channel.publish("amq.direct", "nobody", Buffer.from("back"), { mandatory: true, messageId: "id" }, () =>
    order.push("confirmed"),
  );
  await channel.waitForConfirms();
  assert.deepEqual(order, ["312 NO_ROUTE nobody back", "confirmed"]);
});

test("every publish is confirmed once, persistent or not, routed or not", async () => {
  const connection = await target.connect();
  const channel = quiet(await connection.createConfirmChannel());
  const durable = uniqueName("confirms");
  await channel.assertQueue(durable, { durable: true });
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const confirmed: number[] = [];
  const count = 500;
  for (let i = 0; i < count; i++) {
    const to = [durable, queue, "nowhere"][i % 3]!;
    channel.publish("", to, Buffer.from(String(i)), { persistent: i % 2 === 0 }, (error) => {
      assert.equal(error, null);
      confirmed.push(i);
    });
  }
  await channel.waitForConfirms();
  assert.equal(confirmed.length, count);
  assert.equal(new Set(confirmed).size, count);
  assert.equal((await channel.checkQueue(durable)).messageCount, 167);
  await channel.deleteQueue(durable);
});

test("a full queue with reject-publish nacks", async () => {
  const channel = quiet(await (await target.connect()).createConfirmChannel());
  const { queue } = await channel.assertQueue("", {
    exclusive: true,
    arguments: { "x-max-length": 2, "x-overflow": "reject-publish" },
  });
  const outcomes: string[] = [];
  for (let i = 0; i < 4; i++) {
    await new Promise<void>((resolve) => {
      channel.publish("", queue, Buffer.from(String(i)), {}, (error) => {
        outcomes.push(error === null ? "ack" : "nack");
        resolve();
      });
    });
  }
  assert.deepEqual(outcomes, ["ack", "ack", "nack", "nack"]);
  assert.equal((await channel.checkQueue(queue)).messageCount, 2);
});

test("a transaction publishes and acknowledges at commit, or not at all", async () => {
  const client = new Client(target.url);
  client.on("error", () => {});
  const channel = await client.acquire();
  const { queue } = await channel.queueDeclare({ exclusive: true });
  await channel.basicPublish({ routingKey: queue }, "first");
  await channel.txSelect();
  await channel.basicPublish({ routingKey: queue }, "second");
  assert.equal((await channel.queueDeclare({ queue, passive: true })).messageCount, 1);
  await channel.txRollback();
  await channel.basicPublish({ routingKey: queue }, "third");
  const got = await channel.basicGet({ queue });
  assert.ok(got !== undefined);
  assert.equal(got.body, "first");
  channel.basicAck({ deliveryTag: got.deliveryTag });
  await channel.txRollback();
  channel.basicAck({ deliveryTag: got.deliveryTag });
  await channel.basicPublish({ routingKey: queue }, "fourth");
  await channel.txCommit();
  const left = await channel.basicGet({ queue });
  assert.equal(left?.body, "fourth");
  assert.equal(await channel.basicGet({ queue }), undefined);
  await channel.close();
  await client.close();
});

test("what a transaction acknowledges makes room in the prefetch at its commit", async () => {
  const client = new Client(target.url);
  client.on("error", () => {});
  const channel = await client.acquire();
  const { queue } = await channel.queueDeclare({ exclusive: true });
  await channel.txSelect();
  await channel.basicQos({ prefetchCount: 1 });
  const bodies: unknown[] = [];
  let lastTag = 0;
  await channel.basicConsume({ queue }, ({ body, deliveryTag }) => {
    bodies.push(body);
    lastTag = deliveryTag;
  });
  for (const body of ["first", "second", "third"]) await channel.basicPublish({ routingKey: queue }, body);
  await channel.txCommit();
  await until(() => bodies.length === 1);
  channel.basicAck({ deliveryTag: lastTag });
  // A round trip behind it.
  await channel.queueDeclare({ queue, passive: true });
  await settled();
  assert.deepEqual(bodies, ["first"]);
  await channel.txRollback();
  channel.basicAck({ deliveryTag: lastTag });
  await channel.txCommit();
  await until(() => bodies.length === 2);
  assert.deepEqual(bodies, ["first", "second"]);
  await channel.close();
  await client.close();
});

test("a commit that gives messages back to a full queue leaves it at its bound", async () => {
  const admin = await target.channel();
  const queue = uniqueName("bounded");
  await admin.assertQueue(queue, { maxLength: 2 });
  const client = new Client(target.url);
  const channel = await client.acquire();
  for (const body of ["a", "b"]) await channel.basicPublish({ routingKey: queue }, body);
  const got = [await channel.basicGet({ queue }), await channel.basicGet({ queue })];
  for (const body of ["c", "d"]) await channel.basicPublish({ routingKey: queue }, body);
  await channel.txSelect();
  for (const message of got) channel.basicNack({ deliveryTag: message!.deliveryTag, requeue: true });
  await channel.txCommit();
  assert.equal((await admin.checkQueue(queue)).messageCount, 2);
  await channel.close();
  await client.close();
  await admin.deleteQueue(queue);
});

test("a message that a delayed exchange keeps is not returned, though its queue has gone before the commit", async (t) => {
  if (target.broker === null) return t.skip("its plugin is not there");
  const admin = await target.channel();
  const [fanout, delayed, queue] = [uniqueName("f"), uniqueName("d"), uniqueName("q")];
  await admin.assertExchange(fanout, "fanout");
  await admin.assertExchange(delayed, "x-delayed-message", { arguments: { "x-delayed-type": "fanout" } });
  await admin.bindExchange(delayed, fanout, "");
  await admin.assertQueue(queue);
  await admin.bindQueue(queue, fanout, "");
  const client = new Client(target.url);
  const channel = await client.acquire();
  let returned = 0;
  channel.on("basic.return", () => void returned++);
  await channel.txSelect();
  await channel.basicPublish(
    { exchange: fanout, routingKey: "", mandatory: true, headers: { "x-delay": 60_000 } },
    "later",
  );
  await channel.queueDeclare({ queue, passive: true });
  await admin.deleteQueue(queue);
  await channel.txCommit();
  assert.equal(returned, 0);
  await channel.close();
  await client.close();
  await admin.deleteExchange(fanout);
  await admin.deleteExchange(delayed);
});

/** What happens between publish and commit; what the first, second and third queue then hold, as in RabbitMQ 3.10. */
const changesBeforeCommit: Record<
  string,
  { change: (of: Record<"exchange" | "first" | "third", string>) => Promise<unknown>; held: number[] }
> = {
  "the exchange is deleted": {
    change: async ({ exchange }) => (await target.channel()).deleteExchange(exchange),
    held: [1, 2, 0],
  },
  "the exchange is made again and leads elsewhere": {
    change: async ({ exchange, third }) => {
      const channel = await target.channel();
      await channel.deleteExchange(exchange);
      await channel.assertExchange(exchange, "fanout");
      await channel.bindQueue(third, exchange, "");
    },
    held: [1, 2, 0],
  },
  "another queue is bound": {
    change: async ({ exchange, third }) => (await target.channel()).bindQueue(third, exchange, ""),
    held: [1, 2, 0],
  },
  "the queue is unbound": {
    change: async ({ exchange, first }) => (await target.channel()).unbindQueue(first, exchange, ""),
    held: [1, 2, 0],
  },
  "the queue is deleted": {
    change: async ({ first }) => (await target.channel()).deleteQueue(first),
    held: [0, 2, 0],
  },
  "the queue is made again": {
    change: async ({ first }) => {
      const channel = await target.channel();
      await channel.deleteQueue(first);
      await channel.assertQueue(first);
    },
    held: [1, 2, 0],
  },
};

for (const [name, { change, held }] of Object.entries(changesBeforeCommit)) {
  test(`a commit is whole, and goes where its publishes led: ${name} before it`, async () => {
    const admin = await target.channel();
    const [first, second, third] = [uniqueName("first"), uniqueName("second"), uniqueName("third")];
    for (const queue of [first, second, third]) await admin.assertQueue(queue);
    const exchange = uniqueName("exchange");
    await admin.assertExchange(exchange, "fanout");
    await admin.bindQueue(first, exchange, "");

    const client = new Client(target.url);
    const channel = await client.acquire();
    let returned = 0;
    channel.on("basic.return", () => void returned++);
    await channel.txSelect();
    await channel.basicPublish({ routingKey: second, durable: true }, "before");
    await channel.basicPublish({ exchange, mandatory: true, durable: true }, "between");
    await channel.basicPublish({ routingKey: second, durable: true }, "behind");
    // Answered when all three have come.
    await channel.queueDeclare({ queue: second, passive: true });
    await change({ exchange, first, third });
    await channel.txCommit();
    await channel.close();
    await client.close();

    for (const queue of [first, second, third]) await admin.assertQueue(queue);
    assert.deepEqual(await counts(admin, [first, second, third]), held);
    assert.equal(returned, held[0] === 0 ? 1 : 0);
    for (const queue of [first, second, third]) await admin.deleteQueue(queue);
    await admin.deleteExchange(exchange);
  });
}

test("a publish to the default exchange goes to a queue that is made before the commit, by its key and by CC", async () => {
  const admin = await target.channel();
  const [byKey, byCopy] = [uniqueName("by-key"), uniqueName("by-copy")];
  const client = new Client(target.url);
  const channel = await client.acquire();
  await channel.txSelect();
  await channel.basicPublish({ routingKey: byKey, headers: { CC: [byCopy] } }, "early");
  await channel.basicPublish({ routingKey: byKey }, "early too");
  // Answered when both have come.
  await channel.basicQos({ prefetchCount: 1 });
  for (const queue of [byKey, byCopy]) await admin.assertQueue(queue);
  await channel.txCommit();
  await channel.close();
  await client.close();
  assert.deepEqual(await counts(admin, [byKey, byCopy]), [2, 1]);
  for (const queue of [byKey, byCopy]) await admin.deleteQueue(queue);
});

test("a message with CC leads only itself elsewhere, not those of the same key around it", async () => {
  const channel = await target.channel();
  const [byKey, byCopy] = [uniqueName("by-key"), uniqueName("by-copy")];
  for (const queue of [byKey, byCopy]) await channel.assertQueue(queue);
  for (const CC of [undefined, byCopy, undefined, undefined])
    channel.sendToQueue(byKey, Buffer.from("x"), CC === undefined ? {} : { CC });
  await until(async () => (await channel.checkQueue(byKey)).messageCount === 4);
  assert.deepEqual(await counts(channel, [byKey, byCopy]), [4, 1]);
  for (const queue of [byKey, byCopy]) await channel.deleteQueue(queue);
});

test("requests are answered through direct reply-to", async () => {
  const server = await target.channel();
  const { queue } = await server.assertQueue("", { exclusive: false, autoDelete: true, durable: false });
  await server.consume(
    queue,
    (request) => {
      assert.match(request!.properties.replyTo as string, /^amq\.rabbitmq\.reply-to\.\S+$/);
      server.publish(
        "",
        request!.properties.replyTo as string,
        Buffer.from(`re: ${request!.content.toString()}`),
        {
          correlationId: request!.properties.correlationId as string,
        },
      );
    },
    { noAck: true },
  );
  const client = await target.channel();
  const replies = await Gathered.from(client, "amq.rabbitmq.reply-to", { noAck: true });
  client.sendToQueue(queue, Buffer.from("hello"), { replyTo: "amq.rabbitmq.reply-to", correlationId: "1" });
  client.sendToQueue(queue, Buffer.from("again"), { replyTo: "amq.rabbitmq.reply-to", correlationId: "2" });
  await replies.count(2);
  assert.deepEqual(replies.bodies, ["re: hello", "re: again"]);
  assert.deepEqual(
    replies.messages.map(({ properties }) => properties.correlationId as string),
    ["1", "2"],
  );
});

test("rabbitmq-client's publisher, consumer and RPC client work", async () => {
  const client = new Client({ url: target.url });
  client.on("error", () => {});
  const queue = uniqueName("rpc");
  const server = client.createConsumer(
    { queue, queueOptions: { autoDelete: true } },
    async (message, reply) => reply(`re: ${String(message.body)}`),
  );
  await until(() => new Promise<boolean>((resolve) => server.once("ready", () => resolve(true))));
  const rpc = client.createRPCClient({ confirm: true });
  assert.equal((await rpc.send(queue, "ping")).body, "re: ping");
  const other = uniqueName("published");
  const publisher = client.createPublisher({ confirm: true, queues: [{ queue: other, exclusive: true }] });
  await publisher.send({ routingKey: other, mandatory: true }, { a: 1 });
  await publisher.close();
  await rpc.close();
  await server.close();
  await client.close();
});
