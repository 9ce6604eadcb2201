/** Deleting at a time, against a map: nothing too early, nothing too late, and no more places kept than there are queues. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock, Timers } from "../../../src/base/clock.ts";
import { TurnWork } from "../../../src/base/turn-work.ts";
import { TimedDeletions } from "../../../src/broker/queue/timed-deletions.ts";
import { thorough } from "../../support/thorough.ts";

interface Queue {
  deleteAt: number;
  readonly name: string;
}

/** A clock that tests move, with timers that fire as it does. */
class Time implements Clock, Timers {
  wall = 1_000_000;
  #passed = 0;
  readonly waiting = new Set<{ at: number; action: () => void }>();
  #tickEnds: (() => void)[] = [];

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.#passed;
  }

  after(delayMs: number, action: () => void): { cancel(): void } {
    assert.ok(delayMs >= 0 && delayMs <= 10_000, String(delayMs));
    const timer = { at: this.#passed + delayMs, action };
    this.waiting.add(timer);
    return { cancel: () => void this.waiting.delete(timer) };
  }

  atTickEnd(action: () => void): void {
    this.#tickEnds.push(action);
  }

  pass(ms: number): void {
    const end = this.#passed + ms;
    for (;;) {
      const [next] = [...this.waiting].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#move(next.at);
      this.waiting.delete(next);
      next.action();
      while (this.#tickEnds.length > 0) for (const action of this.#tickEnds.splice(0)) action();
    }
    this.#move(end);
  }

  #move(to: number): void {
    this.wall += to - this.#passed;
    this.#passed = to;
  }
}

class Rig {
  readonly time = new Time();
  readonly queues = new Map<string, Queue>();
  readonly gone: string[] = [];
  ticks = 0;
  readonly deletions: TimedDeletions<Queue>;

  constructor() {
    const { time } = this;
    const bounds = {
      turnWorkUnits: 60,
      turnWorkSliceUnits: 60,
      deadLettersPerPublishMax: 1,
      expiredPerTickMax: 1,
    };
    this.deletions = new TimedDeletions<Queue>({
      clock: time,
      timers: time,
      work: new TurnWork(time, bounds),
      deleteQueue: (queue) => this.delete(queue),
      requestTick: () => this.ticks++,
    });
  }

  make(name: string): Queue {
    const queue = { name, deleteAt: 0 };
    this.queues.set(name, queue);
    return queue;
  }

  delete(queue: Queue): void {
    this.gone.push(queue.name);
    this.queues.delete(queue.name);
    this.deletions.forget(queue);
  }
}

test("nothing is deleted before it begins", () => {
  const rig = new Rig();
  rig.deletions.set(rig.make("a"), rig.time.now() + 5);
  rig.time.pass(100);
  assert.deepEqual(rig.gone, []);
  rig.deletions.begin();
  rig.time.pass(1);
  assert.deepEqual(rig.gone, ["a"]);
  assert.equal(rig.ticks, 1);
  assert.equal(rig.time.waiting.size, 0);
});

test("many that are due at once go over several turns, the earliest first", () => {
  const rig = new Rig();
  rig.deletions.begin();
  for (let i = 0; i < 100; i++) rig.deletions.set(rig.make(`${i}`), rig.time.now() + 10 - Math.floor(i / 20));
  rig.time.wall += 1000;
  rig.time.pass(10_000);
  assert.equal(rig.gone.length, 100);
  assert.deepEqual(
    rig.gone
      .slice(0, 20)
      .map(Number)
      .toSorted((a, b) => a - b)[0],
    80,
  );
  assert.equal(rig.deletions.deleted, 100);
  assert.equal(rig.deletions.count, 0);
});

test("a clock that was set forward is noticed in time", () => {
  const rig = new Rig();
  rig.deletions.begin();
  rig.deletions.set(rig.make("a"), rig.time.now() + 1e9);
  rig.time.wall += 1e9;
  rig.time.pass(10_000);
  assert.deepEqual(rig.gone, ["a"]);
});

test("a queue whose time is changed over and over leaves nothing behind", () => {
  const rig = new Rig();
  rig.deletions.begin();
  const queue = rig.make("a");
  for (let i = 0; i < 10_000; i++) rig.deletions.set(queue, rig.time.now() + 1000 + (i % 7));
  assert.ok(rig.deletions.placeCount < 100, String(rig.deletions.placeCount));
  assert.equal(rig.time.waiting.size, 1);
  rig.deletions.set(queue, 0);
  rig.time.pass(20_000);
  assert.deepEqual(rig.gone, []);
  assert.equal(rig.time.waiting.size, 0);
});

const step = fc.oneof(
  fc.record({ what: fc.constant("set" as const), name: fc.nat({ max: 9 }), ms: fc.nat({ max: 50 }) }),
  fc.record({
    what: fc.constantFrom("persist" as const, "delete" as const, "ask" as const),
    name: fc.nat({ max: 9 }),
    ms: fc.constant(0),
  }),
  fc.record({ what: fc.constant("pass" as const), name: fc.constant(0), ms: fc.nat({ max: 20 }) }),
);

test("as a map of times would do it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const rig = new Rig();
      rig.deletions.begin();
      const model = new Map<string, number>();
      for (const { what, name: number, ms } of steps) {
        const name = String(number);
        const now = rig.time.now();
        const queue = rig.queues.get(name);
        if (what === "set") {
          rig.deletions.set(queue ?? rig.make(name), now + ms);
          model.set(name, now + ms);
        } else if (what === "pass") {
          rig.time.pass(ms);
          // A timer takes a millisecond at least.
          for (const [each, at] of model) {
            if (at < rig.time.now()) assert.ok(!rig.queues.has(each), each);
            if (!rig.queues.has(each)) {
              assert.ok(at <= rig.time.now(), `${each} went too early`);
              model.delete(each);
            }
          }
        } else if (queue !== undefined) {
          if (what === "ask") {
            const isDue = model.has(name) && model.get(name)! <= now;
            assert.equal(rig.deletions.deleteIfDue(queue), isDue);
            if (isDue) model.delete(name);
            continue;
          }
          if (what === "persist") rig.deletions.set(queue, 0);
          else rig.delete(queue);
          model.delete(name);
        }
        assert.equal(rig.deletions.count, model.size);
      }
      rig.time.pass(1000);
      for (const name of model.keys()) assert.ok(!rig.queues.has(name));
      assert.equal(rig.deletions.count, 0);
      assert.equal(rig.time.waiting.size, 0);
    }),
    { numRuns: 300 * thorough },
  );
});
