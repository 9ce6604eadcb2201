/** Properties of the two structures that a log is made of, against models that are too simple to be wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import type { EntryId } from "../../../src/message/entry-id.ts";
import { entryId } from "../../support/entry-ids.ts";
import { FrameIndex } from "../../../src/storage/log/frame-index.ts";
import { OffsetSet } from "../../../src/storage/log/offset-set.ts";
import { thorough } from "../../support/thorough.ts";

const offset = fc.integer({ min: 0, max: 5000 });
const offsetSetCommand = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("add" as const), offset, fc.constant(0)) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant("first" as const), fc.integer({ min: 1, max: 40 }), fc.constant(0)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constant("range" as const), offset, fc.integer({ min: 0, max: 2500 })),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("trim" as const), offset, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("code" as const), fc.constant(0), fc.constant(0)) },
);

function recoded(set: OffsetSet): OffsetSet {
  const writer = new ByteWriter();
  set.encode(writer);
  const decoded = new OffsetSet();
  const reader = new ByteReader(writer.copy());
  decoded.decode(reader);
  assert.equal(reader.remaining, 0);
  return decoded;
}

function compareSets(set: OffsetSet, model: Set<number>): void {
  let first = 0;
  while (model.has(first)) first++;
  assert.equal(set.first, first);
  assert.equal(set.countAbove, [...model].filter((each) => each > first).length);
}

test("an offset set is the set of what was added", () => {
  fc.assert(
    fc.property(
      fc.array(offsetSetCommand, { maxLength: 60, size: "max" }),
      offset,
      offset,
      (commands, from, to) => {
        let set = new OffsetSet();
        const model = new Set<number>();
        for (const [command, a, b] of commands) {
          if (command === "add") {
            assert.equal(set.add(a), !model.has(a));
            model.add(a);
          } else if (command === "first") {
            for (let i = 0; i < a; i++) {
              const next = set.first;
              assert.ok(set.add(next));
              model.add(next);
            }
          } else if (command === "code") set = recoded(set);
          else {
            const [low, high] = command === "trim" ? [0, a] : [a, a + b];
            set.addRange(low, high);
            for (let each = low; each < high; each++) model.add(each);
          }
          compareSets(set, model);
        }
        for (let each = 0; each < 7600; each += 7) assert.equal(set.has(each), model.has(each));
        let next = from;
        while (model.has(next)) next++;
        assert.equal(set.nextPresent(from), next);
        assert.equal(set.hasAll(from, to), from >= to || next >= to);
        if (from <= to) {
          const gone = [...model].filter((each) => each >= from && each < to).length;
          assert.equal(set.countIn(from, to), gone);
        }
        const present = Array.from({ length: 7600 }, (_, each) => each).filter((each) => !model.has(each));
        const [count, end] = [from % 50, Math.max(to, set.first)];
        const wanted = count === 0 ? set.first : (present[count - 1] ?? Infinity) + 1;
        assert.equal(set.offsetAfter(count, end), Math.min(wanted, end));
        let previous = from;
        while (previous >= set.first && model.has(previous)) previous--;
        assert.equal(set.previousPresent(from), Math.max(previous, set.first - 1));
        assert.equal(set.end, model.size === 0 ? 0 : Math.max(set.first, Math.max(...model) + 1));
        // The page that the first one left is in may be there without a bit.
        const pages = new Set([...model].filter((each) => each >= set.first).map((each) => each >> 10));
        assert.ok(set.pageCount <= pages.add(set.first >> 10).size);
      },
    ),
    { numRuns: 200 },
  );
});

test("an offset set keeps no page below the first one that is left", () => {
  const set = new OffsetSet();
  for (let gone = 5000; gone > 0; gone--) set.add(gone);
  assert.equal(set.pageCount, 5);
  set.add(0);
  assert.deepEqual([set.first, set.countAbove, set.pageCount], [5001, 0, 0]);
  for (let gone = 8000; gone > 5001; gone--) if (gone !== 7999) set.add(gone);
  set.add(5001);
  assert.deepEqual([set.first, set.countAbove, set.pageCount], [7999, 1, 1]);
  set.addRange(0, 8100);
  assert.deepEqual([set.first, set.countAbove, set.pageCount], [8100, 0, 0]);
});

test("an offset set gives back the page before when the next one's first offset is gone already", () => {
  const set = new OffsetSet();
  set.addRange(0, 1023);
  set.add(1030);
  set.add(1024);
  // A page without a bit, before one with some.
  set.addRange(0, 1022);
  set.add(2000);
  set.add(1023);
  assert.deepEqual([set.first, set.countAbove, set.pageCount], [1025, 2, 1]);
  const later = new OffsetSet();
  later.add(1022);
  later.add(1024);
  later.add(1500);
  later.addRange(0, 1023);
  later.add(1023);
  assert.deepEqual([later.first, later.countAbove, later.pageCount], [1025, 1, 1]);
});

interface Frame {
  offset: number;
  count: number;
  position: number;
  length: number;
  ms: number;
  timestamp: number;
}

const step = fc.record({
  shift: fc.integer({ min: 0, max: 3 }),
  push: fc.integer({ min: 0, max: 900 }),
  clear: fc.integer({ min: 0, max: 30 }).map((value) => value === 0),
  drain: fc.integer({ min: 0, max: 4 }).map((value) => value === 0),
  count: fc.integer({ min: 1, max: 9 }),
});

test("a frame index finds what a list of the same frames finds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.infiniteStream(fc.nat(1_000_000)), (steps, chance) => {
      const index = new FrameIndex();
      let model: Frame[] = [];
      let next = { offset: 0, position: 0, ms: 0 };
      const random = (below: number) => chance.next().value % below;
      for (const { shift, push, clear, drain, count } of steps) {
        for (let i = 0; i < push; i++) {
          const frame = {
            ...next,
            count: 1 + random(count),
            length: 30 + random(1000),
            timestamp: next.ms - random(20),
          };
          model.push(frame);
          index.push(frame.offset, frame.position, frame.length, idOf(frame.ms), frame.timestamp);
          next = {
            offset: frame.offset + frame.count,
            position: frame.position + frame.length + random(2000),
            ms: frame.ms + 1 + random(5),
          };
        }
        const shifted = drain ? model.length : Math.min(model.length, shift * random(300));
        for (let i = 0; i < shifted; i++) index.shift();
        model = model.slice(shifted);
        if (clear) {
          index.clear();
          model = [];
        }
        compareIndex(index, model, next.offset, random);
      }
    }),
    { numRuns: 40 * thorough },
  );
});

/** Ids that pass the end of the safe integers. */
function idOf(ms: number): EntryId {
  return entryId(((1n << 53n) - 500n + BigInt(ms)) << 64n);
}

