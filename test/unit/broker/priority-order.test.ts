/** Which record of a queue with priorities comes next: by highest priority, then oldest; and what is kept to know that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OffsetsByPriority, PriorityOrder } from "../../../src/broker/cursor/priority-order.ts";
import { PendingTable } from "../../../src/broker/cursor/pending-table.ts";
import { type Log, OffsetSet } from "../../../src/storage/index.ts";

/** The part of a log that an order looks at. */
class GoneRecords {
  readonly removed = new OffsetSet();

  get firstOffset(): number {
    return this.removed.first;
  }
}

function make(max: number) {
  const log = new GoneRecords();
  const held = new PendingTable();
  return { log, held, order: new PriorityOrder(max, log as unknown as Log, held) };
}

type Step =
  | { file: number[] }
  | { take: number }
  | { remove: number; isTold: boolean }
  | { trim: number }
  | "purge";

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ file: fc.array(fc.nat(300), { minLength: 1, maxLength: 40 }) }) },
  { weight: 3, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.nat(), isTold: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ trim: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constant("purge" as const) },
);

test("the highest priority comes first, and of it the oldest, whatever is taken out from among them", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 5, 31, 32, 254, 255),
      fc.integer({ min: 0, max: 3000 }),
      fc.array(step, { maxLength: 60, size: "max" }),
      (max, firstOffset, steps) => {
        const { log, held, order } = make(max);
        log.removed.addRange(0, firstOffset);
        let next = firstOffset;
        let ready: { offset: number; level: number }[] = [];
        for (const each of steps) {
          if (each === "purge") {
            for (const { offset } of ready) log.removed.add(offset);
            ready = [];
            order.purged();
          } else if ("file" in each) {
            for (const priority of each.file) {
              // Offsets without a record are among them.
              if (priority % 7 === 0) log.removed.add(next++);
              ready.push({ offset: next, level: Math.min(priority, max) });
              order.file(next++, priority);
            }
            ready.sort((a, b) => b.level - a.level || a.offset - b.offset);
          } else if ("take" in each) {
            for (const { offset, level } of ready.splice(0, each.take)) {
              assert.ok(order.isReady);
              assert.equal(order.first, offset);
              assert.equal(order.levelOf(offset), level);
              order.takeFirst();
              held.set(offset, 1, 1, 0);
            }
          } else if ("trim" in each) {
            const to = Math.min(log.firstOffset + each.trim * 50, next);
            log.removed.addRange(0, to);
            ready = ready.filter(({ offset }) => offset >= to);
            held.visit(0, to, (offset) => held.clear(offset) > 0);
          } else if (ready.length > 0) {
            const { offset } = ready.splice(each.remove % ready.length, 1)[0]!;
            log.removed.add(offset);
            if (each.isTold) order.gone(offset);
          }
          assert.equal(order.isReady, ready.length > 0);
          if (ready.length > 0) assert.equal(order.first, ready[0]!.offset);
          held.visit(0, Infinity, (offset) => {
            assert.ok(order.levelOf(offset) >= 0, "what is held has a priority to come back with");
            return true;
          });
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("what was given back comes by its priority, then by its offset", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat()), { maxLength: 60 }), (records) => {
      const { order } = make(5);
      const offsets = records.map((_, at) => 2 ** 44 + at);
      for (const [at, offset] of offsets.entries()) order.note(offset, records[at]![0]);
      const back = new OffsetsByPriority(order);
      const shuffled = offsets.toSorted((a, b) => records[a - 2 ** 44]![1] - records[b - 2 ** 44]![1]);
      for (const offset of shuffled) back.push(offset);
      const got: number[] = [];
      while (back.size > 0) {
        got.push(back.first);
        assert.equal(back.pop(), got.at(-1));
      }
      const level = (offset: number): number => Math.min(records[offset - 2 ** 44]![0], 5);
      assert.deepEqual(
        got,
        offsets.toSorted((a, b) => level(b) - level(a) || a - b),
      );
    }),
  );
});

