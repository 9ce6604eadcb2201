/** Sets in memory beside a model, packed and large; integers in their order; where exactly a set becomes large, and no intset. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Arena, MemoryUse } from "../../../src/keyspace/arena.ts";
import { KeyUses } from "../../../src/keyspace/eviction/key-uses.ts";
import { keyspaceBounds } from "../../../src/keyspace/bounds.ts";
import { KeyContent } from "../../../src/keyspace/content.ts";
import { Graves } from "../../../src/keyspace/values/graves.ts";
import { compareIntegers, isInteger } from "../../../src/keyspace/values/integer-text.ts";
import { elementBytes, packedHeaderBytes } from "../../../src/keyspace/values/packed.ts";
import { orderedRefs, SetValues } from "../../../src/keyspace/values/set.ts";
import { Seeded } from "../../../sim/seeded.ts";

/** One set, used by strings. */
class OneSet {
  readonly sets = new SetValues(keyspaceBounds);
  readonly content = new KeyContent({
    seed: 1,
    memory: new MemoryUse(),
    uses: new KeyUses(),
    arena: new Arena(),
    bounds: keyspaceBounds,
    graves: new Graves(),
    buried() {},
  });
  entry = this.sets.create(this.content, Buffer.from("key"), 0, 3, 0);

  add(...members: (string | number)[]): boolean {
    let isNew = false;
    for (const member of members) {
      const bytes = Buffer.from(String(member), "latin1");
      isNew = this.sets.add(this.content, this.entry, 0, bytes, 0, bytes.length);
      this.entry = this.sets.entry;
    }
    return isNew;
  }

  has(member: string): boolean {
    const bytes = Buffer.from(member, "latin1");
    return this.sets.has(this.content, this.entry, bytes, 0, bytes.length);
  }

  remove(member: string | number): boolean {
    const bytes = Buffer.from(String(member), "latin1");
    const isThere = this.sets.remove(this.content, this.entry, bytes, 0, bytes.length);
    this.entry = this.sets.entry;
    return isThere;
  }

  remake(): boolean {
    return this.sets.remake(this.content, this.entry);
  }

  get isLarge(): boolean {
    return this.content.isLarge(this.entry);
  }

  get isIntset(): boolean {
    return this.sets.isIntset(this.content, this.entry);
  }

  get count(): number {
    return this.sets.count(this.content, this.entry);
  }

  /** In the order in which a client sees them; that of a large set which is no intset means nothing. */
  get members(): string[] {
    const { sets, content, entry } = this;
    const found: string[] = [];
    const large = sets.tableOf(content, entry);
    if (large === null) {
      sets.begin(content, entry);
      while (sets.next()) found.push(sets.bytes.latin1Slice(sets.start, sets.end));
      return found;
    }
    const refs: number[] = [];
    large.scan(0, Infinity, refs);
    for (const ref of this.isIntset ? orderedRefs(large) : refs) {
      large.locateKey(ref);
      found.push(large.bytes.latin1Slice(large.start, large.end));
    }
    return found;
  }
}

function inOrder(members: Iterable<string>): string[] {
  return [...members].toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
}

const integer = fc.oneof(
  fc.integer({ min: -30, max: 30 }).map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.constantFrom("9223372036854775807", "-9223372036854775808", "1000000000000000000", "-999"),
);
const text = fc.oneof(
  fc.nat({ max: 20 }).map((n) => `m${n}`),
  fc.constantFrom("", "00", "-0", "x".repeat(253), "y".repeat(254), "z".repeat(900)),
);

test("an integer is what redis would print, within 64 bits", () => {
  const isOne = (word: string): boolean => {
    // Behind other bytes, as in a request.
    const bytes = Buffer.from(`7${word}7`, "latin1");
    return isInteger(bytes, 1, bytes.length - 1);
  };
  for (const word of ["0", "1", "-1", "10", "9223372036854775807", "-9223372036854775808", "-9"])
    assert.ok(isOne(word), word);
  for (const word of [
    "",
    "-",
    "-0",
    "00",
    "01",
    "+1",
    "1.0",
    " 1",
    "1 ",
    "a",
    "1e3",
    "9223372036854775808",
    "-9223372036854775809",
    "10000000000000000000",
    "99999999999999999999",
  ])
    assert.ok(!isOne(word), word);
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }), (value) => {
      assert.equal(isOne(String(value)), BigInt.asIntN(64, value) === value);
    }),
  );
});

test("integers are compared as numbers", () => {
  fc.assert(
    fc.property(integer, integer, (a, b) => {
      const [one, other] = [Buffer.from(a), Buffer.from(b)];
      const order = compareIntegers(one, 0, one.length, other, 0, other.length);
      assert.equal(Math.sign(order), BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0);
    }),
  );
});

