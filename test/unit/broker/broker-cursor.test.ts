import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { EntryId } from "../../../src/message/entry-id.ts";
import { OffsetHeap, OffsetRing } from "../../../src/broker/cursor/offset-heap.ts";
import { PendingTable, waitingOwner } from "../../../src/broker/cursor/pending-table.ts";
import { QueueCursor } from "../../../src/broker/cursor/queue-cursor.ts";
import { GroupCursor } from "../../../src/broker/groups/group-cursor.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { Log, Storage } from "../../../src/storage/index.ts";

test("the heap gives offsets in order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000)), (offsets) => {
      const heap = new OffsetHeap();
      for (const offset of offsets) heap.push(offset);
      const got: number[] = [];
      while (heap.size > 0) got.push(heap.pop());
      assert.deepEqual(
        got,
        offsets.toSorted((a, b) => a - b),
      );
    }),
  );
});

test("the ring gives offsets in the order in which they came, also while it grows", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(1000), { freq: 3 }), { maxLength: 300, size: "max" }), (steps) => {
      const ring = new OffsetRing();
      const model: number[] = [];
      for (const offset of steps) {
        if (offset !== null) {
          ring.push(offset);
          model.push(offset);
        } else if (model.length > 0) assert.equal(ring.pop(), model.shift());
        assert.equal(ring.size, model.length);
        if (model.length > 0) assert.equal(ring.first, model[0]);
      }
    }),
  );
});

test("the pending table agrees with a map", () => {
  const step = fc.record({ offset: fc.nat(2000), owner: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const table = new PendingTable();
      const model = new Map<number, number>();
      for (const { offset, owner } of steps) {
        if (owner === 0) {
          assert.equal(table.clear(offset), model.get(offset) ?? 0);
          model.delete(offset);
        } else {
          table.set(offset, owner, 1, 5);
          model.set(offset, owner);
        }
      }
      assert.equal(table.size, model.size);
      const seen: number[] = [];
      table.visit(0, Infinity, (offset) => seen.push(offset) > 0);
      assert.deepEqual(
        seen,
        [...model.keys()].toSorted((a, b) => a - b),
      );
      for (const [offset, owner] of model) assert.equal(table.ownerOf(offset), owner);
      assert.equal(table.next(500), seen.find((offset) => offset >= 500) ?? -1);
    }),
  );
});

async function memoryStorage(): Promise<Storage> {
  return Storage.open({
    disk: null,
    directory: "memory",
    now: () => 1000,
    journalBytesMax: 1 << 20,
    requestFlush: () => {},
    pause: async () => {},
    onDurable: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
}

function fill(storage: Storage, log: Log, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = log.store.reserve(log.group, envelope.amqp, 2);
    log.store.tail.latin1Write(String(i % 100).padStart(2, "0"), at, 2);
  }
  storage.seal();
}

type Step =
  | { kind: "acquire"; owner: number }
  | { kind: "settle" | "requeue" | "remove"; pick: number }
  | { kind: "append"; count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("acquire" as const), owner: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    kind: fc.constantFrom("settle" as const, "requeue" as const, "remove" as const),
    pick: fc.nat(),
  }),
  fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 1, max: 5 }) }),
);

test("each record is ready, held by one, or settled; requeued ones come first and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120, size: "max" }), async (steps) => {
      const storage = await memoryStorage();
      const log = storage.createLog(false);
      const cursor = new QueueCursor(log, storage);
      const ready: number[] = [];
      const held: number[] = [];
      const counts = new Map<number, number>();
      let appended = 0;
      for (const action of steps) {
        if (action.kind === "append") {
          fill(storage, log, action.count);
          for (let i = 0; i < action.count; i++) ready.push(appended++);
        } else if (action.kind === "acquire") {
          const expected = ready.shift();
          assert.equal(cursor.acquire(action.owner, 7), expected !== undefined);
          if (expected === undefined) continue;
          assert.equal(cursor.record.offset, expected);
          counts.set(expected, (counts.get(expected) ?? 0) + 1);
          assert.equal(cursor.deliveryCount, counts.get(expected));
          held.push(expected);
        } else if (action.kind === "remove") {
          // By its place (XDEL), whether it was given back before or never given out.
          if (ready.length === 0) continue;
          const offset = ready.splice(action.pick % ready.length, 1)[0]!;
          cursor.settle(offset);
          log.remove(offset);
        } else if (held.length > 0) {
          const offset = held.splice(action.pick % held.length, 1)[0]!;
          if (action.kind === "settle") {
            assert.equal(cursor.settle(offset), true);
            assert.equal(cursor.settle(offset), false);
            log.remove(offset);
          } else {
            cursor.requeue(offset);
            ready.push(offset);
            ready.sort((a, b) => a - b);
          }
        }
        assert.equal(cursor.heldCount, held.length);
        assert.equal(cursor.peek(), ready.length > 0);
      }
    }),
    { numRuns: 60 },
  );
});

