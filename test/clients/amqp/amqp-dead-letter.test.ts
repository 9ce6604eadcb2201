import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Options } from "amqplib";
import { AmqpTarget, Gathered, quiet, settled, uniqueName, until } from "../../support/amqp.ts";

let target: AmqpTarget;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

/** A queue whose dead letters go to another one. */
async function withDeadLetters(options: Options.AssertQueue = {}) {
  const channel = await target.channel();
  const { queue: dead } = await channel.assertQueue("", { exclusive: true });
  const { queue } = await channel.assertQueue("", {
    exclusive: true,
    deadLetterExchange: "",
    deadLetterRoutingKey: dead,
    ...options,
  });
  const letters = await Gathered.from(channel, dead, { noAck: true });
  return { channel, queue, letters };
}

interface DeathEntry {
  count: number;
  reason: string;
  queue: string;
  exchange: string;
  "routing-keys": string[];
  "original-expiration"?: string;
  time: { value: number };
}

function deaths(letters: Gathered, at = 0): DeathEntry[] {
  return letters.messages[at]!.properties.headers!["x-death"] as unknown as DeathEntry[];
}

test("a rejected message is dead-lettered with its history", async () => {
  const { channel, queue, letters } = await withDeadLetters();
  const startedAt = Date.now();
  channel.sendToQueue(queue, Buffer.from("no"), { messageId: "id", headers: { mine: 1 } });
  const message = await until(() => channel.get(queue));
  channel.reject(message, false);
  await letters.count(1);
  const { properties, fields, content } = letters.messages[0]!;
  assert.equal(content.toString(), "no");
  assert.equal(fields.exchange, "");
  assert.equal(properties.messageId, "id");
  const headers = properties.headers as Record<string, unknown>;
  assert.equal(headers["mine"], 1);
  assert.equal(headers["x-first-death-reason"], "rejected");
  assert.equal(headers["x-first-death-queue"], queue);
  assert.equal(headers["x-first-death-exchange"], "");
  const [death] = deaths(letters);
  // Whole seconds, and a moment between them.
  assert.ok(death!.time.value >= Math.floor(startedAt / 1000) && death!.time.value <= Date.now() / 1000);
  assert.deepEqual(
    { count: death!.count, reason: death!.reason, queue: death!.queue, exchange: death!.exchange },
    { count: 1, reason: "rejected", queue, exchange: "" },
  );
  assert.deepEqual(death!["routing-keys"], [queue]);
});

test("expired messages are dead-lettered in order: by the queue's ttl and by their own", async () => {
  const { channel, queue, letters } = await withDeadLetters({ messageTtl: 60 });
  channel.sendToQueue(queue, Buffer.from("own"), { expiration: "20" });
  channel.sendToQueue(queue, Buffer.from("queue's"), { expiration: "60000" });
  await letters.count(2);
  assert.deepEqual(letters.bodies, ["own", "queue's"]);
  const [first] = deaths(letters);
  assert.equal(first!.reason, "expired");
  assert.equal(first!["original-expiration"], "20");
  assert.equal(letters.messages[0]!.properties.expiration, undefined);
  assert.equal((await channel.checkQueue(queue)).messageCount, 0);
});

test("a message that expires at once reaches a consumer that waits, and nobody else", async () => {
  const { channel, queue, letters } = await withDeadLetters();
  channel.sendToQueue(queue, Buffer.from("late"), { expiration: "0" });
  await letters.count(1);
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  channel.sendToQueue(queue, Buffer.from("now"), { expiration: "0" });
  await gathered.count(1);
  assert.deepEqual(gathered.bodies, ["now"]);
});

test("a bound by length drops the oldest", async () => {
  const { channel, queue, letters } = await withDeadLetters({ maxLength: 3 });
  for (let i = 0; i < 5; i++) channel.sendToQueue(queue, Buffer.from(String(i)));
  await letters.count(2);
  assert.deepEqual(letters.bodies, ["0", "1"]);
  assert.equal(deaths(letters)[0]!.reason, "maxlen");
  assert.equal((await channel.checkQueue(queue)).messageCount, 3);
});

test("a full queue may refuse and dead-letter the newest", async () => {
  const channel = quiet(await (await target.connect()).createConfirmChannel());
  const { queue: dead } = await channel.assertQueue("", { exclusive: true });
  const { queue } = await channel.assertQueue("", {
    exclusive: true,
    maxLength: 1,
    deadLetterExchange: "",
    deadLetterRoutingKey: dead,
    arguments: { "x-overflow": "reject-publish-dlx" },
  });
  const letters = await Gathered.from(channel, dead, { noAck: true });
  const outcomes: boolean[] = [];
  for (const text of ["first", "second"]) {
    await new Promise<void>((resolve) => {
      channel.sendToQueue(queue, Buffer.from(text), {}, (error) => {
        outcomes.push(error === null);
        resolve();
      });
    });
  }
  assert.deepEqual(outcomes, [true, false]);
  await letters.count(1);
  assert.deepEqual(letters.bodies, ["second"]);
  assert.equal(deaths(letters)[0]!.reason, "maxlen");
});

