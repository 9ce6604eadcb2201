/**
 * Sorted sets in memory beside a sorted array, packed and large, under random operations; the tree's nodes are checked as a whole
 * now and then. Where exactly a sorted set becomes large, what is said of it as redis would, and what it takes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Arena, MemoryUse } from "../../../src/keyspace/arena.ts";
import { KeyUses } from "../../../src/keyspace/eviction/key-uses.ts";
import { type KeyspaceBounds, keyspaceBounds } from "../../../src/keyspace/bounds.ts";
import { KeyContent } from "../../../src/keyspace/content.ts";
import { beyondListpack } from "../../../src/keyspace/value-type.ts";
import { Graves } from "../../../src/keyspace/values/graves.ts";
import { elementBytes, packedHeaderBytes } from "../../../src/keyspace/values/packed.ts";
import { SortedSetValues } from "../../../src/keyspace/values/sorted/sorted-set.ts";
import type { Edge } from "../../../src/keyspace/values/sorted/score-tree.ts";
import { Seeded } from "../../../sim/seeded.ts";

type Member = readonly [name: string, score: number];

function less([a, x]: Member, [b, y]: Member): number {
  return x - y || (a < b ? -1 : a > b ? 1 : 0);
}

/** One sorted set, used by strings, and the same in an array. */
class OneSet {
  readonly arena = new Arena();
  readonly graves = new Graves();
  readonly sets: SortedSetValues;
  readonly content: KeyContent;
  readonly scores = new Map<string, number>();
  entry: number;

  constructor(bounds: KeyspaceBounds = keyspaceBounds) {
    this.sets = new SortedSetValues(bounds);
    this.content = new KeyContent({
      seed: 1,
      memory: new MemoryUse(),
      uses: new KeyUses(),
      arena: this.arena,
      bounds,
      graves: this.graves,
      buried() {},
    });
    this.entry = this.sets.create(this.content, Buffer.from("key"), 0, 3, 0);
  }

  set(name: string, score: number): void {
    const bytes = Buffer.from(name);
    const isNew = this.sets.set(this.content, this.entry, 0, score, bytes, 0, bytes.length);
    assert.equal(isNew, !this.scores.has(name));
    this.entry = this.sets.entry;
    this.scores.set(name, score);
  }

  remove(name: string): void {
    const bytes = Buffer.from(name);
    const isThere = this.sets.remove(this.content, this.entry, bytes, 0, bytes.length);
    this.entry = this.sets.entry;
    assert.equal(isThere, this.scores.delete(name));
  }

  /** As ZREMRANGEBYRANK and ZPOPMIN do. */
  removeRank(rank: number): void {
    this.sets.seek(this.content, this.entry, rank);
    assert.ok(this.sets.next());
    this.scores.delete(this.found[0]);
    this.sets.removeFound(this.content, this.entry);
    this.entry = this.sets.entry;
  }

  get found(): Member {
    const { bytes, start, end, score } = this.sets;
    return [bytes.latin1Slice(start, end), score];
  }

  walk(rank: number, isReverse: boolean): Member[] {
    const all: Member[] = [];
    this.sets.seek(this.content, this.entry, rank, isReverse);
    while (this.sets.next()) all.push(this.found);
    return all;
  }

  rankOf(name: string): number {
    const bytes = Buffer.from(name);
    return this.sets.rankOf(this.content, this.entry, bytes, 0, bytes.length);
  }

  get isLarge(): boolean {
    return this.content.isLarge(this.entry);
  }

  get isBeyondListpack(): boolean {
    return (this.content.table.typeWord(this.entry) & beyondListpack) !== 0;
  }

  get sorted(): Member[] {
    return [...this.scores].toSorted(less);
  }

