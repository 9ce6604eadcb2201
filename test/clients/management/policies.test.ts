/** Policies over the API act on queues and exchanges of unmodified clients, and are undone when they are deleted. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib, { type Channel, type ChannelModel } from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { api } from "../../support/users.ts";

let broker: TestBroker;
let connection: ChannelModel;
let channel: Channel;

before(async () => {
  broker = await startTestBroker();
  await connect();
});

after(async () => {
  await connection.close();
  await broker.stop();
});

async function connect(): Promise<void> {
  connection = await amqplib.connect(broker.amqpUrl);
  connection.on("error", () => {});
  channel = await connection.createChannel();
}

async function put(path: string, body: object): Promise<void> {
  const { status, body: told } = await api(broker, "PUT", path, body);
  assert.ok(status === 201 || status === 204, `${path}: ${status} ${JSON.stringify(told)}`);
}

async function remove(path: string): Promise<void> {
  assert.equal((await api(broker, "DELETE", path)).status, 204);
}

async function publish(queue: string, messages: number): Promise<void> {
  const confirms = await connection.createConfirmChannel();
  for (let i = 0; i < messages; i++)
    confirms.sendToQueue(queue, Buffer.from(String(i)), { persistent: true });
  await confirms.waitForConfirms();
  await confirms.close();
}

async function count(queue: string): Promise<number> {
  return (await channel.checkQueue(queue)).messageCount;
}

test("max-length bounds what is there and what comes, and no longer once the policy is deleted", async () => {
  await channel.assertQueue("orders.1");
  await channel.assertQueue("other");
  await publish("orders.1", 10);
  await put("policies/%2F/short", {
    pattern: "^orders\\.",
    definition: { "max-length": 3 },
    "apply-to": "queues",
  });
  assert.equal(await count("orders.1"), 3);
  await channel.assertQueue("orders.2");
  await publish("orders.2", 5);
  assert.equal(await count("orders.2"), 3);
  await publish("other", 5);
  assert.equal(await count("other"), 5);
  await remove("policies/%2F/short");
  await publish("orders.2", 5);
  assert.equal(await count("orders.2"), 8);
});

test("the highest priority counts, and the lesser of policy and operator policy", async () => {
  await channel.assertQueue("p.1");
  await put("policies/%2F/low", { pattern: "^p", definition: { "max-length": 1 }, priority: 1 });
  await put("policies/%2F/high", { pattern: "^p", definition: { "max-length": 6 }, priority: 2 });
  await publish("p.1", 9);
  assert.equal(await count("p.1"), 6);
  await put("operator-policies/%2F/op", { pattern: "^p", definition: { "max-length": 4 }, priority: 0 });
  assert.equal(await count("p.1"), 4);
  await remove("policies/%2F/high");
  assert.equal(await count("p.1"), 1);
  await remove("policies/%2F/low");
  await remove("operator-policies/%2F/op");
});

test("the names of the policies and what they say together are shown", async () => {
  interface Shown {
    readonly policy?: string | null;
    readonly operator_policy?: string | null;
    readonly effective_policy_definition?: object;
  }
  const shown = async (path: string): Promise<Shown> => (await api(broker, "GET", path)).body as Shown;
  await channel.assertQueue("shown.1");
  await channel.assertExchange("shown.1", "topic");
  await channel.assertExchange("unseen", "topic");
  await put("policies/%2F/user", {
    pattern: "^shown",
    definition: { "max-length": 6, "alternate-exchange": "a" },
  });
  await put("operator-policies/%2F/op", {
    pattern: "^shown",
    definition: { "max-length": 4, expires: 90_000 },
  });
  const queue = await shown("queues/%2F/shown.1");
  assert.equal(queue.policy, "user");
  assert.equal(queue.operator_policy, "op");
  const together = { "max-length": 4, "alternate-exchange": "a", expires: 90_000 };
  assert.deepEqual(queue.effective_policy_definition, together);
  assert.equal((await shown("exchanges/%2F/shown.1")).policy, "user");
  assert.equal("policy" in (await shown("exchanges/%2F/unseen")), false);
  await remove("policies/%2F/user");
  await remove("operator-policies/%2F/op");
  const without = await shown("queues/%2F/shown.1");
  assert.deepEqual([without.policy, without.operator_policy], [null, null]);
  assert.deepEqual(without.effective_policy_definition, {});
});

test("a scope is of the types of queues", async () => {
  await channel.assertQueue("s.classic");
  await channel.assertQueue("s.quorum", { arguments: { "x-queue-type": "quorum" } });
  const policy = { pattern: "^s\\.", definition: { "max-length": 2 } };
  await put("policies/%2F/scoped", { ...policy, "apply-to": "quorum_queues" });
  await publish("s.classic", 5);
  await publish("s.quorum", 5);
  assert.deepEqual([await count("s.classic"), await count("s.quorum")], [5, 2]);
  await put("policies/%2F/scoped", { ...policy, "apply-to": "classic_queues" });
  await publish("s.quorum", 5);
  assert.deepEqual([await count("s.classic"), await count("s.quorum")], [2, 7]);
  await put("policies/%2F/scoped", { ...policy, "apply-to": "exchanges" });
  await publish("s.classic", 5);
  assert.equal(await count("s.classic"), 7);
  await remove("policies/%2F/scoped");
});

test("an alternate exchange by policy takes what matches no binding; an argument counts before it", async () => {
  await channel.assertExchange("lost", "fanout");
  await channel.assertExchange("lost.too", "fanout");
  for (const name of ["lost", "lost.too"]) {
    await channel.assertQueue(`${name}.q`);
    await channel.bindQueue(`${name}.q`, name, "");
  }
  await channel.assertExchange("ae.plain", "direct");
  await channel.assertExchange("ae.own", "direct", { alternateExchange: "lost.too" });
  await put("policies/%2F/ae", {
    pattern: "^ae\\.",
    definition: { "alternate-exchange": "lost" },
    "apply-to": "exchanges",
  });
  const confirms = await connection.createConfirmChannel();
  const send = async (exchange: string): Promise<void> => {
    confirms.publish(exchange, "nowhere", Buffer.from("m"));
    await confirms.waitForConfirms();
  };
  await send("ae.plain");
  await send("ae.own");
  assert.deepEqual([await count("lost.q"), await count("lost.too.q")], [1, 1]);
  await channel.assertExchange("ae.later", "direct");
  await send("ae.later");
  assert.equal(await count("lost.q"), 2);
  await remove("policies/%2F/ae");
  await send("ae.plain");
  assert.equal(await count("lost.q"), 2);
  await confirms.close();
});

test("policies, parameters and what they do survive SIGKILL", async () => {
  await channel.assertQueue("kept.1", { durable: true });
  await put("policies/%2F/kept", { pattern: "^kept", definition: { "max-length": 2 }, priority: 7 });
  await put("global-parameters/colour", { value: { is: ["red"] } });
  await put("global-parameters/gr\u00fcn", { value: 1 });
  await put("policies/%2F/gr\u00fcn", { pattern: "^none$", definition: { "max-length": 3 } });
  for (const path of ["global-parameters", "policies"]) {
    const { body } = await api(broker, "GET", `${path}?page=1&name=${encodeURIComponent("gr\u00fcn")}`);
    const { items } = body as { items: { name: string }[] };
    assert.deepEqual(
      items.map(({ name }) => name),
      ["gr\u00fcn"],
    );
  }
  await remove("global-parameters/gr\u00fcn");
  await remove("policies/%2F/gr\u00fcn");
  await broker.kill();
  await broker.restart();
  await connect();
  await publish("kept.1", 5);
  assert.equal(await count("kept.1"), 2);
  const { body } = await api(broker, "GET", "policies/%2F/kept");
  assert.deepEqual(body, {
    vhost: "/",
    name: "kept",
    pattern: "^kept",
    "apply-to": "all",
    definition: { "max-length": 2 },
    priority: 7,
  });
  assert.deepEqual((await api(broker, "GET", "global-parameters/colour")).body, {
    name: "colour",
    value: { is: ["red"] },
  });
  await remove("policies/%2F/kept");
});

test("what a policy may not say is refused in RabbitMQ's words", async () => {
  const cases: [path: string, body: object, reason: string][] = [
    ["policies/%2F/x", { pattern: "a" }, "[{key_missing,definition}]"],
    ["policies/%2F/x", { pattern: "a", definition: {} }, "Validation failed\n\nno policy provided\n"],
    [
      "policies/%2F/x",
      { pattern: "a", definition: { nope: "s", b: 1 } },
      'Validation failed\n\n[{&lt;&lt;"b"&gt;&gt;,1},{&lt;&lt;"nope"&gt;&gt;,&lt;&lt;"s"&gt;&gt;}] are not recognised policy settings\n',
    ],
    [
      "policies/%2F/x",
      { pattern: "a", definition: { "ha-mode": "nodes", "ha-params": ["a", 1, [[]]] } },
      'Validation failed\n\nha-mode="nodes" takes a list of strings, [1,[[]]] was not a string\n',
    ],
    [
      "policies/%2F/x",
      { pattern: "a", definition: { "ha-mode": "nodes", "ha-params": [] } },
      'Validation failed\n\nha-mode="nodes" list must be non-empty\n',
    ],
    [
      "operator-policies/%2F/x",
      { pattern: "a", definition: { "dead-letter-exchange": "x" } },
      'Validation failed\n\n[{<<"dead-letter-exchange">>,<<"x">>}] are not recognised policy settings\n',
    ],
    [
      "policies/%2F/x",
      { pattern: "a", definition: { "max-length": -1, expires: 0 }, priority: "x" },
      'Validation failed\n\n0 is not a valid queue expiry\npriority should be a number, actually was &lt;&lt;"x"&gt;&gt;\n',
    ],
    ["parameters/policy/%2F/x", { value: {} }, "policies may not be set using this method"],
    ["parameters/none/%2F/x", { value: {} }, "Validation failed\n\ncomponent none not found\n"],
  ];
  for (const [path, body, reason] of cases) {
    assert.deepEqual(await api(broker, "PUT", path, body), {
      status: 400,
      body: { error: "bad_request", reason },
    });
  }
});
