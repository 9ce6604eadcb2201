/** What few keys are left after many were deleted is moved together: memory is given back, and nothing else changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TurnWork, type Job, type RunningJob } from "../../../src/base/turn-work.ts";
import { keyspaceBounds } from "../../../src/keyspace/bounds.ts";
import { Compaction } from "../../../src/keyspace/compaction.ts";
import { type Database, keepExpiry } from "../../../src/keyspace/database.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { KeyTable } from "../../../src/keyspace/key-table.ts";
import { valueType } from "../../../src/keyspace/value-type.ts";
import type { BlockList } from "../../../src/keyspace/values/list/block-list.ts";
import type { LargeSortedSet } from "../../../src/keyspace/values/sorted/large-sorted-set.ts";
import { dumpDatabase } from "../../support/keyspace-dump.ts";

function put(table: KeyTable, key: string, size: number): void {
  const bytes = Buffer.from(key);
  const hash = table.hash(bytes, 0, bytes.length);
  const entry = table.find(hash, bytes, 0, bytes.length);
  if (entry === 0) table.insert(hash, bytes, 0, bytes.length, valueType.string, size);
  else table.resize(entry, size, false);
  table.bytes.fill(key.charCodeAt(key.length - 1), table.start, table.start + size);
}

function entryOf(table: KeyTable, key: string): number {
  const bytes = Buffer.from(key);
  return table.find(table.hash(bytes, 0, bytes.length), bytes, 0, bytes.length);
}

test("keys and values are those of a map, and scans miss none, while entries move", () => {
  // So large that a chunk holds few: several sizes of block, some with a chunk of their own.
  const size = fc.constantFrom(9_000, 11_000, 20_000, 40_000, 70_000);
  const step = fc.oneof(
    fc.record({ do: fc.constant("put" as const), key: fc.nat({ max: 120 }), size }),
    fc.record({ do: fc.constant("remove" as const), key: fc.nat({ max: 120 }), size }),
    fc.record({ do: fc.constant("move" as const), key: fc.nat({ max: 40 }), size }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
      const table = new KeyTable(1);
      const model = new Map<string, number>();
      let isMoving = false;
      for (const { do: what, key, size: bytes } of steps) {
        const name = `key${key}`;
        if (what === "put") {
          put(table, name, bytes);
          model.set(name, bytes);
        } else if (what === "remove") {
          const entry = entryOf(table, name);
          if (entry !== 0) table.remove(entry);
          model.delete(name);
        } else if (!isMoving) isMoving = table.beginMoving() > 0;
        else if (
          table.moveSome(
            key,
            () => true,
            () => {},
          ) === 0
        ) {
          table.endMoving();
          isMoving = false;
        }
      }
      assert.equal(table.count, model.size);
      for (const [name, bytes] of model) {
        table.locate(entryOf(table, name));
        assert.equal(table.end - table.start, bytes);
        const mark = name.charCodeAt(name.length - 1);
        assert.ok(table.bytes.subarray(table.start, table.end).every((byte) => byte === mark));
      }
      const found: number[] = [];
      for (let cursor = table.scan(0, found); cursor !== 0;) cursor = table.scan(cursor, found);
      assert.deepEqual(new Set(found), new Set([...model.keys()].map((name) => entryOf(table, name))));
    }),
    { numRuns: 40 },
  );
});

/** Takes the jobs, so that the test says when they go on. */
class Jobs {
  readonly all: Job<unknown>[] = [];

  readonly run: TurnWork["run"] = (job): RunningJob => {
    this.all.push(job);
    return { isRunning: false, cancel: () => {}, finish: () => {} };
  };
}

function set(database: Database, key: string, value: string): number {
  const bytes = Buffer.from(key);
  return database.put(bytes, 0, bytes.length, Buffer.from(value), 0, value.length, keepExpiry);
}

function find(database: Database, key: string): number {
  const bytes = Buffer.from(key);
  return database.find(bytes, 0, bytes.length);
}

function hashOf(database: Database, key: string, fields: number): void {
  const bytes = Buffer.from(key);
  const { hash } = database;
  hash.open(database.createHash(bytes, 0, bytes.length));
  for (let i = 0; i < fields; i++) {
    const field = Buffer.from(`field${i}`);
    hash.set(field, 0, field.length, field, 0, field.length);
  }
  hash.close();
}

const many = 80_000;

function sparse(): { keyspace: Keyspace; database: Database } {
  const keyspace = new Keyspace(7, { ...keyspaceBounds, packedCountMax: 4 });
  const database = keyspace.databases[0]!;
  for (let i = 0; i < many; i++) {
    if (i % 100 === 0) hashOf(database, `key:${i}`, 6);
    else set(database, `key:${i}`, `value ${i}`);
  }
  for (let i = 0; i < many; i++) if (i % 20 !== 0) database.remove(find(database, `key:${i}`));
  return { keyspace, database };
}

