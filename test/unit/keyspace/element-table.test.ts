/** The elements of a large value beside a map: contents, ages, scans, chance, bounds of memory, and equal hashes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Arena } from "../../../src/keyspace/arena.ts";
import { pageJoinBelow, pageSplitAt } from "../../../src/keyspace/values/element-pages.ts";
import { ElementTable, type Ref } from "../../../src/keyspace/values/element-table.ts";
import { Graves } from "../../../src/keyspace/values/graves.ts";
import { Seeded } from "../../../sim/seeded.ts";

type HashOf = (key: string) => number;

/** A table that is used by strings, and the same in a map. */
class Beside {
  readonly arena = new Arena();
  readonly usage = { bytes: 0 };
  readonly table: ElementTable;
  readonly model = new Map<string, string>();
  readonly #hashOf: HashOf | null;
  moves = 0;

  constructor(seed = 1, segmentBytesMax = 1 << 18, hashOf: HashOf | null = null) {
    this.table = new ElementTable({ arena: this.arena, seed, usage: this.usage, segmentBytesMax });
    this.#hashOf = hashOf;
    this.table.onMove = () => this.moves++;
  }

  hash(key: string): number {
    const bytes = Buffer.from(key);
    return this.#hashOf?.(key) ?? this.table.hash(bytes, 0, bytes.length);
  }

  find(key: string): Ref {
    const bytes = Buffer.from(key);
    return this.table.find(this.hash(key), bytes, 0, bytes.length);
  }

  set(key: string, value: string): void {
    const { table } = this;
    const bytes = Buffer.from(key);
    const ref = this.find(key);
    if (ref === 0) table.insert(this.hash(key), bytes, 0, bytes.length, value.length);
    else table.resize(this.hash(key), ref, bytes, 0, bytes.length, value.length);
    assert.equal(table.end - table.start, value.length);
    table.bytes.latin1Write(value, table.start);
    this.model.set(key, value);
  }

  get(key: string): string | undefined {
    const ref = this.find(key);
    return ref === 0 ? undefined : this.valueAt(ref);
  }

  remove(key: string): void {
    const ref = this.find(key);
    assert.equal(ref !== 0, this.model.delete(key));
    if (ref !== 0) this.table.remove(this.hash(key), ref);
  }

  keyAt(ref: Ref): string {
    this.table.locateKey(ref);
    return this.table.bytes.latin1Slice(this.table.start, this.table.end);
  }

  valueAt(ref: Ref): string {
    this.table.locate(ref);
    return this.table.bytes.latin1Slice(this.table.start, this.table.end);
  }

  all(): string[] {
    const found: Ref[] = [];
    assert.equal(this.table.scan(0, Infinity, found), 0);
    return found.map((ref) => this.keyAt(ref));
  }

  check(): void {
    assert.equal(this.table.count, this.model.size);
    for (const [key, value] of this.model) assert.equal(this.get(key), value, key);
    const all = this.all();
    assert.equal(all.length, this.model.size);
    assert.deepEqual(new Set(all), new Set(this.model.keys()));
    assert.equal(this.usage.bytes, this.table.liveBytes);
  }
}

test("elements are those of a map under random changes, and nothing is left when they are gone", () => {
  const key = fc.oneof(
    fc.nat({ max: 600 }).map((n) => `key${n}`),
    fc.nat({ max: 10 }).map((n) => "k".repeat(n * n * 10)),
  );
  const value = fc.oneof(
    fc.nat({ max: 12 }).map((n) => "v".repeat(2 ** n)),
    fc.constantFrom("", "abc", "wxyz"),
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(key, value) },
    { weight: 2, arbitrary: fc.tuple(key, fc.constant<null>(null)) },
  );
  // The second time all keys are under three hashes.
  for (const hashOf of [null, (name: string) => Math.imul(name.length % 3, 0x5555_5555)]) {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 200, maxLength: 1500, size: "max" }),
        fc.constantFrom(1 << 18, 2048),
        (steps, segmentBytesMax) => {
          const beside = new Beside(3, segmentBytesMax, hashOf);
          if (hashOf !== null)
            beside.table.hash = (bytes, start, end) => hashOf(Buffer.from(bytes).latin1Slice(start, end));
          for (const [name, text] of steps) {
            if (text === null) beside.remove(name);
            else beside.set(name, text);
          }
          beside.check();
          for (const name of beside.model.keys()) beside.remove(name);
          beside.check();
          assert.equal(beside.usage.bytes, 0);
          assert.ok(beside.table.segmentCount <= 1, `${beside.table.segmentCount} segments`);
          const blocks = beside.table.pageCount + beside.table.segmentCount;
          let freed = 0;
          for (let some = 0; (some = beside.table.freeSome(3)) > 0; freed += some) assert.ok(some <= 3);
          assert.equal(freed, blocks);
        },
      ),
      { numRuns: 12, endOnFailure: true },
    );
  }
});

