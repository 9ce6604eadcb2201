/**
 * Lists beside an array: every change that a command makes, in a journal that is a list; then the same list from its records alone, from
 * the first or from a later one on, with the cleaner's slices between the changes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Broker } from "../../../src/broker/broker.ts";
import { keyspaceBounds, type KeyspaceBounds } from "../../../src/keyspace/bounds.ts";
import { operation, visitKeys } from "../../../src/keyspace/key-records.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { valueType } from "../../../src/keyspace/value-type.ts";

const bounds: KeyspaceBounds = {
  packedCountMax: 4,
  packedBytesMax: 60,
  segmentBytesMax: 128,
  rewriteBytes: 100,
  rewriteLooks: 3,
};
/** Ages of entries are in mebibytes: here a frame is as far from the next one as that. */
const frameDistance = 2 ** 20;

function brokerOf(journal: Journal, tickEnds: (() => void)[]): Broker {
  return {
    storage: {
      journal: {},
      get pending() {
        return journal.pending;
      },
      flushSource: () => journal.flush(),
    },
    timers: {
      after: () => ({ cancel() {} }),
      atTickEnd: (action: () => void) => void tickEnds.push(action),
    },
    clock: { now: () => 1000 },
  } as unknown as Broker;
}

class Journal {
  readonly keyspace: Keyspace;
  frames: { position: number; bytes: Buffer }[] = [];
  pending = 0;
  readonly #bounds: KeyspaceBounds;
  readonly tickEnds: (() => void)[] = [];

  constructor(wanted = bounds) {
    this.#bounds = wanted;
    this.keyspace = new Keyspace(99, wanted);
    this.keyspace.start(brokerOf(this, this.tickEnds));
  }

  flush(): void {
    const { changes } = this.keyspace;
    if (changes.length === 0) return;
    this.frames.push({ position: this.pending, bytes: changes.copy() });
    this.pending += frameDistance;
    changes.reset();
  }

