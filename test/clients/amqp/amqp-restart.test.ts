import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Connection } from "rabbitmq-client";
import { AmqpTarget, Gathered, quiet, until } from "../../support/amqp.ts";

let target: AmqpTarget;
const isOther = process.env["TROIKAMQ_TEST_AMQP_URL"] !== undefined;
const skip = isOther ? "another server is tested, which is not ours to restart" : false;

before(async () => {
  if (!isOther) target = await AmqpTarget.start();
});

after(() => target?.stop());

test("definitions and messages of durable queues survive a restart and a kill", { skip }, async () => {
  const broker = target.broker!;
  let channel = quiet(await (await target.connect()).createConfirmChannel());
  await channel.assertExchange("kept", "topic", { durable: true });
  await channel.assertExchange("gone", "topic", { durable: false });
  await channel.assertQueue("kept", { durable: true, deadLetterExchange: "kept" });
  await channel.assertQueue("gone", { durable: false });
  await channel.assertQueue("stream", { arguments: { "x-queue-type": "stream" } });
  await channel.bindQueue("kept", "kept", "a.#");
  for (let i = 0; i < 100; i++)
    channel.publish("kept", `a.${i}`, Buffer.from(String(i)), { persistent: true });
  channel.sendToQueue("stream", Buffer.from("s"), { persistent: true });
  await channel.waitForConfirms();
  await target.closeConnections();

  await broker.restart();
  channel = quiet(await (await target.connect()).createConfirmChannel());
  await channel.checkExchange("kept");
  assert.equal((await channel.checkQueue("kept")).messageCount, 100);
  await channel.prefetch(10);
  const gathered = await Gathered.from(channel, "kept");
  await gathered.count(10);
  assert.deepEqual(gathered.bodies, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  channel.ack(gathered.messages[4]!, true);
  channel.ack(gathered.messages[6]!);
  await gathered.count(16);
  channel.publish("kept", "a.x", Buffer.from("last"), { persistent: true });
  await channel.waitForConfirms();

  await broker.kill();
  await target.closeConnections();
  await broker.restart();
  channel = quiet(await (await target.connect()).createConfirmChannel());
  assert.equal((await channel.checkQueue("kept")).messageCount, 95);
  const again = await Gathered.from(channel, "kept");
  await again.count(95);
  assert.deepEqual(again.bodies.slice(0, 4), ["5", "7", "8", "9"]);
  assert.deepEqual(
    again.messages.slice(0, 12).map(({ fields }) => fields.redelivered),
    [true, true, true, true, true, true, true, true, true, true, false, false],
  );
  assert.equal(again.bodies.at(-1), "last");
  await channel.prefetch(10);
  const stream = await Gathered.from(channel, "stream", { arguments: { "x-stream-offset": "first" } });
  await stream.count(1);
  const other = await target.channel();
  await assert.rejects(other.checkQueue("gone"), /404/);
});

test("what is confirmed is there after a kill, in order", { skip }, async () => {
  const broker = target.broker!;
  let channel = quiet(await (await target.connect()).createConfirmChannel());
  await channel.assertQueue("confirmed", { durable: true });
  let confirmed = -1;
  let isStopped = false;
  for (let i = 0; i < 20_000 && !isStopped; i++) {
    channel.sendToQueue("confirmed", Buffer.from(String(i)), { persistent: true }, (error) => {
      if (error !== null) return;
      assert.equal(confirmed, i - 1);
      confirmed = i;
    });
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (confirmed > 5000) isStopped = true;
  }
  await until(() => confirmed > 3000);
  await broker.kill();
  const known = confirmed;
  await target.closeConnections();
  await broker.restart();
  channel = quiet(await (await target.connect()).createConfirmChannel());
  const gathered = await Gathered.from(channel, "confirmed", { noAck: true });
  await gathered.count(known + 1);
  gathered.bodies.forEach((body, at) => assert.equal(body, String(at)));
});

test("messages that expire still do after a restart", { skip }, async () => {
  let channel = quiet(await (await target.connect()).createConfirmChannel());
  await channel.assertQueue("expiring", { durable: true });
  channel.sendToQueue("expiring", Buffer.from("x"), { persistent: true, expiration: "300" });
  await channel.waitForConfirms();
  await target.closeConnections();
  await target.broker!.restart();
  channel = quiet(await (await target.connect()).createConfirmChannel());
  await until(async () => (await channel.checkQueue("expiring")).messageCount === 0);
});

test(
  "a binding with arguments of 70 kB survives a restart, and can be taken away after it",
  { skip },
  async () => {
    const large = "x".repeat(70_000);
    const bindings = [1, 2].map((n) => ({ queue: `large${n}`, exchange: "large", arguments: { large, n } }));
    // amqplib encodes no table beyond 64 KiB.
    let rabbit = new Connection({ url: target.broker!.amqpUrl, frameMax: 131_072 });
    await rabbit.exchangeDeclare({ exchange: "large", type: "headers", durable: true });
    for (const binding of bindings) {
      await rabbit.queueDeclare({ queue: binding.queue, durable: true });
      await rabbit.queueBind(binding);
    }
    await rabbit.close();
    await target.broker!.restart();
    rabbit = new Connection({ url: target.broker!.amqpUrl, frameMax: 131_072 });
    const publisher = rabbit.createPublisher({ confirm: true });
    const counts = async (): Promise<number[]> => {
      await publisher.send({ exchange: "large", headers: bindings[0]!.arguments }, "m");
      const queues = await Promise.all(
        bindings.map(({ queue }) => rabbit.queueDeclare({ queue, passive: true })),
      );
      return queues.map(({ messageCount }) => messageCount);
    };
    assert.deepEqual(await counts(), [1, 0]);
    await rabbit.queueUnbind(bindings[0]!);
    assert.deepEqual(await counts(), [1, 0]);
    await publisher.close();
    await rabbit.close();
  },
);
