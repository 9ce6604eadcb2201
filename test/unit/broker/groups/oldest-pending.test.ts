/** What is known of the entry that is pending for longest, while entries come and go amid the look at all of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../../../src/base/limits.ts";
import { TurnWork } from "../../../../src/base/turn-work.ts";
import { PendingTable } from "../../../../src/broker/cursor/pending-table.ts";
import { OldestPending } from "../../../../src/broker/groups/oldest-pending.ts";

/** Some pieces of work. */
const entries = 12_000;
const owner = 1;

class Turns {
  #waiting: (() => void)[] = [];
  readonly timers = {
    after: () => ({ cancel: () => {} }),
    atTickEnd: (action: () => void) => void this.#waiting.push(action),
  };

  get isAny(): boolean {
    return this.#waiting.length > 0;
  }

  end(): void {
    for (const action of this.#waiting.splice(0)) action();
  }
}

test("nothing is pending since before the time that is known, whatever comes amid a look at many", () => {
  const change = fc.record({
    turn: fc.nat({ max: 4 }),
    offset: fc.nat({ max: entries - 1 }),
    // Older than all, between them, or younger; null: it is acknowledged.
    time: fc.option(fc.integer({ min: 1, max: 2 * entries })),
  });
  let turnsMost = 0;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 10 }), (changes) => {
      const turns = new Turns();
      const work = new TurnWork(turns.timers, { ...limits, turnWorkUnits: 1, turnWorkSliceUnits: 1 });
      const pending = new PendingTable();
      for (let offset = 0; offset < entries; offset++) pending.set(offset, owner, 1, 1000 + offset);
      const oldest = new OldestPending();
      oldest.look(pending, work);
      let hasLeft = false;
      for (let turn = 0; turns.isAny; turn++) {
        for (const { offset, time } of changes.filter((each) => each.turn === turn)) {
          if (time === null) {
            pending.clear(offset);
            hasLeft = true;
          } else {
            hasLeft ||= pending.timeOf(offset) < time;
            pending.set(offset, owner, 1, time);
            oldest.note(time);
          }
        }
        turns.end();
        turnsMost = Math.max(turnsMost, turn);
      }
      assert.equal(oldest.isLooking, false);
      let least = Infinity;
      for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1))
        least = Math.min(least, pending.timeOf(offset));
      if (hasLeft) assert.ok(oldest.time <= least, `${oldest.time}, and one since ${least}`);
      else assert.equal(oldest.time, least);
    }),
    { numRuns: 50 },
  );
  assert.ok(turnsMost > 2, `${turnsMost} turns`);
});