  restartedAt(position: number): Keyspace {
    const keyspace = new Keyspace(99, this.#bounds);
    for (const frame of this.frames) {
      if (frame.position >= position) keyspace.replayed(frame.bytes, 0, frame.bytes.length, frame.position);
    }
    keyspace.start(brokerOf(new Journal(this.#bounds), []));
    return keyspace;
  }
}

function entryOf(keyspace: Keyspace, name: string, database = 0): number {
  const bytes = Buffer.from(name);
  return keyspace.databases[database]!.find(bytes, 0, bytes.length);
}

function elementsOf(keyspace: Keyspace, name: string, number = 0): string[] {
  const entry = entryOf(keyspace, name, number);
  if (entry === 0) return [];
  const { lists } = keyspace;
  const { content } = keyspace.databases[number]!;
  assert.equal(content.table.type(entry), valueType.list);
  const count = lists.count(content, entry);
  assert.ok(count > 0);
  const text = (): string => lists.bytes.latin1Slice(lists.start, lists.end);
  const forward: string[] = [];
  lists.begin(content, entry, 0);
  while (lists.next()) forward.push(text());
  const backward: string[] = [];
  lists.begin(content, entry, count - 1, true);
  while (lists.next()) backward.push(text());
  assert.deepEqual(backward.toReversed(), forward);
  assert.equal(forward.length, count);
  for (let index = 0; index < count; index++) {
    lists.get(content, entry, index);
    if (text() !== forward[index]) assert.equal(text(), forward[index], `element ${index}`);
  }
  const large = lists.largeOf(content, entry);
  if (large !== null) {
    let bytes = 0;
    for (let at = 0; at < large.ring.length; at++) {
      assert.ok(large.ring.countAt(at) > 0, "a block is empty");
      bytes += large.usedBytes(at);
    }
    assert.equal(large.liveBytes, bytes);
  }
  return forward;
}

/** A change of the list `name`, made in the keyspace and in an array. */
type Change =
  | { readonly do: "push"; readonly isLeft: boolean; readonly values: readonly string[] }
  | { readonly do: "drop" | "detach"; readonly isLeft: boolean; readonly wanted: number }
  | { readonly do: "set" | "insert"; readonly where: number; readonly value: string }
  | { readonly do: "remove"; readonly where: number; readonly wanted: number };

function change(keyspace: Keyspace, name: string, model: string[], what: Change): void {
  const database = keyspace.databases[0]!;
  const { content } = database;
  const key = Buffer.from(name);
  let entry = entryOf(keyspace, name);
  if (entry === 0) {
    if (what.do !== "push") return;
    entry = database.createList(key, 0, key.length);
  }
  const { list } = database;
  list.open(entry);
  switch (what.do) {
    case "push":
      for (const value of what.values) {
        const bytes = Buffer.from(value);
        list.push(what.isLeft, bytes, 0, bytes.length);
        if (what.isLeft) model.unshift(value);
        else model.push(value);
      }
      break;
    case "drop":
    case "detach": {
      const wanted = Math.min(what.wanted, model.length);
      const taken = what.isLeft ? model.splice(0, wanted) : model.splice(model.length - wanted);
      if (what.do === "drop" || !content.isLarge(entry)) list.drop(what.isLeft, wanted);
      else {
        const detached = list.detach(what.isLeft, wanted);
        assert.equal(detached.count, wanted);
        const found: string[] = [];
        for (let i = 0; i < wanted; i++) {
          detached.find(detached.ring.find(i), detached.ring.index);
          found.push(detached.bytes.latin1Slice(detached.start, detached.end));
        }
        assert.deepEqual(found, taken);
        content.bury(detached);
      }
      break;
    }
    case "set":
    case "insert": {
      const index = what.where % model.length;
      const bytes = Buffer.from(what.value);
      list[what.do](index, bytes, 0, bytes.length);
      model.splice(index, what.do === "set" ? 1 : 0, what.value);
      break;
    }
    case "remove": {
      const index = what.where % model.length;
      const large = keyspace.lists.largeOf(content, entry);
      if (large === null) {
        const wanted = Math.min(what.wanted, model.length - index);
        list.removePacked(index, wanted);
        model.splice(index, wanted);
      } else {
        const at = large.ring.find(index);
        const from = large.ring.index;
        const wanted = Math.min(what.wanted, large.ring.countAt(at) - from);
        list.removeInBlock(large, at, from, wanted);
        model.splice(index, wanted);
      }
      break;
    }
  }
  list.close();
}

const anyValue = fc.oneof(
  { weight: 20, arbitrary: fc.nat({ max: 99 }).map(String) },
  { weight: 4, arbitrary: fc.nat({ max: 60 }).map((n) => "v".repeat(n)) },
  { weight: 1, arbitrary: fc.constantFrom(253, 254, 300, 400).map((n) => "l".repeat(n)) },
);
const isLeft = fc.boolean();
const anyCount = fc.oneof(
  fc.constant(1),
  fc.nat({ max: 12 }).map((n) => n + 1),
);

const anyChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      isLeft,
      values: fc.array(anyValue, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 15,
    arbitrary: fc.record({
      do: fc.constantFrom("drop" as const, "detach" as const),
      isLeft,
      wanted: anyCount,
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("set" as const), where: fc.nat(), value: anyValue }) },
  {
    weight: 15,
    arbitrary: fc.record({ do: fc.constant("insert" as const), where: fc.nat(), value: anyValue }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant("remove" as const), where: fc.nat(), wanted: anyCount }),
  },
);

const keys = ["one", "two", "three"];

/** What else becomes of keys. */
interface KeyChange {
  readonly do: "rename" | "copy" | "delete" | "replace" | "flush" | "turn";
  readonly from: number;
  readonly to: number;
}

const anyKeyChange: fc.Arbitrary<KeyChange> = fc.record({
  do: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("rename" as const, "copy" as const) },
    { weight: 1, arbitrary: fc.constantFrom("delete" as const, "replace" as const) },
    { weight: 12, arbitrary: fc.constantFrom("flush" as const, "turn" as const) },
  ),
  from: fc.nat({ max: 2 }),
  to: fc.nat({ max: 2 }),
});

