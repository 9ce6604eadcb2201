/** The timer index against a sorted list, and its memory in bytes an entry. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TimerIndex } from "../../../../src/broker/schedule/timer-index.ts";
import { thorough } from "../../../support/thorough.ts";

interface Entry {
  due: number;
  owner: number;
  item: number;
}

test("it takes what a sorted list takes, of any mix of additions, takings and removals", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ due: fc.nat(20), owner: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.record({ place: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const index = new TimerIndex();
      let model: Entry[] = [];
      for (const [item, each] of steps.entries()) {
        if (each !== null && "place" in each) {
          if (index.size === 0) continue;
          const place = each.place % index.size;
          index.look(place);
          const { owner, item: removed } = index;
          index.remove(place);
          model = model.filter((entry) => entry.item !== removed || entry.owner !== owner);
          assert.equal(index.size, model.length);
          continue;
        }
        if (each !== null) {
          index.add(each.due, each.owner, item);
          model.push({ ...each, item });
          continue;
        }
        const first = model.toSorted((a, b) => a.due - b.due || a.item - b.item)[0];
        assert.equal(index.nextDue, first?.due ?? Infinity);
        assert.equal(index.take(), first !== undefined);
        if (first !== undefined)
          assert.deepEqual({ due: index.due, owner: index.owner, item: index.item }, first);
        model = model.filter((entry) => entry !== first);
        assert.equal(index.size, model.length);
      }
    }),
    { numRuns: 300 * thorough },
  );
});

test("300,000 entries come in order, take 20 bytes each and a page, and leave two pages behind", () => {
  const index = new TimerIndex();
  const count = 300_000;
  let seed = 1;
  for (let i = 0; i < count; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    index.add(seed % 1000, i % 7, i);
  }
  const pageBytes = 20 << 14;
  assert.ok(index.bytes <= count * 20 + pageBytes, String(index.bytes));
  let before = { due: -1, item: -1 };
  for (let i = 0; i < count; i++) {
    assert.ok(index.take());
    assert.ok(index.due > before.due || (index.due === before.due && index.item > before.item));
    assert.equal(index.owner, index.item % 7);
    before = { due: index.due, item: index.item };
  }
  assert.equal(index.take(), false);
  assert.ok(index.bytes <= 2 * pageBytes);
});
