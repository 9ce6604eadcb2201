/** A random life of messages in a queue, and the trace of each beside what was done with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Queue } from "../../../../src/broker/queue/queue.ts";
import type { QueueConsumer } from "../../../../src/broker/queue/readers.ts";
import { purge } from "../../../../src/broker/queue/removal.ts";
import { reject } from "../../../../src/broker/retry/rejection.ts";
import { QueueTrace } from "../../../../src/broker/trace/queue-trace.ts";
import { eventsOf } from "../../../../src/broker/trace/search.ts";
import type { TraceEvent } from "../../../../src/base/trace/trace-event.ts";
import { type BareBroker, openBareBroker, publishTo } from "../../../support/bare-broker.ts";

const limit = 3;

function consumerOf(taken: number[], room: () => boolean): QueueConsumer {
  return {
    id: 7,
    priority: 0,
    isNoAck: false,
    isExclusive: false,
    isParked: false,
    canTake: room,
    deliver: (_, cursor) => taken.push(cursor.record.offset),
    cancelled: () => {},
  };
}

function eventsIn({ broker }: BareBroker): TraceEvent[] {
  const events: TraceEvent[] = [];
  for (const { text } of broker.tracer.ring.read(0, Infinity)) events.push(...eventsOf(text, () => true));
  return events;
}

type Act = "publish" | "take" | "ack" | "requeue" | "reject" | "wait" | "purge" | "delete";
const acts: readonly Act[] = ["publish", "take", "ack", "requeue", "reject", "wait", "purge", "delete"];

/** What the trace of each offset of `q` must be. */
class Lives {
  readonly #of = new Map<number, string[]>();
  #published = 0;

  published(): void {
    this.#of.set(this.#published++, ["published", "routed", "written"]);
  }

  add(offset: number, ...events: string[]): void {
    this.#of.get(offset)!.push(...events);
  }

  get all(): string[][] {
    return [...this.#of.values()];
  }
}

async function live(script: readonly (readonly [Act, number])[]): Promise<void> {
  const bare = await openBareBroker();
  let ids = 0;
  Object.assign(bare.broker.random, {
    bytes: (size: number) =>
      Buffer.alloc(size)
        .fill((ids += 1) & 0xff)
        .fill(ids >>> 8, 0, 1),
  });
  const queue: Queue = bare.declare("q", {
    "x-trace-sample": 1,
    "x-retry-limit": limit,
    "x-retry-backoff-ms": 10,
  });
  const lives = new Lives();
  const taken: number[] = [];
  const held: { offset: number; count: number }[] = [];
  let hasRoom = false;
  const consumer = consumerOf(taken, () => hasRoom && taken.length === 0);
  queue.addConsumer(consumer);
  const deliveries = new Map<number, number>();
  const take = (): void => {
    hasRoom = true;
    queue.consumerReady(consumer);
    queue.catchUp();
    hasRoom = false;
    for (const offset of taken.splice(0)) {
      const count = (deliveries.get(offset) ?? 0) + 1;
      deliveries.set(offset, count);
      held.push({ offset, count });
      lives.add(offset, "delivered");
    }
  };
  const settle = (which: number, how: (offset: number, count: number) => void): void => {
    if (held.length === 0) return;
    const [{ offset, count }] = held.splice(which % held.length, 1) as [{ offset: number; count: number }];
    how(offset, count);
  };
  const letter = ["dead_lettered", "routed", "written"];
  for (const [act, which] of script) {
    if (act === "publish") {
      publishTo(queue, "x");
      lives.published();
    } else if (act === "take") take();
    else if (act === "ack")
      settle(which, (offset) => {
        queue.settle(offset);
        lives.add(offset, "acknowledged");
      });
    else if (act === "requeue")
      settle(which, (offset, count) => {
        queue.requeue(offset);
        lives.add(offset, "requeued", ...(count >= limit ? letter : []));
      });
    else if (act === "reject")
      settle(which, (offset, count) => {
        reject(queue, offset);
        lives.add(offset, "rejected", ...(count >= limit ? letter : ["retried"]));
      });
    else if (act === "wait") bare.pass(25);
    else if (act === "purge") {
      queue.catchUp();
      const gone = [...lives.all.keys()].flatMap((offset) => {
        const isHeld = held.some((each) => each.offset === offset);
        return isHeld || !queue.trace!.notes.has(offset) ? [] : [offset];
      });
      purge(queue);
      for (const offset of gone) lives.add(offset, "dropped");
    } else if (held.length === 0 && queue.trace!.notes.size > 0) {
      const [offset] = queue.trace!.notes.keys();
      queue.removeAt(offset!);
      lives.add(offset!, "dropped");
    }
  }
  const events = eventsIn(bare);
  const byTrace = new Map<string, string[]>();
  for (const { trace_id: id, event } of events) byTrace.set(id, [...(byTrace.get(id) ?? []), event]);
  assert.deepEqual([...byTrace.values()], lives.all);
  for (const [i, { time }] of events.entries()) if (i > 0) assert.ok(time > events[i - 1]!.time);
  // Nothing is followed that is gone.
  assert.equal(queue.trace!.notes.size, queue.messageCount);
  await bare.close();
}

test("the trace of a message is what was done with it", async () => {
  const step = fc.tuple(fc.constantFrom(...acts.slice(0, 6), ...acts), fc.nat(20));
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), live), { numRuns: 60 });
});

test("a queue that is deleted says so of what was in it, and an untraced one notes nothing", async () => {
  const bare = await openBareBroker();
  const traced = bare.declare("t", { "x-trace-sample": 1 });
  const plain = bare.declare("p");
  publishTo(traced, "x");
  publishTo(plain, "x");
  assert.equal(plain.trace, null);
  traced.vhost.deleteQueue(traced);
  const events = eventsIn(bare);
  assert.deepEqual(
    events.map(({ event, queue }) => [event, queue]),
    [
      ["published", undefined],
      ["routed", undefined],
      ["written", "t"],
      ["dropped", "t"],
    ],
  );
  await bare.close();
});

test("chance takes the part that was asked for, in any batches", () => {
  let state = 1;
  const random = {
    below: (bound: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state % bound;
    },
    bytes: (size: number) => new Uint8Array(size),
  };
  const trace = new QueueTrace(random);
  for (const [chance, least, most] of [
    [0, 0, 0],
    [0.01, 800, 1200],
    [0.5, 49_000, 51_000],
    [1, 100_000, 100_000],
  ] as const) {
    trace.setChance(chance);
    let taken = 0;
    for (let left = 100_000; left > 0;) {
      const count = Math.min(left, 1 + (left % 70));
      for (let rest = count; rest > 0;) {
        const index = trace.next(rest);
        if (index < 0) break;
        assert.ok(index < rest);
        taken++;
        rest -= index + 1;
      }
      left -= count;
    }
    assert.ok(taken >= least && taken <= most, `${chance}: ${taken}`);
  }
});
