/** A queue with history is delivered once and stays readable for the other protocols: replay for RabbitMQ's users. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { Interop } from "../../support/interop.ts";

const bodies = ["one", "two", "three"];
let all: Interop;

before(async () => {
  all = await Interop.start();
});
after(() => all.close());

it("what AMQP acknowledged is there for XRANGE and for a Kafka consumer", async () => {
  const { channel } = all;
  await channel.assertQueue("kept", { durable: true, arguments: { "x-history-ms": 3_600_000 } });
  await channel.assertQueue("plain", { durable: true });
  for (const queue of ["kept", "plain"]) {
    for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body), { persistent: true });
    await channel.waitForConfirms();
    for (const body of bodies) {
      const message = await channel.get(queue);
      assert.ok(message !== false && message.content.toString() === body);
      channel.ack(message);
    }
    assert.equal((await channel.checkQueue(queue)).messageCount, 0);
  }
  assert.deepEqual(
    (await all.redis.xrange("kept", "-", "+")).map(([, fields]) => fields[fields.indexOf("body") + 1]),
    bodies,
  );
  assert.deepEqual(await all.redis.xrange("plain", "-", "+"), []);
  const fetched = await all.fetch("kept", bodies.length);
  assert.deepEqual(
    fetched.map(({ value }) => value!.toString()),
    bodies,
  );
});