test("members are those of a model: integers in their order while there is nothing else, else as they came while packed", () => {
  const steps = (member: fc.Arbitrary<string>) =>
    fc.array(fc.tuple(member, fc.integer({ min: 0, max: 9 })), {
      minLength: 20,
      maxLength: 300,
      size: "max",
    });
  fc.assert(
    fc.property(fc.oneof(steps(integer), steps(fc.oneof({ weight: 6, arbitrary: integer }, text))), (all) => {
      const one = new OneSet();
      const model = new Set<string>();
      let isIntset = true;
      for (const [member, choice] of all) {
        if (choice < 3) assert.equal(one.remove(member), model.delete(member));
        else if (choice === 3) {
          const isDone = one.remake();
          const becomes: boolean = !isIntset && [...model].every((each) => /^(0|-?[1-9]\d*)$/.test(each));
          assert.equal(isDone, becomes);
          isIntset ||= becomes;
        } else {
          isIntset &&= /^(0|-?[1-9]\d*)$/.test(member);
          assert.equal(one.add(member), !model.has(member));
          model.add(member);
        }
        assert.equal(one.isIntset, isIntset);
        assert.equal(one.count, model.size);
        if (isIntset) assert.deepEqual(one.members, inOrder(model));
      }
      for (const member of model) assert.ok(one.has(member));
      assert.ok(!one.has("none"));
      assert.deepEqual(one.members.toSorted(), [...model].toSorted());
    }),
    { numRuns: 200, endOnFailure: true },
  );
});

test("128 members are packed, 129 are not, and it stays so", () => {
  const one = new OneSet();
  for (let n = 0; n < 128; n++) assert.equal(one.add(`m${n}`), true);
  assert.equal(one.add("m5"), false);
  assert.equal(one.isLarge, false);
  assert.equal(one.add("m128"), true);
  assert.equal(one.isLarge, true);
  for (let n = 2; n < 129; n++) assert.equal(one.remove(`m${n}`), true);
  assert.equal(one.isLarge, true);
  assert.deepEqual(one.members.toSorted(), ["m0", "m1"]);
});

test("4,096 bytes are packed, one more is not", () => {
  const first = elementBytes(3000);
  const second = 4096 - packedHeaderBytes - first - 3;
  for (const more of [0, 1]) {
    const one = new OneSet();
    one.add("v".repeat(3000), "w".repeat(second + more));
    assert.equal(one.isLarge, more === 1);
    assert.equal(one.count, 2);
  }
});

test("512 integers are an intset, 513 are none, and fewer are one again only when redis makes the set anew", () => {
  const one = new OneSet();
  for (let n = 512; n > 0; n--) one.add(n);
  assert.equal(one.isIntset, true);
  assert.equal(one.isLarge, true);
  assert.deepEqual(
    one.members,
    Array.from({ length: 512 }, (_, i) => String(i + 1)),
  );
  assert.equal(one.add(512), false);
  assert.equal(one.isIntset, true);
  one.add(-1);
  assert.equal(one.isIntset, false);
  assert.equal(one.remake(), false);
  one.remove(-1);
  assert.equal(one.isIntset, false);
  assert.equal(one.remake(), true);
  assert.equal(one.isIntset, true);
});

test("each member is picked as often as any other, packed and large", () => {
  for (const count of [7, 128, 1000]) {
    const one = new OneSet();
    for (let n = 0; n < count; n++) one.add(`m${n}`);
    const random = new Seeded(count);
    const times = new Map<string, number>();
    const draws = count * 400;
    for (let i = 0; i < draws; i++) {
      const { sets } = one;
      sets.pick(one.content, one.entry, random);
      const member = sets.bytes.latin1Slice(sets.start, sets.end);
      times.set(member, (times.get(member) ?? 0) + 1);
    }
    assert.equal(times.size, count);
    // Chi-square: its mean is count - 1, its deviation the root of twice that.
    let sum = 0;
    for (const found of times.values()) sum += (found - 400) ** 2 / 400;
    assert.ok(Math.abs(sum - count) < 6 * Math.sqrt(2 * count), `${count}: ${sum}`);
  }
});

test("a large set takes less than 45 bytes a member, small ones less than 75 each", () => {
  const large = new OneSet();
  for (let n = 0; n < 200_000; n++) large.add(`member:${n}`);
  const held = large.content.elementsOf(large.entry).heldBytes;
  assert.ok(held < 45 * 200_000, `${held / 200_000} bytes a member`);
  const one = new OneSet();
  const keys = 100_000;
  for (let n = 0; n < keys; n++) {
    const key = Buffer.from(`s:${n}`);
    one.entry = one.sets.create(one.content, key, 0, key.length, 0);
    one.add(n, n + 1, 42);
  }
  assert.ok(one.content.table.arenaBytes < 75 * keys, `${one.content.table.arenaBytes / keys} bytes each`);
});
