import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Channel } from "amqplib";
import { AmqpTarget, Gathered, settled, uniqueName, until } from "../../support/amqp.ts";

let target: AmqpTarget;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

async function streamWith(count: number) {
  const connection = await target.connect();
  const channel = await connection.createConfirmChannel();
  const stream = uniqueName("stream");
  await channel.assertQueue(stream, { durable: true, arguments: { "x-queue-type": "stream" } });
  for (let i = 0; i < count; i++)
    channel.sendToQueue(stream, Buffer.from(`m${i}`), { headers: { number: i } });
  await channel.waitForConfirms();
  return { connection, channel, stream };
}

async function readFrom(
  channel: Channel,
  stream: string,
  offset: unknown,
  prefetch = 100,
): Promise<Gathered> {
  await channel.prefetch(prefetch);
  return Gathered.from(channel, stream, { arguments: { "x-stream-offset": offset } });
}

function offsets(gathered: Gathered): number[] {
  return gathered.messages.map(({ properties }) => properties.headers!["x-stream-offset"] as number);
}

test("a stream is read from where its consumer asks, again and again", async () => {
  const { connection, channel, stream } = await streamWith(5);
  for (const [offset, first] of [
    ["first", 0],
    [0, 0],
    [3, 3],
    ["1h", 0],
    [{ "!": "timestamp", value: Math.floor(Date.now() / 1000) - 60 }, 0],
  ] as const) {
    const gathered = await readFrom(await connection.createChannel(), stream, offset);
    await gathered.count(5 - first);
    assert.deepEqual(offsets(gathered), [0, 1, 2, 3, 4].slice(first), JSON.stringify(offset));
    assert.equal(gathered.messages[0]!.properties.headers!["number"], first);
    assert.equal(gathered.messages[0]!.fields.redelivered, false);
  }
  const next = await readFrom(await connection.createChannel(), stream, "next");
  const inAnHour = { "!": "timestamp", value: Math.floor(Date.now() / 1000) + 3600 };
  const later = await readFrom(await connection.createChannel(), stream, inAnHour);
  const silent = await Gathered.from(await withPrefetch(await connection.createChannel()), stream);
  const last = await readFrom(await connection.createChannel(), stream, "last");
  await settled();
  channel.sendToQueue(stream, Buffer.from("new"));
  await next.count(1);
  await later.count(1);
  assert.deepEqual(offsets(later), [5]);
  await silent.count(1);
  assert.deepEqual([...next.bodies, ...silent.bodies], ["new", "new"]);
  await until(() => last.bodies.includes("new"));
  assert.ok(last.bodies.includes("m4"));
  await channel.deleteQueue(stream);
});

async function withPrefetch(channel: Channel): Promise<Channel> {
  await channel.prefetch(10);
  return channel;
}

test("acknowledging gives credit and takes nothing from the stream", async () => {
  const { connection, channel, stream } = await streamWith(10);
  const reader = await connection.createChannel();
  const gathered = await readFrom(reader, stream, "first", 4);
  await gathered.count(4);
  await settled();
  assert.equal(gathered.messages.length, 4);
  reader.ack(gathered.messages[3]!, true);
  await gathered.count(8);
  reader.ackAll();
  await gathered.count(10);
  assert.equal((await channel.checkQueue(stream)).messageCount, 10);
  await channel.deleteQueue(stream);
  await until(() => gathered.isCancelled);
});

test("a filter passes the messages that have one of its values, and those without a value if it says so", async () => {
  const { connection, channel, stream } = await streamWith(3);
  const values = ["red", "blue", "green", "red", 7, "re"];
  for (const [i, value] of values.entries())
    channel.sendToQueue(stream, Buffer.from(`v${i}`), { headers: { "x-stream-filter-value": value } });
  await channel.waitForConfirms();
  for (const [args, expected] of [
    [{ "x-stream-filter": "red" }, ["v0", "v3", "end"]],
    [{ "x-stream-filter": ["red", "green", 7] }, ["v0", "v2", "v3", "end"]],
    [{ "x-stream-filter": "red", "x-stream-match-unfiltered": true }, ["m0", "m1", "m2", "v0", "v3", "end"]],
    [{ "x-stream-filter": [], "x-stream-match-unfiltered": true }, ["m0", "m1", "m2"]],
    [{ "x-stream-match-unfiltered": true }, ["m0", "m1", "m2", "v0", "v1", "v2", "v3", "v4", "v5", "end"]],
  ] as const) {
    const reading = await connection.createChannel();
    await reading.prefetch(100);
    const gathered = await Gathered.from(reading, stream, {
      arguments: { "x-stream-offset": "first", ...args },
    });
    if (!expected.includes("end" as never)) await gathered.count(expected.length);
    else {
      channel.sendToQueue(stream, Buffer.from("end"), { headers: { "x-stream-filter-value": "red" } });
      await until(() => gathered.bodies.includes("end"));
    }
    const bodies = gathered.bodies.filter((body, i) => body !== "end" || i === gathered.bodies.length - 1);
    assert.deepEqual(bodies, expected, JSON.stringify(args));
    await reading.close();
  }
});

test("a filter that nothing matches for long is looked at in several turns, and finds what comes at last", async () => {
  const { connection, channel, stream } = await streamWith(2500);
  const reading = await connection.createChannel();
  await reading.prefetch(10);
  const gathered = await Gathered.from(reading, stream, {
    arguments: { "x-stream-offset": "first", "x-stream-filter": "last" },
  });
  channel.sendToQueue(stream, Buffer.from("found"), { headers: { "x-stream-filter-value": "last" } });
  await gathered.count(1);
  assert.deepEqual(gathered.bodies, ["found"]);
});

test("a super stream, declared as RabbitMQ's tools do, spreads by key over its partitions", async () => {
  const channel = await (await target.connect()).createConfirmChannel();
  const name = uniqueName("super");
  await channel.assertExchange(name, "direct", { arguments: { "x-super-stream": true } });
  for (const [order, key] of ["emea", "apac"].entries()) {
    await channel.assertQueue(`${name}-${key}`, { arguments: { "x-queue-type": "stream" } });
    await channel.bindQueue(`${name}-${key}`, name, key, { "x-stream-partition-order": order });
  }
  for (const key of ["emea", "apac", "emea"]) channel.publish(name, key, Buffer.from(key));
  await channel.waitForConfirms();
  for (const [key, count] of [
    ["emea", 2],
    ["apac", 1],
  ] as const) {
    const gathered = await readFrom(await target.channel(), `${name}-${key}`, "first");
    await gathered.count(count);
    assert.deepEqual(gathered.bodies, Array<string>(count).fill(key));
  }
});
