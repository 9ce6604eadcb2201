/**
 * Letters that go home and back leave queues of every kind sound: what is ready, held and bounded is counted right, and each message is
 * delivered once, by its priority where there are priorities.
 */
import "../../../support/asserts-on.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newRetryCounts, retrying } from "../../../../src/broker/operations/letters/retry.ts";
import { newUndoCounts, takenBackOf, undoing } from "../../../../src/broker/operations/letters/undo.ts";
import type { Operation } from "../../../../src/broker/operations/operation.ts";
import { assertQueue } from "../../../../src/broker/queue/queue-invariants.ts";
import type { Queue } from "../../../../src/broker/queue/queue.ts";
import { AmqpView } from "../../../../src/message/convert/as-amqp.ts";
import { openBareBroker, publishTo } from "../../../support/bare-broker.ts";

const kinds: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
  plain: {},
  priority: { "x-max-priority": 4 },
  bytes: { "x-max-length-bytes": 1000 },
  history: { "x-history-ms": 600_000 },
  quorum: { "x-queue-type": "quorum" },
};

const view = new AmqpView();

function bodyAt(queue: Queue, offset: number): string {
  const reader = queue.reader(offset);
  assert.ok(reader.next() && reader.offset === offset);
  const { buffer, bodyStart, bodyEnd } = view.show(reader);
  return buffer.latin1Slice(bodyStart, bodyEnd);
}

/** Takes all that is ready, as a consumer without acknowledgements does. */
function drained(queue: Queue): string[] {
  const bodies: string[] = [];
  queue.catchUp();
  while (queue.cursor!.acquire(1, 0)) {
    const { offset } = queue.cursor!.record;
    queue.readyBytes?.taken(queue.cursor!.record);
    bodies.push(bodyAt(queue, offset));
    queue.settle(offset);
  }
  return bodies;
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("die" as const), priority: fc.nat(5) }),
  fc.record({ kind: fc.constant("retry" as const), limit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("undo" as const), which: fc.nat(9) }),
  fc.record({ kind: fc.constant("hold" as const), isDead: fc.boolean() }),
  fc.record({ kind: fc.constant("giveBack" as const), isDead: fc.boolean() }),
  fc.record({ kind: fc.constant("publish" as const), priority: fc.nat(5) }),
);

const pairs = Object.keys(kinds).flatMap((home) => [[home, "plain"] as const, ["plain", home] as const]);

for (const [home, dead] of pairs) {
  test(`from ${dead} home to ${home}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { broker, declare, close } = await openBareBroker();
        const letters = declare("letters", kinds[dead]);
        const homes = declare("homes", {
          ...kinds[home],
          "x-dead-letter-exchange": "",
          "x-dead-letter-routing-key": "letters",
        });
        const held = new Map<Queue, number[]>([
          [homes, []],
          [letters, []],
        ]);
        const undoable: Operation[] = [];
        const sent: string[] = [];
        const take = (queue: Queue): number | null => {
          queue.catchUp();
          if (!queue.cursor!.acquire(1, 0)) return null;
          queue.readyBytes?.taken(queue.cursor!.record);
          return queue.cursor!.record.offset;
        };
        const options = { vhost: "/", source: "letters", startedBy: "t", rate: null } as const;
        const { operations } = broker;
        for (const each of steps) {
          if (each.kind === "publish" || each.kind === "die") {
            const body = `m${sent.length}`;
            sent.push(body);
            publishTo(homes, body, { priority: each.priority });
          }
          if (each.kind === "die") {
            const offset = take(homes);
            if (offset !== null) broker.retention.discard(homes, offset, "rejected");
          } else if (each.kind === "retry") {
            const request = { source: letters, filter: null, limit: each.limit, edit: null, isDry: false };
            const operation = operations.start(
              { ...options, kind: "retry" },
              retrying(operations, { ...request, may: () => true }),
              newRetryCounts(),
            );
            assert.deepEqual([operation.state, operation.error], ["finished", null]);
            undoable.push(operation);
          } else if (each.kind === "undo") {
            const undone = undoable[each.which];
            if (undone === undefined) continue;
            const operation = operations.start(
              { ...options, kind: "undo", undoes: undone.id },
              undoing(operations, { undone, source: letters, may: () => true }),
              newUndoCounts(),
            );
            assert.deepEqual([operation.state, operation.error], ["finished", null]);
          } else if (each.kind === "hold" || each.kind === "giveBack") {
            const queue = each.isDead ? letters : homes;
            const offset = each.kind === "hold" ? take(queue) : held.get(queue)!.pop();
            if (offset === null || offset === undefined) continue;
            if (each.kind === "hold") held.get(queue)!.push(offset);
            else queue.requeue(offset);
          }
          for (const queue of [homes, letters]) {
            queue.catchUp();
            assertQueue(queue);
            assert.equal(queue.cursor!.heldCount, held.get(queue)!.length);
          }
        }
        for (const [queue, offsets] of held) for (const offset of offsets) queue.requeue(offset);
        const bodies = [...drained(homes), ...drained(letters)];
        assert.deepEqual(bodies.toSorted(), sent.toSorted());
        for (const queue of [homes, letters])
          assert.deepEqual([queue.messageCount, queue.readyBytes?.total ?? 0], [0, 0]);
        await close();
      }),
      { numRuns: 25 },
    );
  });
}

test("an undo that was cut short has noted what it took back, over a kill too", async () => {
  const rig = await openBareBroker();
  const { operations, retention } = rig.broker;
  const letters = rig.declare("letters");
  const homes = rig.declare("homes", {
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "letters",
  });
  for (let i = 0; i < 9; i++) {
    publishTo(homes, `m${i}`);
    assert.ok(homes.cursor!.acquire(1, 0));
    retention.discard(homes, homes.cursor!.record.offset, "rejected");
  }
  letters.catchUp();
  const options = { vhost: "/", source: "letters", startedBy: "t" } as const;
  const request = { source: letters, filter: null, limit: Infinity, edit: null, isDry: false };
  const undone = operations.start(
    { ...options, kind: "retry", rate: null },
    retrying(operations, { ...request, may: () => true }),
    newRetryCounts(),
  );
  homes.catchUp();
  const undo = () =>
    operations.start(
      { ...options, kind: "undo", undoes: undone.id, rate: 1 },
      undoing(operations, { undone, source: letters, may: () => true }),
      newUndoCounts(),
    );
  const first = undo();
  rig.pass(2500);
  assert.ok(first.counts.moved > 1 && first.counts.moved < 9);
  operations.cancel(first);
  assert.equal(takenBackOf(undone), first.counts.moved);
  const second = undo();
  rig.pass(2500);
  rig.broker.ticker.run();
  await rig.turnsUntil(() => rig.disk.waiting === 0);
  rig.disk.crash("kill");
  const after = await openBareBroker(rig.disk);
  const taken = takenBackOf(after.broker.operations.get(undone.id)!);
  assert.equal(taken, first.counts.moved + second.counts.moved);
  await after.close();
});
