/** What is looked at beside a queue's own messages: its dead letters, wherever they lie, and what is scheduled for it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib, { type Channel, type ChannelModel } from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { api, basic, makeUser, nothingAllowed } from "../../support/users.ts";
import { until } from "../../support/wait.ts";

let broker: TestBroker;
let connection: ChannelModel;
let redis: RawRedis;

async function connect(): Promise<void> {
  connection = await amqplib.connect(broker.amqpUrl);
  connection.on("error", () => {});
  redis = await RawRedis.open(broker.ports.redis);
}

before(async () => {
  broker = await startTestBroker();
  await connect();
});

after(async () => {
  await redis.close();
  await connection.close();
  await broker.stop();
});

interface Shown {
  readonly offset?: number;
  readonly id?: string;
  readonly due?: number;
  readonly state: string;
  readonly lies_in?: string;
  readonly state_there?: string;
  readonly payload: string;
}

interface Page {
  readonly messages: readonly Shown[];
  readonly next: string | number | null;
}

async function look(name: string, query: string, user = "guest"): Promise<Page> {
  const path = `troika/messages/%2F/${encodeURIComponent(name)}?${query}`;
  const { status, body } = await api(broker, "GET", path, undefined, basic(user, user));
  assert.equal(status, 200, JSON.stringify(body));
  return body as Page;
}

async function allPages(name: string, query: string): Promise<{ pages: number; messages: Shown[] }> {
  const messages: Shown[] = [];
  let pages = 0;
  for (let from: string | number | null = "first"; from !== null; pages++) {
    const page: Page = await look(name, `${query}&from=${encodeURIComponent(from)}`);
    messages.push(...page.messages);
    from = page.next;
  }
  return { pages, messages };
}

const places = ({ messages }: Pick<Page, "messages">): unknown[] =>
  messages.map(({ payload, lies_in: liesIn, state_there: there }) => [payload, liesIn, there]);

/** Publishes these, rejects each once, and waits until they are where they are counted. */
async function bury(channel: Channel, queue: string, payloads: readonly string[]): Promise<void> {
  for (const payload of payloads) channel.sendToQueue(queue, Buffer.from(payload));
  for (let left = payloads.length; left > 0;) {
    const message = await channel.get(queue);
    if (message === false) continue;
    channel.nack(message, false, false);
    left--;
  }
}

test("dead letters of a queue, in every place where they lie, and no others", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange("grave", "fanout");
  for (const name of ["graveyard", "museum"]) {
    await channel.assertQueue(name, { arguments: name === "museum" ? { "x-queue-type": "stream" } : {} });
    await channel.bindQueue(name, "grave", "");
  }
  const mortal = { arguments: { "x-dead-letter-exchange": "grave" } };
  await channel.assertQueue("mortal", mortal);
  await channel.assertQueue("mortal too", mortal);
  await channel.assertQueue("failing", { arguments: { "x-retry-limit": 1 } });
  channel.sendToQueue("graveyard", Buffer.from("alive"));
  await bury(channel, "mortal", ["m1", "m2"]);
  await bury(channel, "mortal too", ["t1"]);
  await bury(channel, "failing", ["f1"]);
  await channel.waitForConfirms();

  const all = await until(async () => {
    const found = await look("mortal", "state=dead");
    return found.messages.length === 4 ? found : undefined;
  });
  assert.deepEqual(places(all), [
    ["m1", "graveyard", "ready"],
    ["m2", "graveyard", "ready"],
    ["m1", "museum", "ready"],
    ["m2", "museum", "ready"],
  ]);
  assert.ok(all.messages.every(({ state }) => state === "dead"));
  const paged = await allPages("mortal", "state=dead&limit=1");
  assert.deepEqual(places(paged), places(all));
  assert.deepEqual(places(await look("mortal too", "state=dead")), [
    ["t1", "graveyard", "ready"],
    ["t1", "museum", "ready"],
  ]);
  assert.deepEqual(
    places(await look("mortal", "state=dead&filter=body%20=%20m2%20and%20reason%20=%20rejected")),
    [
      ["m2", "graveyard", "ready"],
      ["m2", "museum", "ready"],
    ],
  );
  assert.deepEqual(
    places(await look("mortal", `state=dead&from=${new Date(Date.now() + 60_000).toISOString()}`)),
    [],
  );
  assert.deepEqual(places(await look("failing", "state=dead")), [["f1", "failing.dead", "ready"]]);
  const held = await channel.get("failing.dead");
  assert.ok(held !== false);
  assert.deepEqual(places(await look("failing", "state=dead")), [["f1", "failing.dead", "unacked"]]);
  // The queue goes, its dead letters stay.
  await channel.deleteQueue("failing");
  assert.deepEqual(places(await look("failing", "state=dead")), [["f1", "failing.dead", "unacked"]]);

  await makeUser(
    broker,
    "mourner",
    "mourner",
    { ...nothingAllowed, read: "^(mortal|museum)$" },
    "management",
  );
  assert.deepEqual(places(await look("mortal", "state=dead", "mourner")), [
    ["m1", "museum", "ready"],
    ["m2", "museum", "ready"],
  ]);
  await channel.close();
});