test("a group's pending entries survive: the full form and the changes after it give the same table", async () => {
  const storage = await memoryStorage();
  const log = storage.createLog(false);
  fill(storage, log, 20);
  const cursor = new GroupCursor(log, storage, "g");
  cursor.handle = storage.createState(cursor);
  const full = new ByteWriter();
  cursor.encodeFull(full);
  const alice = cursor.addOwner("alice", 1);
  const bob = cursor.addOwner("bob", 2);
  for (let i = 0; i < 6 && cursor.peek(); i++) cursor.give(i < 4 ? alice.id : bob.id, 50);
  cursor.settle(1);
  cursor.settle(2);
  cursor.assign(3, bob.id, 9, 77, cursor.pending.readId(3, new EntryId()));
  cursor.removeOwner(alice);
  const change = new ByteWriter();
  cursor.encodeChange(change);

  const copy = new GroupCursor(log, storage, "g");
  copy.restoreFull(new ByteReader(full.view()));
  copy.applyChange(new ByteReader(change.view()));
  assert.deepEqual([...copy.owners.keys()], ["bob"]);
  assert.equal(copy.next, 6);
  assert.equal(copy.entriesRead, 6);
  const noted: number[][] = [];
  copy.pending.visit(0, Infinity, (offset) => {
    noted.push([
      offset,
      copy.pending.ownerOf(offset),
      copy.pending.countOf(offset),
      copy.pending.timeOf(offset),
    ]);
    return true;
  });
  assert.deepEqual(noted, [
    [3, bob.id, 9, 77],
    [4, bob.id, 1, 50],
    [5, bob.id, 1, 50],
  ]);
  assert.equal(copy.owners.get("bob")!.pending, 3);
});

test("a group of a log in memory gathers no changes, since nobody writes them", async () => {
  const storage = await memoryStorage();
  const log = storage.createLog(false);
  fill(storage, log, 20);
  const cursor = new GroupCursor(log, storage, "g");
  for (let i = 0; i < 100; i++) {
    const owner = cursor.addOwner(`consumer-${i}`, i);
    if (cursor.peek()) cursor.give(owner.id, i);
    cursor.assign(0, owner.id, 1, i, cursor.pending.readId(0, new EntryId()));
    cursor.settle(0);
    cursor.setGroupPosition(0, new EntryId(), 0);
    cursor.removeOwner(owner);
  }
  const change = new ByteWriter();
  cursor.encodeChange(change);
  assert.ok(change.length < 64, `${change.length} bytes of changes`);
});

test("what was given out before two restarts is marked as redelivered after both, and keeps its count", async () => {
  const storage = await memoryStorage();
  const log = storage.createLog(false);
  fill(storage, log, 10);
  /** The cursor after a restart that kept `full` and then `change`. */
  const restart = (full: ByteWriter, change: ByteWriter): QueueCursor => {
    const cursor = new QueueCursor(log, storage);
    cursor.handle = storage.createState(cursor);
    cursor.restoreFull(new ByteReader(full.view()));
    cursor.applyChange(new ByteReader(change.view()));
    cursor.restored();
    return cursor;
  };
  const take = (cursor: QueueCursor, count: number): number[] =>
    Array.from({ length: count }, () => (cursor.acquire(1, 0) ? cursor.deliveryCount : 0));

  const first = new QueueCursor(log, storage);
  first.handle = storage.createState(first);
  const firstFull = new ByteWriter();
  first.encodeFull(firstFull);
  assert.deepEqual(take(first, 6), [1, 1, 1, 1, 1, 1]);
  first.requeue(4);
  const firstChange = new ByteWriter();
  first.encodeChange(firstChange);

  const second = restart(firstFull, firstChange);
  assert.deepEqual(take(second, 2), [2, 2]);
  const secondChange = new ByteWriter();
  second.encodeChange(secondChange);
  const secondFull = new ByteWriter();
  second.encodeFull(secondFull);

  const third = restart(secondFull, secondChange);
  assert.deepEqual(take(third, 7), [2, 2, 2, 2, 2, 2, 1]);
});