test("times beyond what a timer can wait are no busy loop, and end nothing early", async () => {
  const { channel, queue, letters } = await withDeadLetters({
    messageTtl: 9_000_000_000,
    expires: 9_000_000_000,
  });
  channel.sendToQueue(queue, Buffer.from("kept"));
  await settled();
  assert.equal((await channel.checkQueue(queue)).messageCount, 1);
  assert.equal(letters.messages.length, 0);
  if (target.broker !== null) assert.doesNotMatch(target.broker.log, /TimeoutOverflow/);
});

test("what a consumer takes at once counts against no bound", async () => {
  const { channel, queue, letters } = await withDeadLetters({ maxLength: 1 });
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  for (let i = 0; i < 100; i++) channel.sendToQueue(queue, Buffer.from(String(i)));
  await gathered.count(100);
  assert.equal(letters.messages.length, 0);
});

test("a bound by bytes counts the bodies that wait", async () => {
  const { channel, queue, letters } = await withDeadLetters({ arguments: { "x-max-length-bytes": 100 } });
  for (let i = 0; i < 6; i++) channel.sendToQueue(queue, Buffer.alloc(30, 48 + i));
  await letters.count(3);
  await settled();
  assert.equal((await channel.checkQueue(queue)).messageCount, 3);
  const message = await until(() => channel.get(queue));
  assert.equal(message.content.toString()[0], "3");
  channel.sendToQueue(queue, Buffer.alloc(30, "x"));
  await settled();
  assert.equal((await channel.checkQueue(queue)).messageCount, 3);
});

test("the same death again is counted up", async () => {
  const channel = await target.channel();
  const [work, retry] = [uniqueName("work"), uniqueName("retry")];
  await channel.assertQueue(work, { exclusive: true, deadLetterExchange: "", deadLetterRoutingKey: retry });
  await channel.assertQueue(retry, {
    exclusive: true,
    messageTtl: 20,
    deadLetterExchange: "",
    deadLetterRoutingKey: work,
  });
  const gathered = await Gathered.from(channel, work);
  channel.sendToQueue(work, Buffer.from("again"));
  for (let round = 1; round <= 3; round++) {
    await gathered.count(round);
    channel.nack(gathered.messages[round - 1]!, false, false);
  }
  await gathered.count(4);
  assert.deepEqual(
    deaths(gathered, 3).map(({ count, reason, queue }) => [count, reason, queue]),
    [
      [3, "expired", retry],
      [3, "rejected", work],
    ],
  );
  const headers = gathered.messages[3]!.properties.headers as Record<string, unknown>;
  assert.equal(headers["x-first-death-queue"], work);
});

test("a message that would only go round is dropped", async () => {
  const channel = await target.channel();
  const round = uniqueName("round");
  await channel.assertQueue(round, {
    exclusive: true,
    messageTtl: 20,
    deadLetterExchange: "",
    deadLetterRoutingKey: round,
  });
  channel.sendToQueue(round, Buffer.from("x"));
  await until(async () => (await channel.checkQueue(round)).messageCount === 0, "its end");
});

test("a queue that nobody uses goes after x-expires", async () => {
  const channel = await target.channel();
  const name = uniqueName("expires");
  // Long enough for the consumer to come, on a machine that does other things too.
  const expires = 1500;
  await channel.assertQueue(name, { durable: false, expires });
  const gathered = await Gathered.from(channel, name);
  await delay(expires + 300);
  await channel.checkQueue(name);
  await channel.cancel(gathered.tag);
  // A look is a use, so the time begins anew with each.
  for (let isGone = false; !isGone;) {
    await delay(expires + 300);
    const look = (await target.channel()).checkQueue(name);
    isGone = await look.then(
      () => false,
      (error: Error) => /404/.test(error.message),
    );
  }
});

test("a quorum queue counts deliveries and gives up at its limit", async () => {
  const channel = await target.channel();
  const { queue: dead } = await channel.assertQueue("", { exclusive: true });
  const queue = uniqueName("quorum");
  await channel.assertQueue(queue, {
    durable: true,
    deadLetterExchange: "",
    deadLetterRoutingKey: dead,
    arguments: { "x-queue-type": "quorum", "x-delivery-limit": 2 },
  });
  const letters = await Gathered.from(channel, dead, { noAck: true });
  const gathered = await Gathered.from(channel, queue);
  channel.sendToQueue(queue, Buffer.from("poison"));
  for (let i = 0; i < 3; i++) {
    await gathered.count(i + 1);
    channel.nack(gathered.messages[i]!, false, true);
  }
  await letters.count(1);
  assert.deepEqual(
    gathered.messages.map(({ properties }) => properties.headers!["x-delivery-count"] as number | undefined),
    [undefined, 1, 2],
  );
  assert.equal(deaths(letters)[0]!.reason, "delivery_limit");
  await channel.deleteQueue(queue);
});