test("a scan meets what is there throughout exactly once, and as much as was asked for", () => {
  for (let seed = 0; seed < 4; seed++) {
    const beside = new Beside(seed);
    const random = new Seeded(seed);
    const stable = Array.from({ length: 2000 }, (_, n) => `stable${n}`);
    for (const name of stable) beside.set(name, "v");
    const met = new Map<string, number>();
    let cursor = 0;
    let turn = 0;
    do {
      const wanted = random.between(1, 40);
      const found: Ref[] = [];
      const before = cursor;
      cursor = beside.table.scan(cursor, wanted, found);
      if (cursor !== 0) assert.equal(found.length, wanted);
      assert.ok(cursor === 0 || cursor > before);
      for (const ref of found) met.set(beside.keyAt(ref), (met.get(beside.keyAt(ref)) ?? 0) + 1);
      turn++;
      // Waves of others: pages split and join, segments are evacuated.
      for (let n = 0; n < 60; n++) {
        const name = `wave${turn % 30}-${n}`;
        if (Math.floor(turn / 30) % 2 === 0) beside.set(name, "w".repeat(random.below(50)));
        else if (beside.model.has(name)) beside.remove(name);
      }
    } while (cursor !== 0);
    for (const name of stable) assert.equal(met.get(name), 1, name);
  }
});

test("a page is split by the element after its last, and joined when two have few together", () => {
  const beside = new Beside();
  for (let n = 0; n < pageSplitAt; n++) beside.set(`k${n}`, "v");
  assert.equal(beside.table.pageCount, 1);
  beside.set("one more", "v");
  assert.equal(beside.table.pageCount, 2);
  let left = beside.model.size;
  for (const name of beside.model.keys()) {
    if (left === pageJoinBelow) break;
    beside.remove(name);
    left--;
  }
  assert.equal(beside.table.pageCount, 2);
  beside.remove([...beside.model.keys()][0]!);
  assert.equal(beside.table.pageCount, 1);
  beside.check();
});

test("more equal hashes than a page holds are chained; the directory stays small; others are still spread", () => {
  const equal = 1000;
  const beside = new Beside(1, 1 << 18, (key) =>
    key.startsWith("e") ? 0x1234_5678 : Math.imul(Number(key.slice(1)), 0x9e37_79b1),
  );
  beside.table.hash = (bytes, start, end) => beside.hash(Buffer.from(bytes).latin1Slice(start, end));
  for (let n = 0; n < equal; n++) beside.set(`e${n}`, `v${n}`);
  assert.ok(beside.table.pageCount <= Math.ceil(equal / pageSplitAt) + 24, `${beside.table.pageCount} pages`);
  assert.ok(beside.table.directorySize <= 64, `${beside.table.directorySize} places`);
  for (let n = 0; n < 3000; n++) beside.set(`o${n}`, "v");
  beside.check();
  // Equal hashes come together, whatever was asked for.
  const found: Ref[] = [];
  let cursor = 0;
  let largest = 0;
  let total = 0;
  do {
    found.length = 0;
    cursor = beside.table.scan(cursor, 10, found);
    largest = Math.max(largest, found.length);
    total += found.length;
  } while (cursor !== 0);
  assert.equal(total, equal + 3000);
  assert.ok(largest >= equal);
  const picked = new Set<string>();
  const random = new Seeded(4);
  for (let i = 0; i < 20_000; i++) picked.add(beside.keyAt(beside.table.random(random)).slice(0, 1));
  assert.deepEqual(picked, new Set(["e", "o"]));
  for (let n = 0; n < equal; n++) beside.remove(`e${n}`);
  beside.check();
  for (let n = 0; n < 3000; n++) beside.remove(`o${n}`);
  beside.check();
  assert.equal(beside.table.pageCount, 1);
});

test("each element is picked with the same chance, in pages of different depths too", () => {
  // Half of all hashes lie in a sixteenth of their range.
  const beside = new Beside(1, 1 << 18, (key) => {
    const n = Number(key.slice(1));
    return n % 2 === 0 ? Math.imul(n, 0x9e37_79b1) : Math.imul(n, 0x9e37_79b1) >>> 4;
  });
  const count = 2000;
  for (let n = 0; n < count; n++) beside.set(`k${n}`, "");
  const random = new Seeded(7);
  const picks = new Map<string, number>();
  const rounds = 100_000;
  for (let i = 0; i < rounds; i++) {
    const key = beside.keyAt(beside.table.random(random));
    picks.set(key, (picks.get(key) ?? 0) + 1);
  }
  // Chi-square of 1999 degrees of freedom: mean 1999, deviation 63.
  let chi = 0;
  for (let n = 0; n < count; n++) chi += ((picks.get(`k${n}`) ?? 0) - rounds / count) ** 2 / (rounds / count);
  assert.ok(chi > 1999 - 5 * 63 && chi < 1999 + 5 * 63, `chi-square ${chi}`);
});

