/** Catch-up Pub/Sub with ioredis: a subscriber that comes back gets what it missed, in order and once, and then goes on live. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { connect } from "amqplib";
import type { Redis } from "ioredis";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { PushingRedis } from "../../../support/pushing-redis.ts";
import { openIoredis, until } from "../../../support/redis-clients.ts";

const rules = "news.* 600000 1000 1000000, brief.* 600000 3 1000000 memory";
let broker: TestBroker;
let publisher: Redis;
const clients: Redis[] = [];

before(async () => {
  broker = await startTestBroker({ args: ["--redis-pubsub-history", rules] });
  publisher = open();
});

// A subscriber that is left connected subscribes again after each restart, and ioredis hands nobody the error when the
// next restart comes in between.
afterEach(() => {
  for (const client of clients) if (client !== publisher) client.disconnect();
});

after(async () => {
  publisher.disconnect();
  await broker.stop();
});

function open(options: object = {}): Redis {
  const client = openIoredis(broker.ports.redis, options).on("error", () => {});
  clients.push(client);
  return client;
}

/** Subscribes, and gathers what comes. */
async function listen(channels: string[], options: object, prepare?: (client: Redis) => Promise<unknown>) {
  const client = open({ protocol: 2, ...options });
  const heard: string[] = [];
  client.on("message", (channel: string, message: string) => heard.push(`${channel} ${message}`));
  await prepare?.(client);
  await client.subscribe(...channels);
  return { client, heard };
}

async function publish(channel: string, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await publisher.publish(channel, String(i));
}

const texts = (channel: string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${channel} ${from + i}`);

async function gone(client: Redis, name: string): Promise<void> {
  client.disconnect();
  await until(
    async () => !String(await publisher.client("LIST")).includes(` name=${name} `),
    "the subscriber is gone",
  );
}

for (const protocol of [2, 3] as const) {
  test(`a client that comes back under its name gets what it missed, RESP${protocol}`, async () => {
    const name = `reader${protocol}`;
    const channel = `news.${protocol}`;
    await publish(channel, 0, 2);
    const first = await listen([channel], { connectionName: name, protocol });
    await publish(channel, 2, 4);
    await until(() => first.heard.length >= 2, "messages");
    await gone(first.client, name);
    await publish(channel, 4, 9);
    const again = await listen([channel], { connectionName: name, protocol });
    await publish(channel, 9, 11);
    await until(() => again.heard.length >= 7, "what was missed");
    assert.deepEqual(first.heard, texts(channel, 2, 4));
    assert.deepEqual(again.heard, texts(channel, 4, 11));
    // Of another channel it has missed nothing, and without a name nobody has.
    const nameless = await listen([channel], { protocol });
    await publish(channel, 11, 12);
    await until(() => again.heard.length + nameless.heard.length >= 9, "live messages");
    assert.deepEqual(nameless.heard, texts(channel, 11, 12));
    // Who unsubscribes does not come back.
    await again.client.unsubscribe(channel);
    await gone(again.client, name);
    await publish(channel, 12, 13);
    const third = await listen([channel], { connectionName: name, protocol });
    await publish(channel, 13, 14);
    await until(() => third.heard.length >= 1, "a live message");
    assert.deepEqual(third.heard, texts(channel, 13, 14));
  });
}

test("TROIKA.HISTORY tells ids, and TROIKA.CATCHUP begins behind one", async () => {
  await publish("news.ids", 0, 10);
  const kept = (await publisher.call("TROIKA.HISTORY", "news.ids")) as [string, string][];
  assert.deepEqual(
    kept.map(([, message]) => message),
    texts("", 0, 10).map((text) => text.trim()),
  );
  const id = kept[6]![0];
  const { heard } = await listen(["news.ids"], {}, (client) =>
    client.call("TROIKA.CATCHUP", "news.ids", "FROM", id),
  );
  await publish("news.ids", 10, 12);
  await until(() => heard.length >= 5, "what followed the id");
  assert.deepEqual(heard, texts("news.ids", 7, 12));
  const last = (await publisher.call("TROIKA.HISTORY", "news.ids", "FROM", id, "COUNT", 2)) as [
    string,
    string,
  ][];
  assert.deepEqual(last, kept.slice(7, 9));
});

test("TROIKA.SUBSCRIBE FROM: the past, then live, with ids if asked for", async () => {
  await publish("news.s", 0, 2);
  const raw = await PushingRedis.open(broker.ports.redis, 2);
  const confirmed = await raw.call("troika.subscribe", "news.s", "FROM", 0, "WITHID");
  assert.match(confirmed, /^\*3\r\n\$9\r\nsubscribe\r\n\$6\r\nnews.s\r\n:1\r\n$/);
  await publish("news.s", 2, 3);
  const told = (await raw.settled()).join("");
  const numbers = told.matchAll(
    /\*4\r\n\$7\r\nmessage\r\n\$6\r\nnews.s\r\n\$1\r\n(\d)\r\n\$15\r\n\d{13}-\d\r\n/g,
  );
  assert.deepEqual(
    Array.from(numbers, ([, number]) => number),
    ["0", "1", "2"],
    told,
  );
  await raw.close();
  const error = await publisher.call("TROIKA.HISTORY", "other").catch(String);
  assert.match(String(error), /channel 'other' keeps no history/);
  await assert.rejects(publisher.call("TROIKA.SUBSCRIBE", "news.s", "news.t", "0"), /syntax error/);
});

test("a history in memory keeps its bound, and AMQP's messages count", async () => {
  await publish("brief.a", 0, 5);
  const connection = await connect(`amqp://127.0.0.1:${broker.ports.amqp}`);
  const channel = await connection.createConfirmChannel();
  channel.publish("amq.topic", "brief.a", Buffer.from("5"));
  await channel.waitForConfirms();
  await connection.close();
  const kept = (await publisher.call("TROIKA.HISTORY", "brief.a")) as [string, string][];
  assert.deepEqual(
    kept.map(([, message]) => message),
    ["3", "4", "5"],
  );
});