test("dead letters of a Redis group", async () => {
  await redis.call("xgroup", "create", "jobs", "g", "0", "mkstream");
  await redis.call("troika.group", "jobs", "g", "maxdeliver", "1", "deadletter", "lost jobs");
  for (const name of ["a", "b"]) await redis.call("xadd", "jobs", "*", "name", name);
  await redis.call("xreadgroup", "group", "g", "c", "streams", "jobs", ">");
  const pending = await redis.call("xpending", "jobs", "g", "-", "+", "10");
  const ids = [...pending.matchAll(/\d{10,}-\d+/g)].map(([id]) => id);
  await redis.call("troika.nack", "jobs", "g", ids[0]!, "reason", "too heavy");
  await redis.call("xadd", "lost jobs", "*", "name", "not dead");
  const { messages } = await look("jobs", "state=dead");
  assert.deepEqual(
    messages.map(({ payload, lies_in: liesIn }) => [JSON.parse(payload).name, liesIn]),
    [["a", "lost jobs"]],
  );
  const chosen = await look("jobs", `state=dead&filter=${encodeURIComponent('reason = "too heavy"')}`);
  assert.equal(chosen.messages.length, 1);
});

test("what is scheduled, in pages, by the handles that cancel it, and after a kill", async () => {
  const due = Date.now() + 600_000;
  for (let at = 0; at < 5; at++)
    await redis.call("troika.xadd", "later", "deliverat", String(due + at), "*", "body", `s${at}`);
  const { pages, messages } = await allPages("later", "state=scheduled&limit=2");
  assert.equal(pages, 3);
  assert.deepEqual(
    messages.map((each) => [each.payload, each.due, each.state]),
    [0, 1, 2, 3, 4].map((at) => [`s${at}`, due + at, "scheduled"]),
  );
  assert.equal(await redis.call("troika.cancel", "later", messages[1]!.id!), ":1\r\n");
  await redis.close();
  await connection.close();
  await broker.kill();
  await broker.restart();
  await connect();
  const left = await look("later", "state=scheduled&filter=header.body%20!=%20s0");
  assert.deepEqual(
    left.messages.map(({ payload }) => payload),
    ["s2", "s3", "s4"],
  );
});

test("messages that were published with a delay are scheduled", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("slow", { arguments: { "x-delay-allowed": true } });
  const headers = { "x-delay": 600_000, tenant: "a" };
  channel.sendToQueue("slow", Buffer.from("later"), { headers, messageId: "m" });
  channel.sendToQueue("slow", Buffer.from("now"));
  await channel.waitForConfirms();
  const { messages } = await look("slow", "state=scheduled&filter=header.tenant%20=%20a");
  assert.deepEqual(
    messages.map(({ payload, state }) => [payload, state]),
    [["later", "scheduled"]],
  );
  const wait = messages[0]!.due! - Date.now();
  assert.ok(wait > 500_000 && wait <= 600_000, String(wait));
  assert.deepEqual(
    (await look("slow", "state=all")).messages.map(({ payload }) => payload),
    ["now"],
  );
  await channel.close();
});

test("what waits, delayed or scheduled, has the id that the list of it has, and is cancelled by it", async () => {
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("waits", { arguments: { "x-queue-type": "stream", "x-delay-allowed": true } });
  for (const body of ["one", "two"])
    channel.sendToQueue("waits", Buffer.from(body), { headers: { "x-delay": 600_000 } });
  await channel.waitForConfirms();
  await redis.call("troika.xadd", "waits", "delay", "600000", "*", "body", "three");
  const { messages } = await allPages("waits", "state=scheduled&limit=2");
  const { body } = await api(broker, "GET", "troika/delayed/%2F/waits");
  const idsOf = (shown: readonly Shown[]): string[] =>
    shown.map(({ id, payload }) => `${payload} ${id}`).toSorted();
  assert.deepEqual(idsOf(messages), idsOf((body as Page).messages));
  for (const { id } of messages)
    assert.equal((await api(broker, "DELETE", `troika/delayed/%2F/waits/${id}`)).status, 204);
  assert.deepEqual((await look("waits", "state=scheduled")).messages, []);
  await channel.close();
});

test("what is not there is told", async () => {
  const statusOf = async (path: string): Promise<number> =>
    (await api(broker, "GET", `troika/messages/%2F/${path}`)).status;
  assert.equal(await statusOf("nothing?state=dead"), 404);
  assert.equal(await statusOf("nothing?state=scheduled"), 404);
  assert.equal(await statusOf("later?state=scheduled&from=last"), 400);
  assert.equal(await statusOf("mortal?state=dead&from=soon"), 400);
  assert.equal(await statusOf("mortal?state=gone"), 400);
});
