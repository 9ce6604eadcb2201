/** Quorum queues as RabbitMQ 4 has them: a limit on deliveries, and dead letters that are not lost. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ConfirmChannel } from "amqplib";
import { AmqpTarget, Gathered, quiet, uniqueName, until } from "../../support/amqp.ts";
import { basic } from "../../support/users.ts";

let target: AmqpTarget;
const skip = process.env["TROIKAMQ_TEST_AMQP_URL"] === undefined ? false : "other versions differ";

before(async () => {
  if (skip === false) target = await AmqpTarget.start();
});

after(() => target?.stop());

async function confirming(): Promise<ConfirmChannel> {
  return quiet(await (await target.connect()).createConfirmChannel());
}

const quorum = { "x-queue-type": "quorum" };
const surely = { ...quorum, "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish" };

async function countOf(channel: ConfirmChannel, queue: string): Promise<number> {
  return (await channel.checkQueue(queue)).messageCount;
}

interface ShownQueue {
  readonly messages: number;
  readonly messages_ready: number;
  readonly messages_dlx: number;
}

async function shownOf(queue: string): Promise<ShownQueue> {
  const { http } = target.broker!.ports;
  const headers = { authorization: basic("guest", "guest") };
  const answer = await fetch(`http://127.0.0.1:${http}/api/queues/%2F/${queue}`, { headers });
  assert.equal(answer.status, 200);
  return (await answer.json()) as ShownQueue;
}

/** Publishes and rejects. */
async function reject(channel: ConfirmChannel, queue: string, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body), { persistent: true });
  await channel.waitForConfirms();
  for (const _ of bodies) channel.reject(await until(() => channel.get(queue)), false);
  assert.equal(await countOf(channel, queue), 0);
}

test(
  "a quorum queue gives a message up after 20 returns, unless it is told otherwise",
  { skip },
  async () => {
    const channel = await confirming();
    const { queue: dead } = await channel.assertQueue("", { exclusive: true });
    const letters = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead };
    for (const [limit, returns] of [
      [undefined, 20],
      [-1, 30],
      [3, 3],
    ] as const) {
      const queue = uniqueName();
      const args = { ...quorum, ...letters, ...(limit === undefined ? {} : { "x-delivery-limit": limit }) };
      await channel.assertQueue(queue, { arguments: args });
      channel.sendToQueue(queue, Buffer.from(String(limit)));
      for (let i = 0; i < returns; i++) {
        const message = await until(() => channel.get(queue));
        assert.equal(message.properties.headers!["x-delivery-count"] ?? 0, i);
        channel.nack(message);
      }
      const last = await until(() => channel.get(queue));
      channel.nack(last);
      if (limit === -1) {
        assert.equal(await countOf(channel, queue), 1);
        continue;
      }
      const letter = await until(() => channel.get(dead, { noAck: true }));
      assert.equal(letter.content.toString(), String(limit));
      const [death] = letter.properties.headers!["x-death"]!;
      assert.equal(death!.reason, "delivery_limit");
    }
  },
);

test(
  "dead letters wait for an exchange, a binding, and room in a full queue, over a kill",
  { skip },
  async () => {
    let channel = await confirming();
    const [exchange, queue] = ["sure-x", "sure"];
    const args = { ...surely, "x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": "dead" };
    await channel.assertQueue(queue, { arguments: args });
    await reject(channel, queue, ["1", "2", "3"]);
    await target.broker!.kill();
    await target.closeConnections();
    await target.broker!.restart();
    channel = await confirming();
    await channel.assertExchange(exchange, "direct");
    await channel.assertQueue("sure-small", { maxLength: 2, arguments: { "x-overflow": "reject-publish" } });
    await channel.assertQueue("sure-wide");
    await channel.bindQueue("sure-small", exchange, "dead");
    await channel.bindQueue("sure-wide", exchange, "dead");
    await until(async () => (await countOf(channel, "sure-small")) === 2);
    // Where one of the queues has no room, none gets the letter.
    assert.equal(await countOf(channel, "sure-wide"), 2);
    const taken = [];
    for (let i = 0; i < 3; i++) {
      const message = await until(() => channel.get("sure-small", { noAck: true }));
      taken.push(message.content.toString());
      assert.equal(message.fields.exchange, exchange);
      const [death] = message.properties.headers!["x-death"]!;
      assert.deepEqual([death!.reason, death!.queue, death!.count], ["rejected", queue, 1]);
    }
    assert.deepEqual(taken.toSorted(), ["1", "2", "3"]);
    await until(async () => (await countOf(channel, "sure-wide")) === 3);
    assert.equal(await countOf(channel, "sure-small"), 0);
    // Nothing waits any more: the next one goes at once.
    await reject(channel, queue, ["4"]);
    assert.equal(await countOf(channel, "sure-wide"), 4);
  },
);

test(
  "dead letters that wait count for their queue's bound, a purge leaves them, and they go with the queue",
  { skip },
  async () => {
    const channel = await confirming();
    const [exchange, queue] = [uniqueName("x"), uniqueName()];
    const options = { maxLength: 2, arguments: { ...surely, "x-dead-letter-exchange": exchange } };
    /** Publishes 3 messages, and rejects those that are taken; returns how many. */
    const fill = async (): Promise<number> => {
      let accepted = 0;
      for (let i = 0; i < 3; i++) {
        const isTaken = await new Promise<boolean>((resolve) => {
          channel.sendToQueue(queue, Buffer.from("letter"), { persistent: true }, (error) =>
            resolve(error === null),
          );
        });
        if (!isTaken) continue;
        accepted++;
        channel.reject(await until(() => channel.get(queue)), false);
      }
      return accepted;
    };
    await channel.assertQueue(queue, options);
    assert.equal(await fill(), 2);
    const shown = await shownOf(queue);
    assert.deepEqual([shown.messages, shown.messages_ready, shown.messages_dlx], [2, 0, 2]);
    assert.equal((await channel.purgeQueue(queue)).messageCount, 0);
    assert.equal(await fill(), 0);
    await channel.deleteQueue(queue);
    await channel.assertQueue(queue, options);
    assert.equal(await fill(), 2);
    // What waits now comes; what went with the first queue does not.
    await channel.assertExchange(exchange, "fanout");
    const { queue: dead } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(dead, exchange, "");
    await until(async () => (await countOf(channel, dead)) === 2);
    assert.equal(await fill(), 3);
    assert.equal(await countOf(channel, dead), 5);
  },
);

test(
  "without reject-publish, or of a classic queue, a dead letter that nobody takes is gone",
  { skip },
  async () => {
    const channel = await confirming();
    const exchange = uniqueName("x");
    const queue = uniqueName();
    const { "x-overflow": _, ...atMostOnce } = surely;
    await channel.assertQueue(queue, { arguments: { ...atMostOnce, "x-dead-letter-exchange": exchange } });
    await reject(channel, queue, ["lost"]);
    await channel.assertExchange(exchange, "fanout", { durable: false });
    const { queue: dead } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(dead, exchange, "");
    const gathered = await Gathered.from(channel, dead, { noAck: true });
    await reject(channel, queue, ["kept"]);
    await gathered.count(1);
    assert.deepEqual(gathered.bodies, ["kept"]);
  },
);