  check(random: Seeded): void {
    const { sets, content, entry, sorted } = this;
    assert.equal(sets.count(content, entry), sorted.length);
    sets.largeOf(content, entry)?.tree.assertSound();
    assert.deepEqual(this.walk(0, false), sorted);
    const from = random.below(sorted.length + 2);
    assert.deepEqual(this.walk(from, false), sorted.slice(from));
    assert.deepEqual(this.walk(sorted.length - 1, true), sorted.toReversed());
    if (from < sorted.length) assert.deepEqual(this.walk(from, true), sorted.slice(0, from + 1).toReversed());
    for (let i = 0; i < 20 && sorted.length > 0; i++) {
      const rank = random.below(sorted.length);
      const [name, score] = sorted[rank]!;
      assert.equal(this.rankOf(name), rank);
      assert.equal(sets.score, score);
      const bytes = Buffer.from(name);
      assert.ok(sets.find(content, entry, bytes, 0, bytes.length));
      assert.equal(sets.score, score);
      for (const at of [score, score + 0.5, -Infinity, Infinity]) {
        const edges: [Edge, (s: number) => boolean][] = [
          ["before", (s) => s < at],
          ["behind", (s) => s <= at],
        ];
        for (const [edge, isBelow] of edges)
          assert.equal(
            sets.rankOfScore(content, entry, at, edge),
            sorted.filter(([, s]) => isBelow(s)).length,
          );
      }
      const place: Member = [`${name}x`.slice(random.below(2)), score];
      const other = { score, bytes: Buffer.from(place[0]) };
      for (const [edge, most] of [
        ["before", -1],
        ["behind", 0],
      ] as const)
        assert.equal(
          sets.rankOfPlace(content, entry, other, edge),
          sorted.filter((member) => Math.sign(less(member, place)) <= most).length,
        );
    }
    assert.equal(this.rankOf("none"), -1);
  }
}

const name = fc.oneof(
  fc.nat({ max: 30 }).map((n) => `m${n}`),
  fc.nat({ max: 3000 }).map((n) => `member:${n}`),
  fc.constantFrom("", "a", "ab", "x".repeat(64), "y".repeat(65), "z".repeat(253), "w".repeat(254)),
);
const score = fc.oneof(
  fc.nat({ max: 5 }),
  fc.double({ noNaN: true }).map((n) => n + 0),
  fc.integer(),
  fc.constantFrom(Infinity, -Infinity),
);
const small: KeyspaceBounds = {
  ...keyspaceBounds,
  packedCountMax: 4,
  packedBytesMax: 200,
  segmentBytesMax: 1024,
};

for (const [kind, bounds] of [
  ["packed", keyspaceBounds],
  ["large", small],
] as const)
  test(`members are those of a sorted array, ${kind}`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.option(score)), { minLength: 20, maxLength: 120, size: "max" }),
        fc.nat(),
        (steps, seed) => {
          const one = new OneSet(bounds);
          const random = new Seeded(seed);
          for (const [i, [member, at]] of steps.entries()) {
            if (at !== null) one.set(member, at);
            else if (i % 3 === 0 && one.scores.size > 0) one.removeRank(random.below(one.scores.size));
            else one.remove(member);
            if (i % 10 === 0) one.check(random);
          }
          one.check(random);
        },
      ),
      { numRuns: 100, endOnFailure: true },
    );
  });

test("a tree of several levels grows, shrinks and is emptied, at random and from its ends", () => {
  for (const [seed, scoreOf] of [
    [1, (random: Seeded) => random.next()],
    [2, (random: Seeded) => random.below(3)],
    [3, (_: Seeded, n: number) => n],
    [4, (_: Seeded, n: number) => 0 - n],
    [5, () => 0],
  ] as const) {
    const random = new Seeded(seed);
    const one = new OneSet(small);
    const members = 7000;
    for (let n = 0; n < members; n++) one.set(`member:${n}`, scoreOf(random, n));
    const { tree } = one.sets.largeOf(one.content, one.entry)!;
    one.check(random);
    for (let n = 0; n < members; n++) one.set(`member:${random.below(members)}`, scoreOf(random, n));
    one.check(random);
    const full = tree.leafCount;
    for (let n = 0; n < members * 3; n++) {
      const [first] = one.scores;
      if (n % 3 === 0 && first !== undefined && one.scores.size > members / 10) one.remove(first[0]);
      else if (n % 3 === 1) one.remove(`member:${(n * 7) % members}`);
      else if (one.scores.size > members / 10)
        one.removeRank([0, one.scores.size - 1, random.below(one.scores.size)][(n % 5) % 3]!);
      if (n % 5000 === 4999) one.check(random);
    }
    one.check(random);
    assert.ok(tree.leafCount < full, "leaves join");
    assert.ok(
      tree.leafCount * 17 <= one.scores.size + 100,
      `${tree.leafCount} leaves for ${one.scores.size}`,
    );
    while (one.scores.size > 0) one.removeRank(random.below(one.scores.size));
    tree.assertSound();
    assert.equal(tree.leafCount, 0);
    for (let n = 0; n < 300; n++) one.set(`again:${n}`, scoreOf(random, n));
    one.check(random);
  }
});

