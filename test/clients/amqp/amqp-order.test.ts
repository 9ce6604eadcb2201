/**
 * What a method sees is the state after the methods before it, although queues deliver when the tick ends: bounds have
 * been applied, consumers that wait have been served.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AmqpTarget, Gathered, quiet, settled, until } from "../../support/amqp.ts";

let target: AmqpTarget;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

async function channelAndQueue(options = {}) {
  const channel = await target.channel();
  const { queue } = await channel.assertQueue("", { exclusive: true, ...options });
  return { channel, queue };
}

test("a consumer that comes after three publishes gets what a bound of one has left", async () => {
  const { channel, queue: dead } = await channelAndQueue();
  const letters = await Gathered.from(channel, dead, { noAck: true });
  for (let round = 0; round < 20; round++) {
    const { queue } = await channel.assertQueue("", {
      exclusive: true,
      maxLength: 1,
      deadLetterExchange: "",
      deadLetterRoutingKey: dead,
    });
    for (const body of ["1", "2", "3"]) channel.sendToQueue(queue, Buffer.from(body));
    const gathered = await Gathered.from(channel, queue, { noAck: true });
    await gathered.count(1);
    await letters.count(2 * (round + 1));
    assert.deepEqual(gathered.bodies, ["3"]);
    assert.deepEqual(letters.bodies.slice(-2), ["1", "2"]);
  }
});

test("a passive declaration after 5,000 publishes into a bound of ten counts ten", async () => {
  const { channel, queue } = await channelAndQueue({ maxLength: 10 });
  for (let i = 0; i < 5000; i++) channel.sendToQueue(queue, Buffer.from("x"));
  assert.equal((await channel.checkQueue(queue)).messageCount, 10);
});

test("a consumer that waits is not overtaken by a get", async () => {
  const { channel, queue } = await channelAndQueue();
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  for (let round = 1; round <= 50; round++) {
    channel.sendToQueue(queue, Buffer.from("x"));
    assert.equal(await channel.get(queue, { noAck: true }), false);
    assert.equal(gathered.messages.length, round);
  }
});

test("a consumer that waits is not overtaken by a purge", async () => {
  const { channel, queue } = await channelAndQueue();
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  for (let round = 1; round <= 50; round++) {
    channel.sendToQueue(queue, Buffer.from("x"));
    assert.deepEqual(await channel.purgeQueue(queue), { messageCount: 0 });
    assert.equal(gathered.messages.length, round);
  }
});

test("a bound of the whole channel is shared: each of three queues has its part", async () => {
  const channel = await target.channel();
  await channel.prefetch(1, true);
  const served = new Map<string, number>();
  for (let i = 0; i < 3; i++) {
    const { queue } = await channel.assertQueue("", { exclusive: true });
    for (let n = 0; n < 100; n++) channel.sendToQueue(queue, Buffer.from(String(n)));
    await channel.consume(queue, (message) => {
      served.set(queue, (served.get(queue) ?? 0) + 1);
      channel.ack(message!);
    });
  }
  const total = (): number => [...served.values()].reduce((sum, count) => sum + count, 0);
  await until(() => total() >= 150 && [...served.values()], "150 deliveries");
  const counts = [...served.values()];
  assert.equal(counts.length, 3);
  assert.ok(Math.min(...counts) >= 30, `the shares are ${counts.join(", ")}`);
});

test("a consumer without acknowledgements waits too while the channel's bound is reached", async () => {
  const channel = await target.channel();
  await channel.prefetch(1, true);
  const { queue: first } = await channel.assertQueue("", { exclusive: true });
  const { queue: second } = await channel.assertQueue("", { exclusive: true });
  const holding = await Gathered.from(channel, first);
  channel.sendToQueue(first, Buffer.from("held"));
  await holding.count(1);
  const free = await Gathered.from(channel, second, { noAck: true });
  channel.sendToQueue(second, Buffer.from("waits"));
  await settled();
  assert.deepEqual(free.bodies, []);
  channel.ack(holding.messages[0]!);
  await free.count(1);
  assert.deepEqual(free.bodies, ["waits"]);
});

test("a message with no time to live that is given back is gone", async () => {
  const { channel, queue } = await channelAndQueue({ messageTtl: 0 });
  let deliveries = 0;
  await channel.consume(queue, (message) => {
    deliveries++;
    channel.nack(message!, false, true);
  });
  channel.sendToQueue(queue, Buffer.from("x"));
  await until(() => deliveries > 0, "the delivery");
  await settled();
  assert.equal(deliveries, 1);
  assert.equal((await channel.checkQueue(queue)).messageCount, 0);
});

test("a message with no time to live that waits behind others reaches nobody", async () => {
  const { channel, queue } = await channelAndQueue();
  channel.sendToQueue(queue, Buffer.from("first"));
  channel.sendToQueue(queue, Buffer.from("late"), { expiration: "0" });
  channel.sendToQueue(queue, Buffer.from("last"));
  const watching = quiet(await (await target.connect()).createChannel());
  await watching.close();
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  await gathered.count(2);
  await settled();
  assert.deepEqual(gathered.bodies, ["first", "last"]);
});

test("what a bound drops of messages that are given back reaches nobody again", async () => {
  const { channel, queue: dead } = await channelAndQueue();
  const letters = await Gathered.from(channel, dead, { noAck: true });
  const bound = { maxLength: 1, deadLetterExchange: "", deadLetterRoutingKey: dead };
  const { queue } = await channelAndQueue({ exclusive: false, autoDelete: true, ...bound });
  const held = await target.channel();
  const first = await Gathered.from(held, queue);
  for (const body of ["1", "2", "3"]) channel.sendToQueue(queue, Buffer.from(body));
  await first.count(3);
  const others = await Gathered.from(channel, queue, { noAck: true, priority: -1 });
  // One method gives back all three: the bound has dropped two of them before anybody is served.
  held.nackAll(true);
  await first.count(4);
  await letters.count(2);
  assert.deepEqual(first.bodies, ["1", "2", "3", "3"]);
  assert.deepEqual(letters.bodies, ["1", "2"]);
  // So does the end of a channel, whose consumer is gone by then.
  channel.sendToQueue(queue, Buffer.from("4"));
  await first.count(5);
  await held.close();
  await others.count(1);
  await letters.count(3);
  assert.deepEqual(others.bodies, ["4"]);
  assert.deepEqual(letters.bodies, ["1", "2", "3"]);
});

test("giving back into a queue of length 0 drops; what waited before has its turn first", async () => {
  const { channel, queue } = await channelAndQueue({ maxLength: 1 });
  await channel.prefetch(1);
  const gathered = await Gathered.from(channel, queue);
  for (const body of ["1", "2"]) channel.sendToQueue(queue, Buffer.from(body));
  await gathered.count(1);
  channel.nackAll(true);
  await gathered.count(2);
  await settled();
  assert.deepEqual(gathered.bodies, ["1", "2"]);

  const { queue: empty } = await channelAndQueue({ exclusive: false, autoDelete: true, maxLength: 0 });
  const other = await target.channel();
  const none = await Gathered.from(other, empty);
  channel.sendToQueue(empty, Buffer.from("x"));
  await none.count(1);
  other.nackAll(true);
  await settled();
  assert.deepEqual(none.bodies, ["x"]);
});
