/** What waits for a destination is listed, counted and cancelled, whatever protocol it came by; a kill loses none of it. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { Interop, until } from "../../support/interop.ts";
import { api, basic, makeUser, nothingAllowed } from "../../support/users.ts";

interface Shown {
  readonly id: string;
  readonly kind: string;
  readonly due: number;
  readonly since: number;
  readonly routing_key: string;
  readonly properties: { readonly headers?: Readonly<Record<string, unknown>>; readonly priority?: number };
  readonly payload: string;
}

const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-delayed-"));
let all: Interop;
before(async () => {
  all = await Interop.start({ dataDir });
});
after(async () => {
  await all.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

const allowed = { "x-delay-allowed": true };
const long = 600_000;

async function listed(
  name: string,
  query = "",
): Promise<{ messages: readonly Shown[]; next: string | null }> {
  const { status, body } = await api(all.broker, "GET", `troika/delayed/%2F/${name}?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body as { messages: readonly Shown[]; next: string | null };
}

async function countOf(name: string): Promise<unknown> {
  const { body } = await api(all.broker, "GET", `troika/destinations/%2F?name=${name}`);
  return (body as Record<string, unknown>[])[0]!["messages_delayed"];
}

const cancel = async (name: string, id: string): Promise<number> =>
  (await api(all.broker, "DELETE", `troika/delayed/%2F/${name}/${id}`)).status;

test("what waits is listed by pages and cancelled, from every protocol", async () => {
  const from = Date.now();
  const name = "listed";
  await all.channel.assertQueue(name, { arguments: { ...allowed, "x-queue-type": "stream" } });
  await all.publish("", name, "amqp", { headers: { "x-delay": long, mine: 1 }, priority: 3 });
  await all.produce(name, { key: "k", value: "kafka", headers: { "x-deliver-at": String(from + long) } });
  await all.channel.assertExchange("listed.x", "fanout");
  await all.channel.bindQueue(name, "listed.x", "");
  await all.xadd("listed.x", { body: "redis", "x-delay": String(long) });
  const handle = await all.redis.call("TROIKA.XADD", name, "DELAY", String(long), "*", "body", "scheduled");
  const { messages, next } = await listed(name);
  assert.equal(next, null);
  assert.deepEqual(
    messages.map(({ kind, payload }) => [kind, payload]),
    [
      ["delayed", "amqp"],
      ["delayed", "kafka"],
      ["delayed", "redis"],
      ["scheduled", "scheduled"],
    ],
  );
  for (const { due, since } of messages) {
    assert.ok(since >= from && due >= from + long && due <= Date.now() + long, `${since} ${due}`);
  }
  assert.deepEqual(messages[0]!.properties.headers, { "x-delay": -long, mine: 1 });
  assert.equal(messages[0]!.properties.priority, 3);
  assert.equal(messages[3]!.id, handle);
  assert.equal(await countOf(name), 4);
  const { body } = await api(all.broker, "GET", `queues/%2F/${name}`);
  assert.deepEqual([(body as Shown & { messages_delayed: number }).messages_delayed], [4]);

  const pages = [];
  for (let at: string | null = ""; at !== null;) {
    const page = await listed(name, `limit=1&truncate=3&from=${at}`);
    pages.push(page.messages.map(({ payload }) => payload));
    at = page.next;
  }
  assert.deepEqual(pages, [["amq"], ["kaf"], ["red"], ["sch"]]);

  assert.equal(await cancel(name, messages[1]!.id), 204);
  assert.equal(await cancel(name, messages[1]!.id), 404);
  assert.equal(await cancel(name, messages[3]!.id), 204);
  assert.equal(await cancel(name, "17"), 400);
  assert.deepEqual(
    (await listed(name)).messages.map(({ payload }) => payload),
    ["amqp", "redis"],
  );
  assert.equal(await all.redis.xlen(name), 0);
});

test("purge leaves what waits, deleting the queue deletes it", async () => {
  const name = "deleted";
  await all.channel.assertQueue(name, { arguments: allowed });
  await all.publish("", name, "later", { headers: { "x-delay": long } });
  await all.publish("", name, "now");
  assert.equal((await all.channel.purgeQueue(name)).messageCount, 1);
  assert.equal(await countOf(name), 1);
  const careful = await all.newChannel();
  await assert.rejects(careful.deleteQueue(name, { ifEmpty: true }), /not empty/);
  await all.channel.deleteQueue(name);
  assert.equal((await api(all.broker, "GET", `troika/delayed/%2F/${name}`)).status, 404);
  await all.channel.assertQueue(name, { arguments: allowed });
  assert.equal(await countOf(name), 0);
});

test("who may not read the queue is not told what waits for it, and may not cancel it", async () => {
  const name = "secret";
  await all.channel.assertQueue(name, { arguments: allowed });
  await all.publish("", name, "later", { headers: { "x-delay": long } });
  const [{ id }] = (await listed(name)).messages as [Shown];
  await makeUser(all.broker, "nobody", "nobody", nothingAllowed, "management");
  const list = `troika/delayed/%2F/${name}`;
  for (const [method, at] of [
    ["GET", list],
    ["DELETE", `${list}/${id}`],
  ] as const)
    assert.equal((await api(all.broker, method, at, undefined, basic("nobody", "nobody"))).status, 401);
  assert.equal(await countOf(name), 1);
});

test("what waits for an exclusive queue is that of its connection alone", async () => {
  const name = "exclusive";
  await all.channel.assertQueue(name, { exclusive: true, durable: false, arguments: allowed });
  await all.publish("", name, "later", { headers: { "x-delay": long } });
  assert.equal(await countOf(name), 1);
  for (const [method, at] of [
    ["GET", name],
    ["DELETE", `${name}/d1-0`],
  ] as const) {
    const { status, body } = await api(all.broker, method, `troika/delayed/%2F/${at}`);
    assert.deepEqual([status, /RESOURCE_LOCKED/.test(JSON.stringify(body))], [400, true]);
  }
  await all.channel.deleteQueue(name);
});

test("a kill loses nothing that waits and brings none early; what waited for a queue that is not durable is gone with it", async () => {
  const due = Date.now() + 1500;
  const headers = { "x-deliver-at": due };
  await all.channel.assertQueue("kept", { durable: true, arguments: allowed });
  await all.channel.assertQueue("gone", { durable: false, arguments: allowed });
  await all.createTopic("kept.topic");
  const policy = { pattern: "^kept.topic$", definition: { "delay-allowed": true }, "apply-to": "streams" };
  assert.equal((await api(all.broker, "PUT", "policies/%2F/kept", policy)).status, 201);
  for (const name of ["kept", "gone"]) await all.publish("", name, name, { headers, persistent: true });
  await all.produce("kept.topic", { value: "kafka", headers: { "x-deliver-at": String(due) } });
  const cancelled = await listed("kept");
  await all.publish("", "kept", "cancelled", { headers, persistent: true });
  const last = (await listed("kept", `from=${cancelled.messages[0]!.id}`)).messages[1]!;
  assert.equal(await cancel("kept", last.id), 204);
  // What is durable after it shows that the cancelling is durable too.
  await all.publish("", "kept", "marker", { persistent: true });
  await all.crash();
  all = await Interop.start({ dataDir });
  const isEarly = Date.now() < due;
  const names = async (): Promise<string[]> =>
    ((await api(all.broker, "GET", "troika/delayed/%2F/kept")).body as { messages: Shown[] }).messages.map(
      ({ payload }) => payload,
    );
  if (isEarly) assert.deepEqual(await names(), ["kept"]);
  const seen = await until(async () => {
    const { body } = await api(all.broker, "GET", "troika/messages/%2F/kept");
    const { messages } = body as { messages: { payload: string }[] };
    return messages.length === 2 ? messages : undefined;
  });
  assert.ok(Date.now() >= due);
  assert.deepEqual(
    seen.map(({ payload }) => payload),
    ["marker", "kept"],
  );
  const { body } = await api(all.broker, "GET", "troika/messages/%2F/kept.topic");
  assert.deepEqual(
    (body as { messages: Shown[] }).messages.map(({ payload }) => payload),
    ["kafka"],
  );
  assert.equal((await api(all.broker, "GET", "troika/delayed/%2F/gone")).status, 404);
});
