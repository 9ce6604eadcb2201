/**
 * What tools around RabbitMQ ask of the management API, request by request as their sources write it, and the fields that they read.
 *
 * KEDA's scaler: pkg/scalers/rabbitmq_scaler.go. Flower 2: flower/utils/broker.py. The tools themselves need Kubernetes and Celery.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib, { type ChannelModel } from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { api } from "../../support/users.ts";

let broker: TestBroker;
let connection: ChannelModel;

before(async () => {
  broker = await startTestBroker({ dataDir: "memory" });
  connection = await amqplib.connect(broker.amqpUrl);
  const channel = await connection.createConfirmChannel();
  for (const name of ["jobs.a", "jobs.b", "celery"]) await channel.assertQueue(name);
  for (let at = 0; at < 5; at++) channel.sendToQueue("jobs.a", Buffer.from("m"));
  channel.sendToQueue("jobs.b", Buffer.from("m"));
  await channel.waitForConfirms();
  await channel.get("jobs.a");
});

after(async () => {
  await connection.close();
  await broker.stop();
});

async function ask(path: string): Promise<{ status: number; body: unknown }> {
  const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;
  const url = `http://127.0.0.1:${broker.ports.http}${path}`;
  const response = await fetch(url, { headers: { authorization } });
  return { status: response.status, body: await response.json() };
}

interface ScaledQueue {
  readonly name: string;
  readonly messages: number;
  readonly messages_ready: number;
  readonly messages_unacknowledged: number;
  readonly message_stats: {
    readonly publish_details: { readonly rate: number };
    readonly deliver_get_details: { readonly rate: number };
  };
}

test("KEDA: the length and the rates of a queue", async () => {
  const { status, body } = await ask("/api/queues/%2F/jobs.a");
  assert.equal(status, 200);
  const queue = body as ScaledQueue;
  assert.deepEqual(
    [queue.messages, queue.messages_ready, queue.messages_unacknowledged],
    [5, 4, 1],
    JSON.stringify(queue),
  );
  assert.equal(typeof queue.message_stats.publish_details.rate, "number");
  assert.equal(typeof queue.message_stats.deliver_get_details.rate, "number");
  assert.equal((await ask("/api/queues/%2F/none")).status, 404);
});

test("KEDA: the queues that a regular expression names, by pages", async () => {
  const pattern = encodeURIComponent("^jobs\\.[ab]$");
  for (const vhost of ["", "/%2F"]) {
    const { body } = await ask(
      `/api/queues${vhost}?page=1&use_regex=true&pagination=false&name=${pattern}&page_size=100`,
    );
    const { items, page_count: pages } = body as { items: ScaledQueue[]; page_count: number };
    assert.equal(pages, 1);
    assert.deepEqual(
      items.map(({ name, messages }) => [name, messages]),
      [
        ["jobs.a", 5],
        ["jobs.b", 1],
      ],
    );
  }
  const { body } = await ask(
    "/api/queues/%2F?page=1&use_regex=true&pagination=false&name=none&page_size=100",
  );
  const { items, page_count: pages } = body as { items: ScaledQueue[]; page_count: number };
  assert.deepEqual([items, pages], [[], 0]);
});

test("Flower: the queues of a virtual host", async () => {
  const { body } = await ask("/api/queues/%2F");
  const celery = (body as Record<string, unknown>[]).find(({ name }) => name === "celery")!;
  const { messages, messages_ready: ready, messages_unacknowledged: held, consumers } = celery;
  assert.deepEqual([messages, ready, held, consumers], [0, 0, 0, 0]);
});

test("explain says where a message would go, what nearly matched, and for whom", async () => {
  const explained = async (body: object) =>
    (await api(broker, "POST", "troika/explain", body)) as {
      status: number;
      body: { routed: boolean; destinations: string[]; bindings: Record<string, unknown>[]; error?: string };
    };
  await api(broker, "PUT", "exchanges/%2F/explained", { type: "topic" });
  await api(broker, "PUT", "queues/%2F/explained.q", {});
  await api(broker, "POST", "bindings/%2F/e/explained/q/explained.q", { routing_key: "orders.eu.*" });
  const hit = await explained({ exchange: "explained", routing_key: "orders.eu.new" });
  assert.deepEqual([hit.body.routed, hit.body.destinations], [true, ["explained.q"]]);
  const miss = await explained({ exchange: "explained", routing_key: "orders.us.new" });
  assert.deepEqual(miss.body, {
    routed: false,
    destinations: [],
    bindings: [
      {
        source: "explained",
        destination: "explained.q",
        destination_type: "queue",
        routing_key: "orders.eu.*",
        arguments: {},
        matched: false,
        why: "word 2 of the key is 'us', and the pattern has 'eu' there",
      },
    ],
    other_bindings: 0,
    notes: [],
  });
  const mistyped = await explained({ exchange: "", routing_key: "celary" });
  assert.deepEqual(mistyped.body, {
    routed: false,
    destinations: [],
    bindings: [],
    other_bindings: 0,
    notes: ["there is no queue, stream or topic 'celary'; there is 'celery'"],
  });
  assert.equal((await explained({ exchange: "none" })).status, 404);
  assert.equal((await explained({ vhost: "none" })).status, 404);
  assert.equal((await explained({ exchange: "explained", headers: 5 })).status, 400);
  assert.equal((await explained({ exchange: "explained", key: "orders.eu.new" })).status, 400);
});

test("what is our own is refused in words that say what to do, what is RabbitMQ's in its words", async () => {
  const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;
  const reasonOf = async (method: string, path: string, body?: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${broker.ports.http}/api/${path}`, {
      method,
      headers: { authorization },
      ...(body === undefined ? {} : { body }),
    });
    return ((await response.json()) as { reason: unknown }).reason;
  };
  assert.equal(
    await reasonOf("POST", "troika/deadletters/retry", "{}"),
    "the body has no queue: give it; /api/openapi.json has all keys",
  );
  assert.match(
    String(await reasonOf("POST", "troika/explain", "{x")),
    /^the body is not JSON: give an object/,
  );
  assert.equal(
    await reasonOf("GET", "troika/dedletters"),
    "there is no /api/troika/dedletters: /api/openapi.json has all paths",
  );
  for (const path of [
    "destinations/nope",
    "unroutable/nope",
    "operations?vhost=nope",
    "deadletters?vhost=nope",
  ])
    assert.equal(
      await reasonOf("GET", `troika/${path}`),
      "there is no virtual host 'nope': /api/vhosts has all",
    );
  assert.equal(await reasonOf("PUT", "policies/%2F/x", "{x"), "not_json");
  assert.equal(await reasonOf("GET", "quues"), "Not Found");
});
