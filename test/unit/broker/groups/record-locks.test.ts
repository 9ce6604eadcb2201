/** The ring of locks of a share group, beside a list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecordLocks } from "../../../../src/broker/groups/share/record-locks.ts";

interface Lock {
  readonly offset: number;
  readonly owner: number;
  readonly since: number;
  holds: boolean;
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant("add" as const) },
  { weight: 3, arbitrary: fc.constant("settle" as const) },
  { weight: 2, arbitrary: fc.constant("shift" as const) },
);

test("locks leave in the order in which they began, and those that do not hold are passed over", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), fc.integer({ min: 1, max: 7 }), (steps, owners) => {
      const locks = new RecordLocks();
      const all: Lock[] = [];
      const holds = (offset: number): boolean => all.find((lock) => lock.offset === offset)!.holds;
      /** Those that are in the ring, or were thrown out of it because they did not hold. */
      let first = 0;
      let now = 0;
      for (const [i, each] of steps.entries()) {
        if (each === "add") {
          now += i % 3;
          all.push({ offset: i, owner: 1 + (i % owners), since: now, holds: true });
          locks.add(i, 1 + (i % owners), { notedAt: i, since: now }, holds);
        } else if (each === "settle" && all.length > first)
          all[first + ((i * 7) % (all.length - first))]!.holds = false;
        else if (each === "shift" && locks.size > 0) {
          const oldest = locks.oldestSince;
          const offset = locks.shift(holds);
          if (offset < 0) continue;
          const expected = all.findIndex((lock, at) => at >= first && lock.holds);
          assert.deepEqual([offset, oldest], [all[expected]!.offset, all[expected]!.since]);
          all[expected]!.holds = false;
          first = expected + 1;
        }
      }
      for (let owner = 1; owner <= owners; owner++) {
        const held = all.filter((lock) => lock.holds && lock.owner === owner).map(({ offset }) => offset);
        assert.deepEqual(locks.heldBy(owner, holds), held);
      }
      assert.ok(locks.size >= all.filter((lock) => lock.holds).length);
    }),
    { numRuns: 100 },
  );
});

test("many locks of which few hold take no more room", () => {
  const locks = new RecordLocks();
  const live = new Set<number>();
  for (let offset = 0; offset < 100_000; offset++) {
    live.add(offset);
    live.delete(offset - 10);
    locks.add(offset, 1, { notedAt: 0, since: 0 }, (each) => live.has(each));
  }
  assert.ok(locks.size <= 64, `${locks.size} locks`);
});
