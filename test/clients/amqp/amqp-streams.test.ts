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