function compareIndex(
  index: FrameIndex,
  model: Frame[],
  end: number,
  random: (below: number) => number,
): void {
  assert.equal(index.length, model.length);
  const [first, second] = model;
  assert.equal(index.find((first?.offset ?? 0) - 1), -1);
  if (first === undefined) {
    assert.equal(index.atOrAfter(0), -1);
    assert.deepEqual(index.slotsByEntryId(idOf(1e9)), [-1, -1]);
    return;
  }
  assert.deepEqual(
    [index.firstOffset, index.firstPosition, index.firstLength, index.secondOffset(end)],
    [first.offset, first.position, first.length, second?.offset ?? end],
  );
  for (let i = 0; i < 5; i++) {
    const at = random(model.length);
    const frame = model[at]!;
    const slot = index.find(frame.offset + random(frame.count));
    assert.deepEqual(
      [index.slotOffset(slot), index.slotPosition(slot), index.slotLength(slot)],
      [frame.offset, frame.position, frame.length],
    );
    const after = index.after(slot);
    assert.equal(after < 0 ? undefined : index.slotOffset(after), model[at + 1]?.offset);
    const ceiling = index.atOrAfter(frame.offset + 1);
    assert.equal(ceiling < 0 ? undefined : index.slotOffset(ceiling), model[at + 1]?.offset);
    const below = model.slice(0, at).reduce((sum, { length }) => sum + length, 0);
    assert.equal(index.bytesBelow(frame.position, Infinity), below);
    const total = index.bytesBelow(Infinity, Infinity);
    assert.equal(index.offsetForBytes(total - below, total), frame.offset);
    const [low, high] = index.slotsByEntryId(idOf(frame.ms));
    assert.ok(low <= slot && slot <= high);
    const time = frame.timestamp;
    let walked = index.skipOlder(index.atOrAfter(0), time);
    while (
      walked >= 0 &&
      model.find(({ offset: each }) => each === index.slotOffset(walked))!.timestamp < time
    ) {
      walked = index.skipOlder(index.after(walked), time);
    }
    assert.equal(index.slotOffset(walked), model.find(({ timestamp }) => timestamp >= time)!.offset);
  }
}