test("names between bounds: where all scores are the same, and as redis walks a small set where they are not", () => {
  for (const bounds of [keyspaceBounds, small]) {
    const one = new OneSet(bounds);
    const names = Array.from({ length: 60 }, (_, i) => `n${(i * 7) % 100}`.padEnd(1 + (i % 4), "q"));
    for (const each of names) one.set(each, 1);
    const { sorted } = one;
    const bound = fc.option(
      fc.record({
        bytes: fc.constantFrom(...names, "", "n", "n5", "zz").map((text) => Buffer.from(text)),
        isExclusive: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(bound, bound, fc.boolean(), (min, max, isReverse) => {
        const wanted = sorted.filter(([text]) => {
          const low = min === null ? 1 : Buffer.from(text).compare(min.bytes);
          const high = max === null ? -1 : Buffer.from(text).compare(max.bytes);
          return low >= (min?.isExclusive ? 1 : 0) && high <= (max?.isExclusive ? -1 : 0);
        });
        const [from, to] = one.sets.namesBetween(one.content, one.entry, { min, max }, isReverse);
        assert.deepEqual(sorted.slice(from, to), wanted);
      }),
    );
  }
});

test("128 members are packed, 129 are not, and it stays so; redis's listpack ends there too, and at 64 bytes", () => {
  const one = new OneSet();
  for (let n = 0; n < 128; n++) one.set(`m${n}`, n);
  one.set("m5", 500);
  assert.equal(one.isLarge, false);
  assert.equal(one.isBeyondListpack, false);
  one.set("m128", 1);
  assert.equal(one.isLarge, true);
  assert.equal(one.isBeyondListpack, true);
  assert.equal(one.content.values.count, 1);
  for (let n = 2; n < 129; n++) one.remove(`m${n}`);
  assert.equal(one.isLarge, true);
  assert.deepEqual(one.walk(0, false), [
    ["m0", 0],
    ["m1", 1],
  ]);
  for (const size of [64, 65]) {
    const other = new OneSet();
    other.set("m".repeat(size), 1);
    assert.equal(other.isBeyondListpack, size === 65);
    other.set("short", 1);
    other.remove("m".repeat(size));
    assert.equal(other.isBeyondListpack, size === 65);
  }
});

test("4,096 bytes are packed, one more is not", () => {
  const rest = 4096 - packedHeaderBytes - 2 * 8 - elementBytes(3000) - 3;
  for (const more of [0, 1]) {
    const one = new OneSet();
    one.set("a".repeat(3000), 1);
    one.set("b".repeat(rest + more), 2);
    assert.equal(one.isLarge, more === 1);
    assert.equal(one.scores.size, 2);
    one.check(new Seeded(1));
  }
});

test("a copy has the same members in memory of its own, and both are given back whole", () => {
  const one = new OneSet(small);
  const random = new Seeded(7);
  for (let n = 0; n < 5000; n++) one.set(`member:${n}`, random.below(100));
  for (let n = 0; n < 5000; n += 3) one.remove(`member:${n}`);
  const large = one.sets.largeOf(one.content, one.entry)!;
  const copy = large.copy({ bytes: 0 });
  copy.tree.assertSound();
  const { sorted } = one;
  for (let n = 1; n < 5000; n += 3) one.remove(`member:${n}`);
  one.check(random);
  copy.tree.assertSound();
  copy.tree.seek(0);
  for (const [member, at] of sorted) {
    assert.ok(copy.tree.next());
    copy.elements.locateKey(copy.tree.ref);
    const { bytes, start, end } = copy.elements;
    assert.deepEqual([bytes.latin1Slice(start, end), copy.tree.score], [member, at]);
  }
  one.content.remove(one.entry);
  one.graves.bury(copy);
  while (one.graves.freeSome(7) > 0);
  // One chunk of each size stays.
  assert.ok(one.arena.bytes <= 12 << 18, `${one.arena.bytes} bytes`);
});

test("200,000 members take less than 70 bytes each, in any order; small sets less than redis's listpacks", () => {
  for (const isRandom of [true, false]) {
    const one = new OneSet();
    const random = new Seeded(3);
    for (let n = 0; n < 200_000; n++) one.set(`member:${n}`, isRandom ? random.next() : n);
    const { heldBytes } = one.sets.largeOf(one.content, one.entry)!;
    assert.ok(heldBytes < 70 * 200_000, `${heldBytes / 200_000} bytes a member`);
  }
});