const anyStep = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.nat({ max: 2 }), anyChange) },
  { weight: 2, arbitrary: anyKeyChange },
);
type Step = [number, Change] | KeyChange;

class Pair {
  readonly journal: Journal;
  model: string[][] = [[], [], []];

  constructor(wanted = bounds) {
    this.journal = new Journal(wanted);
  }

  apply(step: Step): void {
    const { keyspace, tickEnds } = this.journal;
    if (Array.isArray(step)) return change(keyspace, keys[step[0]]!, this.model[step[0]]!, step[1]);
    if (step.do === "flush") return this.journal.flush();
    if (step.do === "turn") {
      for (const action of tickEnds.splice(0)) action();
      return;
    }
    const database = keyspace.databases[0]!;
    const entry = entryOf(keyspace, keys[step.from]!);
    if (entry === 0) return;
    if (step.do === "delete" || step.do === "replace") {
      // The same name is another list's.
      database.remove(entry);
      this.model[step.from] = [];
      if (step.do === "replace") this.apply([step.from, { do: "push", isLeft: true, values: ["new"] }]);
      return;
    }
    if (step.from === step.to) return;
    const name = Buffer.from(keys[step.to]!);
    database[step.do === "copy" ? "copyTo" : "renameTo"](entry, database, name, 0, name.length);
    this.model[step.to] = this.model[step.from]!.slice();
    if (step.do === "rename") this.model[step.from] = [];
  }

  assertSame(keyspace: Keyspace = this.journal.keyspace): void {
    for (let number = 0; number < keys.length; number++) this.assertKey(number, keyspace);
  }

  assertKey(number: number, keyspace: Keyspace = this.journal.keyspace): void {
    const found = elementsOf(keyspace, keys[number]!);
    // The text alone where it is the same: `deepEqual` is slow.
    if (found.join() !== this.model[number]!.join())
      assert.deepEqual(found, this.model[number], `key ${number}`);
  }
}

test("a list is an array, in memory and from its records", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 40, maxLength: 120, size: "max" }), (steps) => {
      const pair = new Pair();
      for (const each of steps) {
        pair.apply(each);
        if (Array.isArray(each)) pair.assertKey(each[0]);
      }
      pair.journal.flush();
      pair.assertSame(pair.journal.restartedAt(0));
      // Whoever asks which keys have unwritten changes reads the same records.
      const { kinds } = pair.journal.keyspace;
      for (const { bytes } of pair.journal.frames)
        visitKeys(kinds, bytes, 0, bytes.length, (_, start, end) =>
          assert.ok(keys.includes(bytes.latin1Slice(start, end))),
        );
    }),
    { numRuns: 60, endOnFailure: true },
  );
});

test("what stands from a position on is enough once the cleaner has come to its end", () => {
  const many = (least: number) => fc.array(anyStep, { minLength: least, maxLength: 2 * least, size: "max" });
  fc.assert(
    fc.property(
      many(60),
      many(150),
      fc.nat({ max: 99 }),
      fc.nat({ max: 4 }),
      (before, meanwhile, where, stepsBetween) => {
        const pair = new Pair();
        const { journal } = pair;
        for (const each of before) pair.apply(each);
        journal.flush();
        const position = Math.floor((journal.pending * where) / 100 / frameDistance) * frameDistance;
        let isMore = true;
        for (const [i, each] of meanwhile.entries()) {
          if (isMore && i % (stepsBetween + 1) === 0) isMore = journal.keyspace.rewriteBelow(position);
          pair.apply(each);
        }
        for (let slices = 0; isMore; slices++) {
          assert.ok(slices < 5000, "the cleaner does not come to an end");
          isMore = journal.keyspace.rewriteBelow(position);
        }
        journal.flush();
        pair.assertSame(journal.restartedAt(0));
        pair.assertSame(journal.restartedAt(position));
        // And once more, over what was written again.
        const next = journal.pending;
        while (journal.keyspace.rewriteBelow(next));
        pair.assertSame(journal.restartedAt(next));
      },
    ),
    { numRuns: 70, endOnFailure: true },
  );
});