test("a full state keeps how often a record was given back, held or not", async () => {
  const storage = await memoryStorage();
  const log = storage.createLog(false);
  const cursor = new QueueCursor(log, storage);
  fill(storage, log, 3);
  for (let i = 0; i < 3; i++) {
    cursor.acquire(1, 7);
    cursor.requeue(0);
  }
  cursor.acquire(1, 7);
  cursor.acquire(1, 7);
  assert.deepEqual([cursor.record.offset, cursor.heldCount], [1, 2]);
  const writer = new ByteWriter();
  cursor.encodeFull(writer);
  const again = new QueueCursor(log, storage);
  again.restoreFull(new ByteReader(writer.copy()));
  again.restored();
  const counts = Array.from({ length: 3 }, () => (again.acquire(2, 8) ? again.deliveryCount : 0));
  assert.deepEqual(counts, [4, 2, 1]);
});

test("a full state and its changes keep which records come again and when, and they are not given out before", async () => {
  const storage = await memoryStorage();
  const log = storage.createLog(false);
  fill(storage, log, 5);
  const cursor = new QueueCursor(log, storage);
  cursor.handle = storage.createState(cursor);
  for (let i = 0; i < 4; i++) cursor.acquire(1, 7);
  cursor.wait(1, 500, waitingOwner);
  cursor.wait(3, 600, waitingOwner);
  const full = new ByteWriter();
  cursor.encodeFull(full);
  cursor.wait(0, 700, waitingOwner);
  cursor.endWait(3);
  cursor.requeue(3);
  cursor.endWait(1);
  cursor.wait(1, 800, waitingOwner);
  const changes = new ByteWriter();
  cursor.encodeChange(changes);
  assert.deepEqual([cursor.heldCount, cursor.waiting.count], [1, 2]);
  const restored = (withChanges: boolean): { at: number[]; given: number[][] } => {
    const again = new QueueCursor(log, storage);
    again.restoreFull(new ByteReader(full.view()));
    if (withChanges) again.applyChange(new ByteReader(changes.view()));
    again.restored();
    const at = [0, 1, 2, 3, 4].map((offset) => again.pending.timeOf(offset));
    const given: number[][] = [];
    while (again.acquire(2, 8)) given.push([again.record.offset, again.deliveryCount]);
    return { at, given };
  };
  assert.deepEqual(restored(false), {
    at: [0, 500, 0, 600, 0],
    given: [
      [0, 2],
      [2, 2],
      [4, 1],
    ],
  });
  assert.deepEqual(restored(true), {
    at: [700, 800, 0, 0, 0],
    given: [
      [2, 2],
      [3, 2],
      [4, 1],
    ],
  });
});

test("with priorities, what was given out is known after a restart one by one, and what is done with is not kept", async () => {
  const storage = await memoryStorage();
  const log = storage.createLog(false);
  const make = (): QueueCursor => {
    const cursor = new QueueCursor(log, storage);
    cursor.sortByPriority(5);
    cursor.handle = storage.createState(cursor);
    return cursor;
  };
  const count = 20_000;
  fill(storage, log, count);
  const first = make();
  const full = new ByteWriter();
  first.encodeFull(full);
  for (let i = 0; i < count; i++) assert.ok(first.acquire(1, 0));
  first.requeue(count - 1);
  assert.ok(first.acquire(1, 0));
  for (let offset = 0; offset < count - 3; offset++) {
    first.settle(offset);
    log.remove(offset);
  }
  const changes = new ByteWriter();
  first.encodeChange(changes);
  // They were given out in a row.
  assert.ok(changes.length < 100, `${changes.length} bytes`);
  fill(storage, log, 1);
  const second = make();
  second.restoreFull(new ByteReader(full.view()));
  second.applyChange(new ByteReader(changes.view()));
  assert.ok(second.pending.size < 4096 + 4, `${second.pending.size} are noted`);
  second.restored();
  const taken: number[][] = [];
  const again = new ByteWriter();
  second.encodeFull(again);
  while (second.acquire(1, 0)) taken.push([second.record.offset, second.deliveryCount]);
  const expected = [
    [count - 3, 2],
    [count - 2, 2],
    [count - 1, 2],
    [count, 1],
  ];
  assert.deepEqual(taken, expected);
  // Held or not, and not given out since: another restart knows as much.
  for (const state of [again, new ByteWriter()]) {
    if (state.length === 0) second.encodeFull(state);
    const third = make();
    third.restoreFull(new ByteReader(state.view()));
    third.restored();
    const counts: number[] = [];
    while (third.acquire(1, 0)) counts.push(third.deliveryCount);
    assert.deepEqual(counts, state === again ? [2, 2, 2, 1] : [2, 2, 2, 2]);
  }
});
