/** Very many deliveries that are settled by one method and become dead letters: others are served meanwhile. */
import assert from "node:assert/strict";
import test from "node:test";
import amqp from "amqplib";
import { Redis } from "ioredis";
import { limits } from "../../../src/base/limits.ts";
import { startTestBroker } from "../../support/broker.ts";
import { until } from "../../support/amqp.ts";

const count = 30_000;
/** A dead letter costs at least one unit of a turn's work. */
const turnsMin = Math.floor(count / limits.turnWorkUnits);

for (const how of ["nack", "delivery limit"] as const) {
  test(`${count} dead letters at once, by ${how}: each arrives once, and others are served meanwhile`, async () => {
    const broker = await startTestBroker();
    const redis = new Redis(broker.ports.redis, "127.0.0.1");
    try {
      const connection = await amqp.connect(broker.amqpUrl);
      const keeper = await connection.createChannel();
      await keeper.assertQueue("dead");
      const args: Record<string, unknown> = {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "dead",
      };
      if (how === "delivery limit") Object.assign(args, { "x-queue-type": "quorum", "x-delivery-limit": 0 });
      await keeper.assertQueue("work", { durable: true, arguments: args });
      const publisher = await connection.createConfirmChannel();
      for (let i = 0; i < count; i++) publisher.sendToQueue("work", Buffer.from(String(i)));
      await publisher.waitForConfirms();
      const channel = await connection.createChannel();
      let received = 0;
      await channel.consume("work", () => received++);
      await until(() => received === count, "all deliveries");
      const turnsBefore = await broker.metric("troikamq_turns_continued_total");
      if (how === "nack") channel.nackAll(false);
      else await channel.close();
      await until(async () => (await redis.xlen("dead")) === count, "all dead letters");
      // Counted by the broker: how often a client that asks meanwhile is answered depends on the machine.
      const turns = (await broker.metric("troikamq_turns_continued_total")) - turnsBefore;
      assert.ok(turns >= turnsMin, `${turns} turns`);
      const bodies = new Set<string>();
      for (const [, fields] of await redis.xrange("dead", "-", "+"))
        bodies.add(fields[fields.indexOf("body") + 1] ?? fields.join());
      assert.equal(bodies.size, count);
      assert.equal((await keeper.checkQueue("work")).messageCount, 0);
      await connection.close();
    } finally {
      redis.disconnect();
      await broker.stop();
    }
  });
}