test("inserting at one place for ever: numbers are spread when there is none between two, and the records say so", () => {
  const pair = new Pair();
  const { journal } = pair;
  pair.apply([0, { do: "push", isLeft: false, values: Array.from({ length: 200 }, (_, i) => `v${i}`) }]);
  journal.flush();
  const position = journal.pending;
  let isMore = true;
  for (let i = 0; i < 3000; i++) {
    pair.apply([0, { do: "insert", where: 100, value: `between ${i}` }]);
    // The cleaner passes meanwhile, so that a replay from there on begins with some of the blocks.
    if (isMore && i % 50 === 0) isMore = journal.keyspace.rewriteBelow(position);
    journal.flush();
  }
  while (isMore) isMore = journal.keyspace.rewriteBelow(position);
  journal.flush();
  const { content } = journal.keyspace.databases[0]!;
  const { ring } = journal.keyspace.lists.largeOf(content, entryOf(journal.keyspace, "one"))!;
  assert.ok(ring.length > 300, `${ring.length} blocks`);
  for (let at = 1; at < ring.length; at++) assert.ok(ring.numberAt(at - 1) < ring.numberAt(at));
  assert.ok(
    journal.frames.some(({ bytes }) => bytes[0] === operation.listRenumber || bytes.includes(renumberOfOne)),
    "no blocks were renumbered",
  );
  pair.assertSame();
  pair.assertSame(journal.restartedAt(0));
  pair.assertSame(journal.restartedAt(position));
});

/** The beginning of such a record about that key. */
const renumberOfOne = Buffer.from([operation.listRenumber, 0, 0, 0, 0, 3, ...Buffer.from("one")]);

test("memory: a million short elements, of which most go again; and what is dropped is given back in turns", () => {
  const journal = new Journal(keyspaceBounds);
  const { keyspace, tickEnds } = journal;
  const values = Array.from({ length: 1000 }, (_, i) => `element${i % 900}`.padEnd(10).slice(0, 10));
  for (let n = 0; n < 1000; n++) {
    const database = keyspace.databases[0]!;
    const key = Buffer.from("one");
    const entry = entryOf(keyspace, "one");
    database.list.open(entry === 0 ? database.createList(key, 0, key.length) : entry);
    for (const value of values) database.list.push(false, Buffer.from(value), 0, value.length);
    database.list.close();
    keyspace.changes.reset();
  }
  const database = keyspace.databases[0]!;
  const entry = entryOf(keyspace, "one");
  const large = keyspace.lists.largeOf(database.content, entry)!;
  assert.equal(large.count, 1_000_000);
  // Redis: 12.1 bytes each.
  assert.ok(large.heldBytes < 12.1 * large.count, `${large.heldBytes} bytes`);
  const held = keyspace.arena.bytes;
  database.list.open(entry);
  database.list.drop(true, 900_000);
  database.list.close();
  assert.equal(large.count, 100_000);
  assert.ok(keyspace.arena.bytes >= held);
  while (tickEnds.length > 0) for (const action of tickEnds.splice(0)) action();
  // What lives, and a chunk for each size that the first block has had.
  assert.ok(keyspace.arena.bytes < held / 10 + (6 << 18), `${keyspace.arena.bytes} of ${held} bytes`);
  database.remove(entry);
  while (tickEnds.length > 0) for (const action of tickEnds.splice(0)) action();
  assert.ok(keyspace.arena.bytes <= 6 << 18, `${keyspace.arena.bytes} bytes are left`);
  assert.equal(keyspace.liveBytes, 0);
});