test("CONFIG SET changes the rules", async () => {
  const set = (text: string): Promise<unknown> => publisher.config("SET", "troika-pubsub-history", text);
  await assert.rejects(set("news.*"), /use: pattern window-ms messages bytes/);
  await set(`${rules}, late.* 600000 10 1000`);
  await publish("late.a", 0, 1);
  assert.equal(((await publisher.call("TROIKA.HISTORY", "late.a")) as unknown[]).length, 1);
  await set(rules);
  await assert.rejects(publisher.call("TROIKA.HISTORY", "late.a"), /keeps no history/);
  assert.ok(((await publisher.call("TROIKA.HISTORY", "news.ids")) as unknown[]).length > 0);
});

test("a history outlives kill -9, and so does where a reader stopped", async () => {
  const first = await listen(["news.k", "brief.k"], { connectionName: "killed" });
  await publish("news.k", 0, 3);
  await until(() => first.heard.length >= 3, "messages");
  await gone(first.client, "killed");
  await publish("news.k", 3, 6);
  await publish("brief.k", 0, 1);
  // It does not come back by itself.
  const cutOff = await PushingRedis.open(broker.ports.redis);
  await cutOff.call("client", "setname", "cut-off");
  cutOff.send("subscribe", "news.k");
  await cutOff.settled();
  publisher.disconnect();
  await broker.kill();
  await broker.restart();
  publisher = open();
  const again = await listen(["news.k", "brief.k"], { connectionName: "killed" });
  await publish("news.k", 6, 7);
  await publish("brief.k", 1, 2);
  await until(() => again.heard.length >= 5, "what was missed");
  assert.deepEqual(again.heard, [...texts("news.k", 3, 7), "brief.k 1"]);
  // One that was connected at the first kill gets what was published between two kills.
  publisher.disconnect();
  again.client.disconnect();
  await broker.kill();
  await broker.restart();
  publisher = open();
  const later = await listen(["news.k"], { connectionName: "cut-off" });
  await publish("news.k", 7, 8);
  await until(() => later.heard.length >= 2, "what was published between two kills");
  assert.deepEqual(later.heard, texts("news.k", 6, 8));
});

test("a history whose rule was set by CONFIG SET outlives a restart, and goes when CONFIG SET takes the rule away", async () => {
  const set = (text: string): Promise<unknown> => publisher.config("SET", "troika-pubsub-history", text);
  const kept = async (): Promise<string[]> =>
    ((await publisher.call("TROIKA.HISTORY", "set.a")) as [string, string][]).map(([, message]) => message);
  const withSet = `${rules}, set.* 600000 10 1000`;
  await set(withSet);
  const first = await listen(["set.a"], { connectionName: "set" });
  await publish("set.a", 0, 1);
  await until(() => first.heard.length >= 1, "a message");
  await gone(first.client, "set");
  await publish("set.a", 1, 2);
  publisher.disconnect();
  await broker.kill();
  await broker.restart();
  publisher = open();
  await broker.logged(/history on the disk has no rule.*set\.\*/);
  await assert.rejects(publisher.call("TROIKA.HISTORY", "set.a"), /keeps no history/);
  await set(rules);
  await set(withSet);
  assert.deepEqual(await kept(), ["0", "1"]);
  const again = await listen(["set.a"], { connectionName: "set" });
  await publish("set.a", 2, 3);
  await until(() => again.heard.length >= 2, "what was missed");
  assert.deepEqual(again.heard, texts("set.a", 1, 3));
  await gone(again.client, "set");
  await set(rules);
  await set(withSet);
  assert.deepEqual(await kept(), []);
});
