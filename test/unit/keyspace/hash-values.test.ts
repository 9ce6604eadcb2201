/** Hashes in memory beside a map, packed and large; where exactly a hash becomes large, and what is said of it as redis would. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Arena, MemoryUse } from "../../../src/keyspace/arena.ts";
import { KeyUses } from "../../../src/keyspace/eviction/key-uses.ts";
import { keyspaceBounds } from "../../../src/keyspace/bounds.ts";
import { KeyContent } from "../../../src/keyspace/content.ts";
import { beyondListpack } from "../../../src/keyspace/value-type.ts";
import { Graves } from "../../../src/keyspace/values/graves.ts";
import { HashValues } from "../../../src/keyspace/values/hash.ts";
import { elementBytes, packedHeaderBytes } from "../../../src/keyspace/values/packed.ts";

/** One hash, used by strings. */
class OneHash {
  readonly hashes = new HashValues(keyspaceBounds);
  readonly content = new KeyContent({
    seed: 1,
    memory: new MemoryUse(),
    uses: new KeyUses(),
    arena: new Arena(),
    bounds: keyspaceBounds,
    graves: new Graves(),
    buried() {},
  });
  entry = this.hashes.create(this.content, Buffer.from("key"), 0, 3, 0);

  set(field: string, value: string): boolean {
    const [a, b] = [Buffer.from(field), Buffer.from(value)];
    const isNew = this.hashes.set(this.content, this.entry, 0, a, 0, a.length, b, 0, b.length);
    this.entry = this.hashes.entry;
    return isNew;
  }

  get(field: string): string | undefined {
    const { hashes } = this;
    const bytes = Buffer.from(field);
    return hashes.get(this.content, this.entry, bytes, 0, bytes.length)
      ? hashes.bytes.latin1Slice(hashes.start, hashes.end)
      : undefined;
  }

  remove(field: string): boolean {
    const bytes = Buffer.from(field);
    const isThere = this.hashes.remove(this.content, this.entry, bytes, 0, bytes.length);
    this.entry = this.hashes.entry;
    return isThere;
  }

  get isLarge(): boolean {
    return this.content.isLarge(this.entry);
  }

  get isBeyondListpack(): boolean {
    return (this.content.table.typeWord(this.entry) & beyondListpack) !== 0;
  }

  get count(): number {
    return this.hashes.count(this.content, this.entry);
  }
}

test("fields are those of a map, whatever their lengths, in the order in which they came while packed", () => {
  const field = fc.oneof(
    fc.nat({ max: 20 }).map((n) => `f${n}`),
    fc.constantFrom("", "x".repeat(253), "y".repeat(254), "z".repeat(255), "w".repeat(300)),
  );
  const value = fc.constantFrom(
    "",
    "v",
    "12345678",
    "a".repeat(252),
    "b".repeat(253),
    "c".repeat(254),
    "d".repeat(900),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(field, fc.option(value)), { minLength: 20, maxLength: 120, size: "max" }),
      (steps) => {
        const one = new OneHash();
        const model = new Map<string, string>();
        for (const [name, text] of steps) {
          if (text === null) assert.equal(one.remove(name), model.delete(name));
          else {
            assert.equal(one.set(name, text), !model.has(name));
            model.set(name, text);
          }
          assert.equal(one.count, model.size);
        }
        for (const [name, text] of model) assert.equal(one.get(name), text);
        assert.equal(one.get("none"), undefined);
        if (one.isLarge) return;
        const { hashes } = one;
        const found: [string, string][] = [];
        hashes.begin(one.content, one.entry);
        while (hashes.next()) {
          const { bytes } = hashes;
          const name = bytes.latin1Slice(hashes.fieldStart, hashes.fieldEnd);
          found.push([name, bytes.latin1Slice(hashes.start, hashes.end)]);
        }
        assert.deepEqual(found, [...model]);
      },
    ),
    { numRuns: 150, endOnFailure: true },
  );
});

test("128 fields are packed, 129 are not, and it stays so", () => {
  const one = new OneHash();
  for (let n = 0; n < 128; n++) assert.equal(one.set(`f${n}`, "v"), true);
  assert.equal(one.set("f5", "w"), false);
  assert.equal(one.isLarge, false);
  assert.equal(one.set("f128", "v"), true);
  assert.equal(one.isLarge, true);
  assert.equal(one.content.values.count, 1);
  for (let n = 2; n < 129; n++) assert.equal(one.remove(`f${n}`), true);
  assert.equal(one.isLarge, true);
  assert.equal(one.count, 2);
  assert.equal(one.get("f1"), "v");
  assert.equal(one.isBeyondListpack, false);
});

test("4,096 bytes are packed, one more is not: by another field, or by a longer value", () => {
  // A field of one byte has two with its length, a long value three more than its bytes.
  const first = 2 + elementBytes(3000);
  const rest = 4096 - packedHeaderBytes - first - 2;
  const second = rest - 3;
  for (const more of [0, 1]) {
    const one = new OneHash();
    one.set("a", "v".repeat(3000));
    one.set("b", "w".repeat(second + more));
    assert.equal(one.isLarge, more === 1);
    assert.equal(one.get("b")!.length, second + more);
    const grown = new OneHash();
    grown.set("a", "v".repeat(3000));
    grown.set("b", "w");
    grown.set("b", "w".repeat(second + more));
    assert.equal(grown.isLarge, more === 1);
    assert.equal(grown.get("a"), "v".repeat(3000));
    assert.equal(grown.get("b")!.length, second + more);
  }
});

test("redis's listpack ends at 64 bytes of a field or value, and at 512 fields", () => {
  for (const [field, value, isBeyond] of [
    ["f", "v".repeat(64), false],
    ["f", "v".repeat(65), true],
    ["f".repeat(64), "v", false],
    ["f".repeat(65), "v", true],
  ] as const) {
    const one = new OneHash();
    one.set(field, value);
    assert.equal(one.isBeyondListpack, isBeyond);
    one.set("another", "v");
    one.remove(field);
    assert.equal(one.isBeyondListpack, isBeyond);
  }
  const one = new OneHash();
  for (let n = 0; n < 512; n++) one.set(`f${n}`, "v");
  assert.equal(one.isBeyondListpack, false);
  one.set("f512", "v");
  assert.equal(one.isBeyondListpack, true);
});

test("small hashes take less than 95 bytes each, a large one less than 50 a field", () => {
  const one = new OneHash();
  const { hashes, content } = one;
  const keys = 100_000;
  for (let n = 0; n < keys; n++) {
    const key = Buffer.from(`h:${n}`);
    one.entry = hashes.create(content, key, 0, key.length, 0);
    for (const [field, value] of [
      ["name", `n${n}`],
      ["age", "42"],
      ["id", String(n)],
    ] as const)
      one.set(field, value);
  }
  assert.ok(content.table.arenaBytes < 95 * keys, `${content.table.arenaBytes / keys} bytes each`);
  const large = new OneHash();
  for (let n = 0; n < 200_000; n++) large.set(`f:${n}`, "x".repeat(10));
  const held = large.content.elementsOf(large.entry).heldBytes;
  assert.ok(held < 50 * 200_000, `${held / 200_000} bytes a field`);
});
