/** The packed hash table beside a map: contents, memory, and what scans promise while the table changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Arena } from "../../../src/keyspace/arena.ts";
import { KeyTable } from "../../../src/keyspace/key-table.ts";
import * as types from "../../../src/keyspace/value-type.ts";

function put(table: KeyTable, key: string, value: string): void {
  const bytes = Buffer.from(key);
  const hash = table.hash(bytes, 0, bytes.length);
  const entry = table.find(hash, bytes, 0, bytes.length);
  if (entry === 0) table.insert(hash, bytes, 0, bytes.length, types.valueType.string, value.length);
  else table.resize(entry, value.length, false);
  table.bytes.latin1Write(value, table.start, value.length);
}

function entryOf(table: KeyTable, key: string): number {
  const bytes = Buffer.from(key);
  return table.find(table.hash(bytes, 0, bytes.length), bytes, 0, bytes.length);
}

function get(table: KeyTable, key: string): string | undefined {
  const entry = entryOf(table, key);
  if (entry === 0) return undefined;
  table.locate(entry);
  return table.bytes.latin1Slice(table.start, table.end);
}

function remove(table: KeyTable, key: string): void {
  const entry = entryOf(table, key);
  if (entry !== 0) table.remove(entry);
}

function keyAt(table: KeyTable, entry: number): string {
  table.locateKey(entry);
  return table.bytes.latin1Slice(table.start, table.end);
}

test("type, layout, every flag, and when a key was used fit together in one word of its entry", () => {
  const { valueType, largeLayout, ...others } = types;
  const flags = Object.values(others).filter((each) => typeof each === "number");
  assert.ok(flags.includes(types.expiringFields));
  const table = new KeyTable(1);
  put(table, "key", "value");
  const entry = entryOf(table, "key");
  const use = 0xab_cdef;
  for (const type of Object.values(valueType)) {
    for (const layout of [0, largeLayout]) {
      for (const set of [0, ...flags, flags.reduce<number>((all, flag) => all | flag, 0)]) {
        const word = type | layout | set;
        table.setUse(entry, use);
        table.setTypeWord(entry, word);
        assert.deepEqual([table.typeWord(entry), table.type(entry), table.use(entry)], [word, type, use]);
        table.setUse(entry, ~use & 0xff_ffff);
        assert.deepEqual([table.typeWord(entry), table.use(entry)], [word, ~use & 0xff_ffff]);
      }
    }
  }
});

test("blocks hold what was asked for, do not overlap, and are given back", () => {
  const arena = new Arena();
  const sizes = [1, 16, 17, 255, 256, 257, 4095, 65_536, 65_537, 1_000_000];
  const blocks = sizes.flatMap((size) => Array.from({ length: 20 }, () => arena.allocate(size)));
  assert.equal(new Set(blocks).size, blocks.length);
  assert.ok(!blocks.includes(0));
  for (const [index, block] of blocks.entries()) {
    const size = sizes[Math.floor(index / 20)]!;
    const capacity = arena.capacity(block);
    assert.ok(capacity >= size && (capacity <= size * 1.125 + 16 || size > 65_536), `${size}: ${capacity}`);
  }
  const before = arena.bytes;
  for (const block of blocks) arena.release(block);
  assert.ok(arena.bytes < before / 10, `${arena.bytes} of ${before} left`);
});

test("keys and values are those of a map, through growing, shrinking and resizing", () => {
  const key = fc.nat({ max: 300 }).map((n) => `key${n}`.repeat((n % 5) + 1));
  const value = fc.nat({ max: 12 }).map((n) => "v".repeat(2 ** n));
  const step = fc.oneof(fc.tuple(key, value), fc.tuple(key, fc.constant<null>(null)));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1000, size: "max" }), (steps) => {
      const table = new KeyTable(1);
      const model = new Map<string, string>();
      for (const [name, text] of steps) {
        if (text === null) {
          remove(table, name);
          model.delete(name);
        } else {
          put(table, name, text);
          model.set(name, text);
        }
      }
      assert.equal(table.count, model.size);
      for (const [name, text] of model) assert.equal(get(table, name), text);
      for (const name of model.keys()) remove(table, name);
      assert.equal(table.count, 0);
      assert.equal(table.usedBytes, 0);
    }),
    { numRuns: 30 },
  );
});

test("a scan meets every key that is there throughout, however the table grows and shrinks meanwhile", () => {
  for (let seed = 0; seed < 4; seed++) {
    const table = new KeyTable(seed);
    const stable = Array.from({ length: 200 }, (_, n) => `stable${n}`);
    for (const name of stable) put(table, name, "v");
    const met = new Set<string>();
    const found: number[] = [];
    let cursor = 0;
    let turn = 0;
    do {
      found.length = 0;
      cursor = table.scan(cursor, found);
      for (const entry of found) met.add(keyAt(table, entry));
      turn++;
      // Waves of other keys: the table doubles several times, then shrinks again.
      for (let n = 0; n < 50; n++) {
        if (Math.floor(turn / 40) % 2 === 0) put(table, `wave${turn % 40}-${n}`, "v");
        else remove(table, `wave${turn % 40}-${n}`);
      }
    } while (cursor !== 0);
    assert.deepEqual(
      stable.filter((name) => !met.has(name)),
      [],
    );
  }
});

test("a key of 16 bytes with a value of 100 costs less than 175 bytes", () => {
  const table = new KeyTable(7);
  for (let n = 0; n < 100_000; n++) put(table, `key:${String(n).padStart(12, "0")}`, "x".repeat(100));
  assert.ok(table.arenaBytes < 100_000 * 175, `${table.arenaBytes / 100_000} bytes for each key`);
});
