/**
 * How much a bounded queue has, whatever became of its records, and whether a batch fits: on the broker alone, with a clock
 * that the test moves. What clients see is in test/clients/interop/interop-overflow.test.ts, all of it together in sim/.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { appendRecord, type OutgoingMessage } from "../../../src/broker/exchange/outgoing-message.ts";
import { implicitStream } from "../../../src/broker/queue/lifecycle.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { BatchGuard } from "../../../src/broker/exchange/publication.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import type { QueueConsumer } from "../../../src/broker/queue/readers.ts";
import type { SimDisk } from "../../../sim/disk.ts";
import { openBareBroker, publishTo as publish } from "../../support/bare-broker.ts";
import { takeOnce } from "../../../src/broker/queue/delivery.ts";
import { removeBelow } from "../../../src/broker/queue/removal.ts";

const owner = 1;

async function make(disk?: SimDisk) {
  const bare = await openBareBroker(disk);
  const declare = (name: string, args: Record<string, string | number>): Queue =>
    bare.declare(name, { "x-overflow": "reject-publish", ...args });
  return { ...bare, declare };
}

function take(queue: Queue): number {
  assert.equal(takeOnce(queue, owner), "taken");
  return queue.cursor!.record.offset;
}

/** It waits for messages, and has no room for one. */
const busy: QueueConsumer = {
  id: 7,
  priority: 0,
  isNoAck: false,
  isExclusive: false,
  isParked: false,
  canTake: () => false,
  deliver: () => assert.fail("it has no room"),
  cancelled: () => {},
};

test("a record that was given back and then removed by its place leaves room", async () => {
  const { declare } = await make();
  const queue = declare("q", { "x-max-length": 1 });
  assert.ok(publish(queue, "a"));
  const offset = take(queue);
  queue.requeue(offset);
  queue.removeAt(offset);
  assert.equal(queue.readyCount, 0);
  assert.ok(publish(queue, "b"));
  assert.equal(queue.readyCount, 1);
  assert.ok(!publish(queue, "c"));
});

test("what was given back and is removed by its place counts for no bytes", async () => {
  const { declare } = await make();
  const queue = declare("q", { "x-max-length-bytes": 10 });
  assert.ok(publish(queue, "abcdef"));
  const offset = take(queue);
  queue.requeue(offset);
  assert.equal(queue.readyBytes!.total, 6);
  queue.removeAt(offset);
  assert.equal(queue.readyBytes!.total, 0);
  assert.ok(publish(queue, "0123456789"));
});

test("what is removed by its place counts for no bytes, held or not", async () => {
  const { declare } = await make();
  const queue = declare("q", { "x-max-length-bytes": 10 });
  for (const body of ["1234", "5678", "90"]) assert.ok(publish(queue, body));
  const held = take(queue);
  queue.removeAt(held + 1);
  assert.equal(queue.readyBytes!.total, 2);
  queue.removeAt(held);
  // Its consumer does not know yet.
  queue.requeue(held);
  assert.equal(queue.readyBytes!.total, 2);
  removeBelow(queue, queue.log.nextOffset);
  assert.equal(queue.readyBytes!.total, 0);
  assert.ok(publish(queue, "0123456789"));
});

test("settled records that stay readable count for no bytes after a restart", async () => {
  const first = await make();
  const queue = first.declare("q", { "x-max-length-bytes": 10, "x-history-ms": 60_000 });
  assert.ok(publish(queue, "12345678"));
  queue.settle(take(queue));
  assert.ok(publish(queue, "123456789"));
  await first.close();
  const { broker } = await make(first.disk);
  const again = broker.defaultVhost.queue("q");
  assert.ok(!publish(again, "12"));
  assert.equal(again.readyBytes!.total, 9);
  assert.ok(publish(again, "1"));
});

test("a queue that a dead letter fills while another one makes room refuses the batch", async () => {
  const { broker, pass, declare } = await make();
  const target = declare("target", { "x-max-length": 1 });
  const toTarget = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "target" };
  const source = declare("source", { "x-max-length": 1, "x-message-ttl": 5, ...toTarget });
  source.addConsumer(busy);
  assert.ok(publish(source, "expires"));
  pass(10);
  const guard = new BatchGuard();
  const vhost = broker.defaultVhost;
  const oneByte = { count: 1, bodyBytes: 1 } as OutgoingMessage;
  for (const { name } of [target, source])
    guard.addOwn(vhost.routes.find(vhost.exchanges.get("")!, name), oneByte);
  assert.deepEqual(
    guard.fullQueues().map(({ name }) => name),
    ["target"],
  );
  target.catchUp();
  assert.equal(target.readyCount, 1);
});

for (const overflow of ["reject-publish", "drop-head"]) {
  test(`a queue holds exactly as many messages and bytes as its bounds say (${overflow})`, async () => {
    const { declare } = await make();
    const byLength = declare("l", { "x-max-length": 2, "x-overflow": overflow });
    const byBytes = declare("b", { "x-max-length-bytes": 10, "x-overflow": overflow });
    assert.ok(publish(byLength, "1") && publish(byLength, "2"));
    assert.equal(byLength.readyCount, 2);
    assert.ok(publish(byBytes, "12345") && publish(byBytes, "67890"));
    assert.deepEqual([byBytes.readyCount, byBytes.readyBytes!.total], [2, 10]);
    const isTaken = overflow === "drop-head";
    assert.equal(publish(byLength, "3"), isTaken);
    assert.equal(byLength.readyCount, 2);
    assert.equal(publish(byBytes, "x"), isTaken);
    assert.equal(byBytes.readyBytes!.total, isTaken ? 6 : 10);
  });
}

test("a stream with gaps keeps as many of its newest records as it may, wherever the gaps are", async () => {
  const bare = await openBareBroker();
  const { defaultVhost } = bare.broker;
  let made = 0;
  const step = fc.oneof(
    fc.record({ append: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ remove: fc.array(fc.nat(30), { maxLength: 8 }) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 12 }), (maxLength, steps) => {
      const name = `s${made++}`;
      const queue = defaultVhost.declareQueue({
        ...implicitStream,
        name,
        args: { "x-max-length": maxLength },
      });
      const { log } = queue;
      assert.equal(queue.policy.maxLength, maxLength);
      let present: number[] = [];
      for (const each of steps) {
        if ("append" in each) {
          for (let i = 0; i < each.append; i++) {
            present.push(log.nextOffset + i);
            appendRecord(log.group, envelope.redis, Buffer.from([0]), 0, 1);
          }
          log.store.seal();
        } else {
          const gone = new Set(each.remove.map((at) => present[at]));
          for (const offset of gone) if (offset !== undefined) queue.removeAt(offset);
          present = present.filter((offset) => !gone.has(offset));
        }
        for (let count = 0; count <= present.length; count++) {
          const target = log.removed.offsetAfter(count, log.stableEnd);
          assert.equal(present.filter((offset) => offset < target).length, count, `${count} records`);
        }
        bare.broker.retention.streamBounds(queue);
        present = present.slice(-maxLength);
        const found: number[] = [];
        const reader = queue.reader();
        while (reader.next()) found.push(reader.offset);
        assert.deepEqual(found, present);
      }
      defaultVhost.deleteQueue(queue);
    }),
    { numRuns: 100 },
  );
  await bare.close();
});