test("a database of which most was deleted gives its memory back; large values know their entries", () => {
  const { keyspace, database } = sparse();
  const before = dumpDatabase(keyspace, database);
  const { table } = database;
  const held = table.arenaBytes;
  const jobs = new Jobs();
  const compaction = new Compaction(keyspace.databases, keyspace.arena);
  compaction.look(jobs);
  assert.equal(jobs.all.length, 1);
  let pieces = 0;
  // A client's changes between the pieces.
  for (; jobs.all[0]!.next().done !== true; pieces++) set(database, `new:${pieces % 7}`, "x".repeat(pieces));
  for (let i = 0; i < 7; i++) database.remove(find(database, `new:${i}`));
  assert.ok(pieces > 10, `${pieces} pieces`);
  assert.deepEqual(dumpDatabase(keyspace, database), before);
  assert.ok(table.arenaBytes < held / 3, `${table.arenaBytes} of ${held} bytes`);
  for (let i = 0; i < many; i += 100) database.remove(find(database, `key:${i}`));
  assert.equal(database.content.values.count, 0);
});

test("a key that a command holds stays where it is; a content that was flushed is left alone", () => {
  const { keyspace, database } = sparse();
  const kept = Array.from({ length: many / 20 }, (_, i) => `key:${i * 20}`);
  const before = kept.map((key) => find(database, key));
  keyspace.held = { isAny: true, isAtWork: false, holds: (_, key) => key === "key:20" };
  const jobs = new Jobs();
  const compaction = new Compaction(keyspace.databases, keyspace.arena);
  compaction.look(jobs);
  while (jobs.all[0]!.next().done !== true);
  const stayed = kept.filter((key, at) => find(database, key) === before[at]);
  assert.ok(stayed.includes("key:20"));
  assert.ok(stayed.length < kept.length / 2, `${stayed.length} of ${kept.length} stayed`);
  const { keyspace: flushed, database: emptied } = sparse();
  const work = new Jobs();
  new Compaction(flushed.databases, flushed.arena).look(work);
  for (let i = 0; i < 5; i++) work.all[0]!.next();
  emptied.flush();
  assert.equal(work.all[0]!.next().done, true);
  assert.equal(emptied.size, 0);
});

const members = 30_000;
const lists = 400;

function memberOf(i: number): Buffer {
  return Buffer.from(`member:${i}`);
}

/** The blocks of all lists, in their order. */
function textOfLists(database: Database): string[] {
  return Array.from({ length: lists / 10 }, (_, i) => {
    const list = database.content.largeOf(find(database, `list:${i * 10}`)) as BlockList;
    let text = "";
    for (let at = 0; at < list.ring.length; at++) {
      list.open(at);
      text += list.bytes.latin1Slice(list.head, list.tail);
    }
    return text;
  });
}

test("what is left of large values is moved together, with changes in between", () => {
  const keyspace = new Keyspace(7, { ...keyspaceBounds, packedCountMax: 4 });
  const database = keyspace.databases[0]!;
  const { set: sets, sortedSet, list } = database;
  const key = Buffer.from("zset");
  sets.open(database.createSet(Buffer.from("set"), 0, 3));
  for (let i = 0; i < members; i++) sets.add(memberOf(i), 0, memberOf(i).length);
  sets.close();
  sortedSet.open(database.createSortedSet(key, 0, 4));
  for (let i = 0; i < members; i++) sortedSet.set((i * 7919) % members, memberOf(i), 0, memberOf(i).length);
  sortedSet.close();
  for (let i = 0; i < lists; i++) {
    const name = Buffer.from(`list:${i}`);
    list.open(database.createList(name, 0, name.length));
    for (let k = 0; k < 60; k++) list.push(k % 2 === 0, Buffer.from(`element ${k} of ${i}`), 0, 12);
    list.close();
  }
  const removeFrom = (isSet: boolean, i: number): void => {
    const changes = isSet ? sets : sortedSet;
    changes.open(find(database, isSet ? "set" : "zset"));
    changes.remove(memberOf(i), 0, memberOf(i).length);
    changes.close();
  };
  for (let i = 0; i < members; i++) {
    if (i % 10 !== 0) removeFrom(true, i);
    if (i % 10 !== 0) removeFrom(false, i);
  }
  for (let i = 0; i < lists; i++) if (i % 10 !== 0) database.remove(find(database, `list:${i}`));
  const listsBefore = textOfLists(database);
  const dumpOf = (): unknown => {
    const dump = dumpDatabase(keyspace, database);
    for (const name of dump.keys()) if (name.startsWith("list:")) dump.delete(name);
    return dump;
  };
  const before = dumpOf();
  const held = keyspace.arena.bytes;
  const jobs = new Jobs();
  const compaction = new Compaction(keyspace.databases, keyspace.arena);
  // While they were packed the entries had many sizes, each with a chunk that stays. So the next job is for the values.
  compaction.look(jobs);
  assert.equal(jobs.all[0]!.next().done, true);
  compaction.look(jobs);
  let pieces = 0;
  for (; jobs.all[1]!.next().done !== true; pieces++) {
    const name = memberOf(members + (pieces % 5));
    sets.open(find(database, "set"));
    sets.add(name, 0, name.length);
    sets.close();
    sortedSet.open(find(database, "zset"));
    sortedSet.set(pieces, name, 0, name.length);
    sortedSet.close();
  }
  for (let i = 0; i < 5; i++) removeFrom(true, members + i);
  for (let i = 0; i < 5; i++) removeFrom(false, members + i);
  assert.ok(pieces >= 3, `${pieces} pieces`);
  assert.deepEqual(dumpOf(), before);
  assert.deepEqual(textOfLists(database), listsBefore);
  (database.content.largeOf(find(database, "zset")) as LargeSortedSet).tree.assertSound();
  assert.ok(keyspace.arena.bytes < held * 0.75, `${keyspace.arena.bytes} of ${held} bytes`);
});
