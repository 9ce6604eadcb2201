/** What a transaction of acknowledgements alone was told to have done is on the disk: a power failure right after tx.commit-ok does not undo it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AmqpClient, type Delivery, tableOf } from "../../../sim/clients/amqp-client.ts";
import { method } from "../../support/amqp-frames.ts";
import { DurableRig } from "../../support/durable-rig.ts";

const queue = "q";
const seeds = 8;
/** With a history the message stays in the log: the acknowledgement alone is written, when the tick ends. */
const tables = [Buffer.alloc(0), tableOf({ "x-history-ms": 3_600_000 })];

async function leftAfterPowerFailure(seed: number, table: Buffer): Promise<number> {
  const rig = await DurableRig.open(seed);
  const link = rig.connect("amqp");
  const client = new AmqpClient(link, {});
  const call = async (ask: (done: () => void) => void): Promise<void> => {
    let isAnswered = false;
    ask(() => (isAnswered = true));
    await rig.until(() => isAnswered, "an answer");
  };
  const commit = method(1, 90, 20);
  await call((done) => client.declare(queue, table, done));
  await call((done) => client.call(method(1, 90, 10), done));
  client.publish(queue, "m");
  await call((done) => client.call(commit, done));
  let got: Delivery | null = null;
  await call((done) =>
    client.get(
      queue,
      (delivery) => {
        got = delivery;
        done();
      },
      false,
    ),
  );
  // A transaction that waits for the disk: all that was before is there, so that only the acknowledgement is not.
  client.publish(queue, "n");
  await call((done) => client.call(commit, done));
  client.ack(got!.tag);
  let isCommitted = false;
  client.call(commit, () => (isCommitted = true));
  // Turns in which the disk does nothing.
  for (let turn = 0; turn < 5; turn++) {
    while (link.isBusy) link.step();
    if (rig.time.hasTickEnd) rig.time.endTick();
  }
  assert.equal(isCommitted, false, "no answer before the disk has it");
  await rig.until(() => isCommitted, "tx.commit-ok");
  rig.process.kill("power");
  await rig.start();
  return rig.broker.defaultVhost.queues.get(queue)!.readyCount;
}

test("an acknowledgement that was committed outlives a power failure", async () => {
  for (const table of tables) {
    for (let seed = 1; seed <= seeds; seed++)
      assert.equal(await leftAfterPowerFailure(seed, table), 1, `seed ${seed}`);
  }
});
