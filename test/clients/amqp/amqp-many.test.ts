/** One method that settles thousands of deliveries: it is done in slices, and nobody can tell. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Channel, ChannelModel } from "amqplib";
import { AmqpTarget, Gathered, quiet, settled, until } from "../../support/amqp.ts";

let target: AmqpTarget;
const count = 6000;
const numbers = Array.from({ length: count }, (_, i) => String(i));

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

/** A channel that holds `count` messages of the queue. */
async function holding(options = {}): Promise<{
  connection: ChannelModel;
  owner: Channel;
  channel: Channel;
  queue: string;
  held: Gathered;
}> {
  const connection = await target.connect();
  const owner = quiet(await connection.createChannel());
  const { queue } = await owner.assertQueue("", { exclusive: true, ...options });
  for (const body of numbers) owner.sendToQueue(queue, Buffer.from(body));
  const channel = quiet(await connection.createChannel());
  const held = await Gathered.from(channel, queue);
  await held.count(count);
  return { connection, owner, channel, queue, held };
}

test("what a closed channel held is ready at once, and comes in its order, before what is new", async () => {
  const { owner, channel, queue } = await holding();
  await channel.close();
  owner.sendToQueue(queue, Buffer.from("new"));
  assert.equal((await owner.checkQueue(queue)).messageCount, count + 1);
  const first = await until(() => owner.get(queue, { noAck: true }));
  assert.equal(first.content.toString(), "0");
  const again = await Gathered.from(owner, queue, { noAck: true });
  await again.count(count);
  assert.deepEqual(again.bodies, [...numbers.slice(1), "new"]);
  assert.ok(again.messages.slice(0, -1).every(({ fields }) => fields.redelivered));
});

test("a purge takes all that a closed channel held", async () => {
  const { owner, channel, queue } = await holding();
  await channel.close();
  assert.deepEqual(await owner.purgeQueue(queue), { messageCount: count });
  owner.sendToQueue(queue, Buffer.from("new"));
  const left = await Gathered.from(owner, queue, { noAck: true });
  await left.count(1);
  await settled();
  assert.deepEqual(left.bodies, ["new"]);
});

test("what is given back twice, in part and by the end of the channel, is there once", async () => {
  const { owner, channel, queue, held } = await holding();
  await channel.cancel(held.tag);
  channel.nack(held.messages[count - 1001]!, true, true);
  await channel.close();
  const again = await Gathered.from(owner, queue, { noAck: true });
  await again.count(count);
  await settled();
  assert.deepEqual(again.bodies, numbers);
});

test("an acknowledgement of all leaves nothing; a second is an error", async () => {
  const { owner, channel, queue, held } = await holding();
  const failed = new Promise<Error>((resolve) => channel.on("error", resolve));
  channel.ack(held.messages[count - 2]!, true);
  channel.ack(held.messages[5]!);
  assert.match((await failed).message, /406.*unknown delivery tag 6/s);
  const left = await until(() => owner.get(queue, { noAck: true }));
  assert.equal(left.content.toString(), String(count - 1));
  assert.equal((await owner.checkQueue(queue)).messageCount, 0);
});

test("a rejection of all dead-letters all, in order", async () => {
  const letters = await target.channel();
  const { queue: dead } = await letters.assertQueue("", { exclusive: false, autoDelete: true });
  const { channel } = await holding({ deadLetterExchange: "", deadLetterRoutingKey: dead });
  const gathered = await Gathered.from(letters, dead, { noAck: true });
  channel.nackAll(false);
  await gathered.count(count);
  assert.deepEqual(gathered.bodies, numbers);
});

test("a recovery of all delivers all again, in order", async () => {
  const { channel, held } = await holding();
  await channel.recover();
  await held.count(2 * count);
  assert.deepEqual(held.bodies.slice(count), numbers);
});

test("what a consumer of a queue's history held is not given back with the rest: the queue has what it had", async () => {
  const { connection, owner, channel, queue } = await holding({ arguments: { "x-history-ms": 600_000 } });
  const reader = quiet(await connection.createChannel());
  await reader.prefetch(count);
  const history = await Gathered.from(reader, queue, { arguments: { "x-stream-offset": "first" } });
  await history.count(count);
  // One after the other, and what both held in one channel.
  await reader.close();
  assert.equal((await owner.checkQueue(queue)).messageCount, 0);
  const both = quiet(await connection.createChannel());
  await both.prefetch(count);
  const again = await Gathered.from(both, queue, { arguments: { "x-stream-offset": "first" } });
  await again.count(count);
  await both.prefetch(0);
  const taking = await Gathered.from(both, queue);
  await channel.close();
  await taking.count(count);
  await both.close();
  assert.equal((await owner.checkQueue(queue)).messageCount, count);
  const last = await Gathered.from(owner, queue, { noAck: true });
  await last.count(count);
  assert.deepEqual(last.bodies, numbers);
});