test("a page goes with its last record, in whatever order they go", () => {
  const { log, order } = make(9);
  const count = 50_000;
  for (let offset = 0; offset < count; offset++) order.file(offset, offset % 10);
  assert.equal(order.pageCount, Math.ceil(count / 1024));
  while (order.isReady) {
    const { first } = order;
    order.takeFirst();
    log.removed.add(first);
    order.gone(first);
  }
  assert.equal(order.pageCount, 1);
  assert.ok(order.pageNumbersKept <= 10, `${order.pageNumbersKept} numbers of pages`);
  // What is trimmed from the front is told by nobody.
  for (let offset = count; offset < 2 * count; offset++) order.file(offset, 0);
  log.removed.addRange(0, 2 * count);
  for (let offset = 2 * count; offset < 2 * count + 2048; offset++) order.file(offset, 1);
  assert.ok(order.pageCount <= 3, `${order.pageCount} pages`);
});

test("numbers of pages go with their pages, also where the first of a priority waits for ever", () => {
  const { log, order } = make(1);
  order.file(0, 0);
  for (let offset = 1; offset < 1000 * 1024; offset++) {
    order.file(offset, 0);
    log.removed.add(offset);
    order.gone(offset);
  }
  assert.equal(order.pageCount, 2);
  assert.ok(order.pageNumbersKept <= 64, `${order.pageNumbersKept} numbers of pages`);
  assert.ok(order.isReady);
  assert.equal(order.first, 0);
});

test("the next record is found without looking at all that is filed", () => {
  const { order } = make(9);
  const count = 200_000;
  for (let offset = 0; offset < count; offset++) order.file(offset, 0);
  // A search from the start for each of these would look at 20,000 million marks.
  for (let offset = count; offset < 2 * count; offset++) {
    order.file(offset, 9);
    assert.ok(order.isReady);
    assert.equal(order.first, offset);
    order.takeFirst();
    order.gone(offset);
  }
  assert.ok(order.isReady);
  assert.equal(order.first, 0);
});

test("a page is searched only for priorities that are in it, however many there are, and however large the backlog", () => {
  for (const max of [10, 254, 255]) {
    const { order } = make(max);
    const count = 500_000;
    // One of each priority at the front, and then all of the lowest.
    for (let offset = 0; offset <= max; offset++) order.file(offset, max - offset);
    for (let offset = max + 1; offset < count; offset++) order.file(offset, 0);
    for (let taken = 0; taken <= max; taken++) {
      assert.ok(order.isReady);
      assert.equal(order.first, taken);
      order.takeFirst();
    }
    assert.ok(order.isReady);
    assert.equal(order.first, max + 1);
    assert.ok(order.pagesSearched <= max + 1, `${order.pagesSearched} pages for ${max + 1} priorities`);
  }
});

test("a priority of which all went without being given out is looked for once in each page", () => {
  const { log, order } = make(9);
  const pages = 300;
  for (let offset = 0; offset < pages * 1024; offset++) order.file(offset, offset % 100 === 0 ? 9 : 0);
  for (let offset = 0; offset < pages * 1024; offset += 100) {
    log.removed.add(offset);
    order.gone(offset);
  }
  for (let offset = 1; offset < 300; offset++) {
    if (offset % 100 === 0) continue;
    assert.ok(order.isReady);
    assert.equal(order.first, offset);
    order.takeFirst();
  }
  assert.ok(order.pagesSearched <= pages + 1, `${order.pagesSearched} pages`);
});

test("what was trimmed from the front is passed by pages", () => {
  const { log, order } = make(9);
  const pages = 300;
  for (let offset = 0; offset < pages * 1024; offset++) order.file(offset, offset % 10);
  log.removed.addRange(0, (pages - 1) * 1024);
  let asked = 0;
  log.removed.has = (offset) => {
    asked++;
    return OffsetSet.prototype.has.call(log.removed, offset);
  };
  assert.ok(order.isReady);
  assert.equal(order.levelOf(order.first), 9);
  assert.ok(asked <= 10, `${asked} records`);
  assert.ok(order.pagesSearched <= 10, `${order.pagesSearched} pages`);
});
