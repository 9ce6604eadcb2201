import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AmqpTarget, Gathered, quiet, settled, until } from "../../support/amqp.ts";

let target: AmqpTarget;
const isOther = process.env["TROIKAMQ_TEST_AMQP_URL"] !== undefined;
const skip = isOther ? "other servers keep no history" : false;

before(async () => {
  if (!isOther) target = await AmqpTarget.start();
});

after(() => target?.stop());

const history = { durable: true, arguments: { "x-history-ms": 60_000 } };

test("a queue with history delivers once, and shows again what was acknowledged", { skip }, async () => {
  let channel = quiet(await (await target.connect()).createConfirmChannel());
  await channel.assertQueue("history", history);
  for (let i = 0; i < 10; i++) channel.sendToQueue("history", Buffer.from(String(i)), { persistent: true });
  await channel.waitForConfirms();
  await channel.prefetch(5);
  const gathered = await Gathered.from(channel, "history");
  await gathered.count(5);
  for (const at of [0, 1, 2, 4]) channel.ack(gathered.messages[at]!);
  await gathered.count(9);
  await channel.cancel(gathered.tag);
  channel.ack(gathered.messages[6]!);
  channel.nackAll(true);
  assert.equal((await channel.checkQueue("history")).messageCount, 5);
  if (target.broker !== null) {
    await target.broker.kill();
    await target.closeConnections();
    await target.broker.restart();
    channel = quiet(await (await target.connect()).createConfirmChannel());
  }
  await channel.prefetch(20);
  const again = await Gathered.from(channel, "history");
  await again.count(5);
  await settled();
  assert.deepEqual(again.bodies, ["3", "5", "7", "8", "9"]);
  channel.ackAll();
  await until(async () => (await channel.checkQueue("history")).messageCount === 0);
  const all = await Gathered.from(channel, "history", { arguments: { "x-stream-offset": "first" } });
  await all.count(10);
  assert.deepEqual(all.bodies, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  channel.ackAll();
  channel.sendToQueue("history", Buffer.from("new"));
  await all.count(11);
  await again.count(6);
  channel.nack(again.messages[5]!, false, false);
  assert.deepEqual(await channel.purgeQueue("history"), { messageCount: 0 });
  channel.sendToQueue("history", Buffer.from("x"));
  await until(async () => all.messages.length === 12);
  await channel.deleteQueue("history");
});

test("a purge keeps the history readable", { skip }, async () => {
  const channel = quiet(await (await target.connect()).createConfirmChannel());
  await channel.assertQueue("purged", history);
  for (let i = 0; i < 4; i++) channel.sendToQueue("purged", Buffer.from(String(i)));
  assert.deepEqual(await channel.purgeQueue("purged"), { messageCount: 4 });
  assert.equal(await channel.get("purged"), false);
  await channel.prefetch(10);
  const all = await Gathered.from(channel, "purged", { arguments: { "x-stream-offset": "first" } });
  await all.count(4);
  await channel.deleteQueue("purged");
});
