/**
 * Looking at messages against a model of the queue: after any steps each state has what the model has, page by page. Of two queues with
 * the same steps, the one that is looked at gives out what the other does.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { finishNow } from "../../../src/base/turn-work.ts";
import { type LookedPage, looking, type WantedState } from "../../../src/broker/look/look.ts";
import type { Looked, MessageState } from "../../../src/broker/look/looked.ts";
import { takeOnce } from "../../../src/broker/queue/delivery.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import { reject } from "../../../src/broker/retry/rejection.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { openBareBroker, publishTo } from "../../support/bare-broker.ts";

const getOwner = 7;
const retry = { "x-retry-limit": 50, "x-retry-backoff-ms": 100_000 };
const kinds = {
  classic: retry,
  quorum: { ...retry, "x-queue-type": "quorum" },
  priority: { ...retry, "x-max-priority": 3 },
  history: { ...retry, "x-history-ms": 1_000_000 },
};

function pages(queue: Queue, state: WantedState, messagesMax: number): Looked[] {
  const found: Looked[] = [];
  for (let from: number | null = 0; from !== null;) {
    const page: LookedPage = finishNow(
      looking(queue, { state, from, messagesMax, payloadBytesMax: 3, filter: null }),
    );
    assert.ok(page.messages.length <= messagesMax && (page.next === null || page.next > from));
    found.push(...page.messages);
    from = page.next;
  }
  return found;
}

interface Modelled {
  state: MessageState | "gone";
  count: number | null;
}

interface Step {
  readonly kind: "publish" | "take" | "ack" | "requeue" | "reject";
  readonly pick: number;
}

/** Does the step, and says what was given out. */
function run(queue: Queue, { kind, pick }: Step, model: Map<number, Modelled>): string {
  const held = [...model].filter(([, { state }]) => state === "unacked");
  if (kind === "publish") {
    model.set(model.size, { state: "ready", count: 0 });
    publishTo(queue, `m${model.size}`, { priority: pick % 4 });
    return "";
  }
  if (kind === "take") {
    queue.catchUp();
    if (takeOnce(queue, getOwner) !== "taken") return "empty";
    const { record, deliveryCount } = queue.cursor!;
    model.set(record.offset, { state: "unacked", count: deliveryCount });
    return `${record.offset} ${deliveryCount}`;
  }
  if (held.length === 0) return "";
  const [offset, modelled] = held[pick % held.length]!;
  if (kind === "requeue") {
    queue.requeue(offset);
    modelled.state = "ready";
  } else if (kind === "reject") {
    reject(queue, offset);
    modelled.state = "waiting";
  } else {
    queue.settle(offset);
    modelled.state = queue.keepsHistory ? "history" : "gone";
    modelled.count = null;
  }
  return "";
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("publish", "publish", "take", "take", "ack", "requeue", "reject"),
  pick: fc.nat(20),
});

for (const [kind, args] of Object.entries(kinds)) {
  test(`${kind}: what is seen is what is there, and nobody notices`, async () => {
    const bare = await openBareBroker();
    let queues = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (steps, messagesMax) => {
        const [queue, twin] = [bare.declare(`q${queues++}`, args), bare.declare(`q${queues++}`, args)];
        const [model, other] = [new Map<number, Modelled>(), new Map<number, Modelled>()];
        for (const each of steps) {
          assert.equal(run(queue, each, model), run(twin, each, other));
          const all = pages(queue, null, messagesMax);
          assert.deepEqual(
            all.map(({ offset, state, deliveryCount: count }) => [offset, { state, count }]),
            [...model].filter(([, { state }]) => state !== "gone").toSorted(([a], [b]) => a - b),
          );
          for (const state of ["ready", "unacked", "waiting", "history"] as const)
            assert.deepEqual(
              pages(queue, state, messagesMax),
              all.filter((one) => one.state === state),
            );
          for (const { state, owner } of all) assert.equal(owner, state === "unacked" ? getOwner : 0);
        }
        bare.broker.defaultVhost.deleteQueue(queue);
        bare.broker.defaultVhost.deleteQueue(twin);
      }),
      { numRuns: 40 },
    );
    await bare.close();
  });
}

test("a message that cannot be read hides no other", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("odd");
  publishTo(queue, "before");
  const { log } = queue;
  const at = log.store.reserve(log.group, envelope.amqp, 2);
  log.store.tail.latin1Write("xx", at, 2);
  log.store.seal();
  publishTo(queue, "behind");
  const found = pages(queue, null, 10).map(({ content }) =>
    "unreadable" in content ? content.unreadable : `${content.payload.toString()} of ${content.payloadBytes}`,
  );
  assert.deepEqual(found, ["bef of 6", "AMQP record of 2 bytes does not hold its route", "beh of 6"]);
  await bare.close();
});

test("a queue that is deleted meanwhile ends the look", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("gone");
  for (let at = 0; at < 100; at++) publishTo(queue, "m");
  const job = looking(queue, { state: null, from: 0, messagesMax: 1000, payloadBytesMax: 10, filter: null });
  assert.equal(job.next().done, false);
  bare.broker.defaultVhost.deleteQueue(queue);
  const last = job.next();
  assert.ok(last.done === true && last.value.messages.length < 100 && last.value.next === null);
  await bare.close();
});
