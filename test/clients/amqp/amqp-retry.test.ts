/** Retry with back-off as AMQP's clients see it: rejected messages come again later, then go to the dead letters. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AmqpTarget, closingOf, Gathered, quiet, uniqueName, until } from "../../support/amqp.ts";
import { startTestBroker } from "../../support/broker.ts";
import { api } from "../../support/users.ts";

let target: AmqpTarget;

before(async () => {
  const broker = await startTestBroker();
  target = new AmqpTarget(broker.amqpUrl, broker);
});

after(() => target.stop());

test("a consumer that fails gets the message again after 50, 100 and 200 ms, then it is in the queue of dead letters", async () => {
  const channel = await target.channel();
  const queue = uniqueName("retried");
  await channel.assertQueue(queue, {
    arguments: { "x-retry-limit": 4, "x-retry-backoff-ms": 50, "x-retry-factor": 2 },
  });
  const seen: { body: string; at: number; count: unknown; redelivered: boolean }[] = [];
  await channel.consume(queue, (message) => {
    const { headers } = message!.properties;
    seen.push({
      body: message!.content.toString(),
      at: performance.now(),
      count: headers?.["x-delivery-count"],
      redelivered: message!.fields.redelivered,
    });
    if (message!.content.toString() === "good") channel.ack(message!);
    else channel.nack(message!, false, false);
  });
  channel.sendToQueue(queue, Buffer.from("bad"), { messageId: "1", headers: { mine: 1 } });
  channel.sendToQueue(queue, Buffer.from("good"));
  const bad = await until(() => {
    const found = seen.filter(({ body }) => body === "bad");
    return found.length === 4 ? found : undefined;
  });
  for (const [i, least] of [50, 100, 200].entries())
    assert.ok(bad[i + 1]!.at - bad[i]!.at >= least - 2, `${i}: ${bad[i + 1]!.at - bad[i]!.at} ms`);
  assert.deepEqual(
    bad.map(({ count, redelivered }) => [count, redelivered]),
    [
      [undefined, false],
      [1, true],
      [2, true],
      [3, true],
    ],
  );
  // It was not held up.
  assert.equal(seen[1]!.body, "good");
  const letter = await until(async () => {
    const got = await channel.get(`${queue}.dead`);
    return got === false ? undefined : got;
  });
  const { headers, messageId } = letter.properties;
  assert.equal(letter.content.toString(), "bad");
  assert.equal(messageId, "1");
  assert.equal(headers!["mine"], 1);
  assert.deepEqual([headers!["x-troika-offset"], headers!["x-troika-deliveries"]], [0, 4]);
  const [death] = headers!["x-death"] as unknown as Record<string, unknown>[];
  assert.deepEqual(
    [death!["queue"], death!["reason"], death!["exchange"], death!["routing-keys"], death!["count"]],
    [queue, "rejected", "", [queue], 1],
  );
});

test("a policy of the API says it for queues that are there, and a kill loses nothing that waits", async () => {
  const broker = target.broker!;
  let channel = quiet(await (await target.connect()).createConfirmChannel());
  await channel.assertQueue("waiting", { durable: true });
  const policy = {
    pattern: "^waiting$",
    definition: { "retry-limit": 3, "retry-backoff-ms": 1500, "retry-jitter": 0.1 },
    "apply-to": "queues",
  };
  assert.equal((await api(broker, "PUT", "policies/%2F/again", policy)).status, 201);
  const refused = { ...policy, definition: { "retry-limit": 0 } };
  assert.equal((await api(broker, "PUT", "policies/%2F/wrong", refused)).status, 400);
  for (let i = 0; i < 20; i++) channel.sendToQueue("waiting", Buffer.from(String(i)), { persistent: true });
  await channel.waitForConfirms();
  const rejectedAt = Date.now();
  for (let i = 0; i < 20; i++)
    channel.reject(await until(async () => (await channel.get("waiting")) || undefined), false);
  // A round trip, and what was written before its answer.
  assert.equal((await channel.checkQueue("waiting")).messageCount, 0);
  const { body } = await api(broker, "GET", "troika/destinations?kind=queue&name=waiting");
  const [shown] = body as Record<string, unknown>[];
  assert.deepEqual(
    [shown!["messages"], shown!["messages_unacknowledged"], shown!["messages_waiting"]],
    [20, 0, 20],
  );
  const { body: queue } = await api(broker, "GET", "queues/%2F/waiting");
  const { messages, messages_ready, messages_waiting } = queue as Record<string, unknown>;
  assert.deepEqual([messages, messages_ready, messages_waiting], [20, 0, 20]);
  const { body: overview } = await api(broker, "GET", "overview");
  const { queue_totals: totals } = overview as { queue_totals: Record<string, number> };
  assert.equal(totals["messages_waiting"], 20);
  assert.equal(totals["messages"], totals["messages_ready"]! + totals["messages_unacknowledged"]! + 20);
  const metrics = await (await fetch(`http://127.0.0.1:${broker.ports.http}/metrics`)).text();
  assert.match(metrics, /^troikamq_records_waiting 20$/m);
  await broker.kill();
  await target.closeConnections();
  await broker.restart();
  channel = quiet(await (await target.connect()).createConfirmChannel());
  const again = await Gathered.from(channel, "waiting");
  await again.count(20);
  assert.ok(Date.now() - rejectedAt >= 1300, `${Date.now() - rejectedAt} ms`);
  assert.deepEqual(
    again.bodies.toSorted((a, b) => Number(a) - Number(b)),
    Array.from({ length: 20 }, (_, i) => String(i)),
  );
  assert.ok(again.messages.every(({ fields }) => fields.redelivered));
});

test("arguments are checked, and who may not make the queue of dead letters may not ask for it", async () => {
  for (const [args, text] of [
    [{ "x-retry-limit": 0 }, ": give a whole number, 1 or more"],
    [{ "x-retry-limit": 2, "x-retry-jitter": 2 }, ": give a number from 0 to 1"],
    [{ "x-retry-limit": 2, "x-retry-factor": "2" }, ": give a number from 1 to 1000"],
    [{ "x-retry-limit": "many" }, ": give a whole number, 1 or more"],
  ] as const)
    assert.match(
      await closingOf(target, (channel) => channel.assertQueue("wrong", { arguments: args })),
      new RegExp(`channel 406 PRECONDITION_FAILED - invalid arg 'x-retry-.*${text}`),
    );
  const broker = target.broker!;
  await api(broker, "PUT", "users/low", { password: "low", tags: "" });
  await api(broker, "PUT", "permissions/%2F/low", { configure: "^mine$", write: ".*", read: ".*" });
  const low = new AmqpTarget(target.url.replace(/\/\/.*@|\/\//, "//low:low@"), null);
  assert.match(
    await closingOf(low, (channel) => channel.assertQueue("mine", { arguments: { "x-retry-limit": 2 } })),
    /403 ACCESS_REFUSED - access to queue 'mine\.dead'/,
  );
  await api(broker, "PUT", "permissions/%2F/low", { configure: "^mine", write: ".*", read: ".*" });
  const channel = await low.channel();
  await channel.assertQueue("mine", { arguments: { "x-retry-limit": 2 } });
  await low.closeConnections();
});

test("a message that ends its consumer each time is a dead letter in the end; if-empty spares what waits", async () => {
  const channel = await target.channel();
  const queue = uniqueName("poison");
  await channel.assertQueue(queue, { arguments: { "x-retry-limit": 3, "x-retry-backoff-ms": 60_000 } });
  channel.sendToQueue(queue, Buffer.from("poison"));
  for (let i = 0; i < 3; i++) {
    const connection = await target.connect();
    const gathered = await Gathered.from(await connection.createChannel(), queue);
    await gathered.count(1);
    await connection.close();
  }
  const letter = await until(async () => {
    const got = await channel.get(`${queue}.dead`).catch(() => false as const);
    return got === false ? undefined : got;
  });
  assert.equal(letter.properties.headers!["x-first-death-reason"], "delivery_limit");
  channel.sendToQueue(queue, Buffer.from("waits"));
  const got = await until(async () => {
    const taken = await channel.get(queue);
    return taken === false ? undefined : taken;
  });
  channel.reject(got, false);
  assert.match(
    await closingOf(target, (other) => other.deleteQueue(queue, { ifEmpty: true })),
    /406 PRECONDITION_FAILED - queue '.*' in vhost '\/' not empty/,
  );
});