test("a segment of which more than half is dead is evacuated, not before", () => {
  const beside = new Beside(1, 1024);
  // 8 + 8 + 8 bytes each.
  for (let n = 0; n < 200; n++) beside.set(`key-${String(n).padStart(4, "0")}`, "12345678");
  const perSegment = Math.floor(1024 / 24);
  const segments = beside.table.segmentCount;
  for (let n = 0; n < perSegment / 2; n++) beside.remove(`key-${String(n).padStart(4, "0")}`);
  assert.equal(beside.moves, 0);
  assert.equal(beside.table.segmentCount, segments);
  beside.remove(`key-${String(Math.ceil(perSegment / 2)).padStart(4, "0")}`);
  assert.ok(beside.moves > 0 && beside.moves <= perSegment / 2);
  beside.check();
});

test("the memory is about twice what lives, whatever was done", () => {
  const beside = new Beside(2);
  const random = new Seeded(2);
  for (let i = 0; i < 60_000; i++) {
    const key = `key${random.below(8000)}`;
    if (random.chance(0.4)) {
      if (beside.model.has(key)) beside.remove(key);
    } else beside.set(key, "v".repeat(random.below(120)));
  }
  const overhead = beside.table.pageCount * 2048 + (1 << 19);
  assert.ok(beside.table.heldBytes < 2.1 * beside.table.liveBytes + overhead);
  for (const key of beside.model.keys()) if (random.chance(0.9)) beside.remove(key);
  beside.check();
  assert.ok(
    beside.table.heldBytes < 2.1 * beside.table.liveBytes + overhead,
    `${beside.table.heldBytes} held, ${beside.table.liveBytes} live`,
  );
});

test("what is older than an age is written again segment by segment, also what moved meanwhile", () => {
  for (let seed = 0; seed < 10; seed++) {
    const beside = new Beside(seed, 2048);
    const random = new Seeded(seed);
    const { table } = beside;
    /** Where the newest record of each is. */
    const recorded = new Map<string, number>();
    let position = 0;
    const set = (key: string): void => {
      table.age = position;
      beside.set(key, "v".repeat(random.below(60)));
      recorded.set(key, position);
    };
    for (; position < 1000; position++) set(`key${random.below(500)}`);
    const below = random.between(300, 900);
    for (let slices = 0; ; slices++) {
      assert.ok(slices < 500);
      table.age = position++;
      let bytes = 0;
      const isMore = table.rewriteOlder(below, (ref) => {
        recorded.set(beside.keyAt(ref), table.age);
        bytes += beside.keyAt(ref).length;
      });
      assert.ok(bytes <= 2048);
      if (!isMore) break;
      // Changes go on in between.
      for (let n = 0; n < 3; n++, position++) {
        const key = `key${random.below(500)}`;
        if (random.chance(0.4) && beside.model.has(key)) beside.remove(key);
        else set(key);
      }
    }
    for (const key of beside.model.keys())
      assert.ok(recorded.get(key)! >= below, `${key} is at ${recorded.get(key)}`);
  }
});

test("a copy has the same elements, of the same ages, and is its own", () => {
  const beside = new Beside(5, 2048);
  for (let n = 0; n < 1000; n++) {
    beside.table.age = n;
    beside.set(`k${n}`, `v${n}`);
  }
  const usage = { bytes: 0 };
  const copied = beside.table.copy(usage);
  assert.equal(copied.count, 1000);
  assert.equal(usage.bytes, copied.liveBytes);
  copied.age = 5000;
  const seen = new Set<number>();
  while (copied.rewriteOlder(500, (ref) => seen.add(ref)));
  assert.ok(seen.size >= 500 && seen.size < 600, `${seen.size}`);
  const found: Ref[] = [];
  assert.equal(copied.scan(0, Infinity, found), 0);
  assert.equal(found.length, 1000);
  for (const key of beside.model.keys()) beside.remove(key);
  assert.equal(copied.count, 1000);
  const bytes = Buffer.from("k7");
  const ref = copied.find(copied.hash(bytes, 0, 2), bytes, 0, 2);
  copied.locate(ref);
  assert.equal(copied.bytes.latin1Slice(copied.start, copied.end), "v7");
});

test("graves give blocks back in slices, all of them, of many small values too", () => {
  const arena = new Arena();
  const usage = { bytes: 0 };
  const graves = new Graves();
  const make = (): ElementTable => {
    const table = new ElementTable({ arena, seed: 1, usage, segmentBytesMax: 4096 });
    for (let n = 0; n < 1000; n++) {
      const key = Buffer.from(`key${n}`);
      table.insert(table.hash(key, 0, key.length), key, 0, key.length, 4);
    }
    return table;
  };
  graves.bury(make());
  graves.buryAll([make(), null, make(), ...Array.from({ length: 50 }, () => null)]);
  let slices = 0;
  while (!graves.isEmpty) {
    assert.ok(graves.freeSome(10) <= 10);
    slices++;
  }
  assert.ok(slices > 6, `${slices} slices`);
  // One chunk of each size is kept.
  assert.ok(arena.bytes <= 6 * (1 << 18), `${arena.bytes} bytes are left`);
});
