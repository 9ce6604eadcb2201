/**
 * The cleaner's promise: once `rewriteBelow(P)` has come to its end, the records from position P on give all keys again, with
 * their expiries, whatever clients did between its slices. Here the journal is a list of what the keyspace hands over, so
 * that the slices and the changes meet in every order.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Broker } from "../../../src/broker/broker.ts";
import { keyspaceBounds } from "../../../src/keyspace/bounds.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { beyondIntset, beyondListpack, valueType } from "../../../src/keyspace/value-type.ts";
import { SetBuild } from "../../../src/keyspace/values/set-build.ts";
import { SortedSetBuild } from "../../../src/keyspace/values/sorted/sorted-set-build.ts";
import { dumpDatabase } from "../../support/keyspace-dump.ts";

const databasesUsed = 3;
const bounds = {
  packedCountMax: 3,
  packedBytesMax: 200,
  segmentBytesMax: 1024,
  rewriteBytes: 300,
  rewriteLooks: 3,
};
/** Ages of entries are in mebibytes: here a frame is as far from the next one as that. */
const frameDistance = 2 ** 20;

/** A keyspace whose journal is a list. */
class Journal {
  readonly keyspace: Keyspace;
  frames: { position: number; bytes: Buffer }[] = [];
  pending = 0;
  tickEnds: (() => void)[] = [];
  bytesWritten = 0;
  #build: SetBuild | null = null;
  #sortedBuild: SortedSetBuild | null = null;

  constructor(keyspaceBoundsWanted = bounds) {
    this.keyspace = new Keyspace(99, keyspaceBoundsWanted);
    this.keyspace.start(this.#broker());
  }

  #broker(): Broker {
    const pending = (): number => this.pending;
    return {
      storage: {
        journal: {},
        get pending() {
          return pending();
        },
        flushSource: () => this.flush(),
      },
      timers: {
        after: () => ({ cancel() {} }),
        atTickEnd: (action: () => void) => void this.tickEnds.push(action),
      },
      clock: { now: () => 1000 },
    } as unknown as Broker;
  }

  flush(): void {
    const { changes } = this.keyspace;
    if (changes.length === 0) return;
    this.frames.push({ position: this.pending, bytes: changes.copy() });
    this.bytesWritten += changes.length;
    this.pending += frameDistance;
    changes.reset();
  }

  /** What a start finds when all below `position` is gone. */
  restartedAt(position: number): Keyspace {
    const keyspace = new Keyspace(99, bounds);
    for (const frame of this.frames) {
      if (frame.position >= position) keyspace.replayed(frame.bytes, 0, frame.bytes.length, frame.position);
    }
    keyspace.start(this.#broker());
    return keyspace;
  }

  entry(number: number, name: string): number {
    const bytes = Buffer.from(name);
    return this.keyspace.databases[number]!.find(bytes, 0, bytes.length);
  }

  setFields(number: number, name: string, fields: readonly (readonly [string, string])[]): void {
    const database = this.keyspace.databases[number]!;
    const key = Buffer.from(name);
    let entry = this.entry(number, name);
    if (entry !== 0 && database.table.type(entry) !== valueType.hash) {
      database.remove(entry);
      entry = 0;
    }
    database.hash.open(entry === 0 ? database.createHash(key, 0, key.length) : entry);
    for (const [field, value] of fields) {
      const [a, b] = [Buffer.from(field), Buffer.from(value)];
      database.hash.set(a, 0, a.length, b, 0, b.length);
    }
    database.hash.close();
  }

  addMembers(number: number, name: string, members: readonly string[]): void {
    const database = this.keyspace.databases[number]!;
    const key = Buffer.from(name);
    let entry = this.entry(number, name);
    if (entry !== 0 && database.table.type(entry) !== valueType.set) {
      database.remove(entry);
      entry = 0;
    }
    database.set.open(entry === 0 ? database.createSet(key, 0, key.length) : entry);
    eachMember(members, (...member) => database.set.add(...member));
    database.set.close();
  }

  removeMembers(number: number, name: string, members: readonly string[], isRemade: boolean): void {
    const { set, table, content } = this.keyspace.databases[number]!;
    const entry = this.entry(number, name);
    if (entry === 0 || table.type(entry) !== valueType.set) return;
    set.open(entry);
    eachMember(members, (...member) => set.remove(...member));
    if (isRemade && this.keyspace.sets.count(content, this.entry(number, name)) > 0) set.remake();
    set.close();
  }

  /** Goes on with a set that is made aside. */
  build(added: readonly string[], removed: readonly string[]): void {
    const build = (this.#build ??= new SetBuild(this.keyspace, "stored"));
    eachMember(added, (...member) => build.add(...member));
    eachMember(removed, (...member) => build.remove(...member));
    build.pause();
  }

  moveBuild(number: number, name: string): void {
    const build = this.#build;
    this.#build = null;
    if (build === null) return;
    const key = Buffer.from(name);
    if (build.count === 0 || number < 0) build.drop();
    else build.moveTo(this.keyspace.databases[number]!, key, 0, key.length);
  }

  setScores(number: number, name: string, scores: readonly (readonly [string, number])[]): void {
    const database = this.keyspace.databases[number]!;
    const key = Buffer.from(name);
    let entry = this.entry(number, name);
    if (entry !== 0 && database.table.type(entry) !== valueType.sortedSet) {
      database.remove(entry);
      entry = 0;
    }
    database.sortedSet.open(entry === 0 ? database.createSortedSet(key, 0, key.length) : entry);
    for (const [each, score] of scores) database.sortedSet.set(score, Buffer.from(each), 0, each.length);
    database.sortedSet.close();
  }

  /** By name, or the first few by rank. */
  removeScored(number: number, name: string, names: readonly string[], isByRank: boolean): void {
    const { sortedSet, table, content } = this.keyspace.databases[number]!;
    const entry = this.entry(number, name);
    if (entry === 0 || table.type(entry) !== valueType.sortedSet) return;
    const { sortedSets } = this.keyspace;
    sortedSet.open(entry);
    if (!isByRank) eachMember(names, (...each) => sortedSet.remove(...each));
    for (let left = names.length; isByRank && left > 0; left--) {
      sortedSets.seek(content, sortedSet.entry, 0);
      if (sortedSets.next()) sortedSet.removeFound();
    }
    sortedSet.close();
  }

  /** Goes on with a sorted set that is made aside, or puts it under a key. */
  buildSorted(scores: readonly (readonly [string, number])[]): void {
    const build = (this.#sortedBuild ??= new SortedSetBuild(this.keyspace, "stored", "skiplist"));
    for (const [each, score] of scores) build.set(score, Buffer.from(each), 0, each.length);
    build.pause();
  }

  moveSorted(number: number, name: string): void {
    const build = this.#sortedBuild;
    this.#sortedBuild = null;
    if (build === null) return;
    const key = Buffer.from(name);
    if (number < 0) build.drop();
    else build.moveTo(this.keyspace.databases[number]!, key, 0, key.length);
  }

  removeFields(number: number, name: string, fields: readonly string[]): void {
    const database = this.keyspace.databases[number]!;
    const entry = this.entry(number, name);
    if (entry === 0 || database.table.type(entry) !== valueType.hash) return;
    database.hash.open(entry);
    for (const field of fields) database.hash.remove(Buffer.from(field), 0, field.length);
    database.hash.close();
  }
}

function eachMember(
  members: readonly string[],
  use: (member: Buffer, start: number, end: number) => void,
): void {
  for (const member of members) use(Buffer.from(member), 0, member.length);
}

function assertSame(found: Keyspace, wanted: Keyspace): void {
  for (let number = 0; number < databasesUsed; number++) {
    const [one, other] = [found.databases[number]!, wanted.databases[number]!];
    const dump = dumpDatabase(found, one);
    assert.deepEqual(dump, dumpDatabase(wanted, other), `database ${number}`);
    for (const name of dump.keys()) {
      const bytes = Buffer.from(name);
      const [a, b] = [one, other].map((each) => each.table.typeWord(each.find(bytes, 0, bytes.length)));
      const flags = beyondListpack | beyondIntset;
      assert.equal(a! & flags, b! & flags, name);
    }
  }
}

const anyDatabase = fc.nat({ max: databasesUsed - 1 });
const key = fc.nat({ max: 9 }).map((n) => `key${n}`);
const field = fc.nat({ max: 30 }).map((n) => `field${n}`);
const member = fc.oneof(
  fc.integer({ min: -30, max: 30 }).map(String),
  fc.nat({ max: 30 }).map((n) => `member${n}`),
);
/** Often integers alone. */
const members = fc.oneof(
  fc.array(member, { minLength: 1, maxLength: 20 }),
  fc.array(fc.integer({ min: -30, max: 30 }).map(String), { minLength: 1, maxLength: 20 }),
);
const scored = fc.array(fc.tuple(member, fc.integer({ min: -9, max: 9 })), { minLength: 1, maxLength: 20 });
const value = fc.nat({ max: 90 }).map((n) => "v".repeat(n));

type Step = (journal: Journal) => void;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 50,
    arbitrary: fc
      .tuple(anyDatabase, key, fc.array(fc.tuple(field, value), { minLength: 1, maxLength: 20 }))
      .map(
        ([n, k, all]): Step =>
          (journal) =>
            journal.setFields(n, k, all),
      ),
  },
  {
    weight: 30,
    arbitrary: fc.tuple(anyDatabase, key, fc.array(field, { minLength: 1, maxLength: 20 })).map(
      ([n, k, all]): Step =>
        (journal) =>
          journal.removeFields(n, k, all),
    ),
  },
  {
    weight: 50,
    arbitrary: fc.tuple(anyDatabase, key, members).map(
      ([n, k, all]): Step =>
        (journal) =>
          journal.addMembers(n, k, all),
    ),
  },
  {
    weight: 30,
    arbitrary: fc.tuple(anyDatabase, key, members, fc.boolean()).map(
      ([n, k, all, isRemade]): Step =>
        (journal) =>
          journal.removeMembers(n, k, all, isRemade),
    ),
  },
  {
    weight: 50,
    arbitrary: fc.tuple(anyDatabase, key, scored).map(
      ([n, k, all]): Step =>
        (journal) =>
          journal.setScores(n, k, all),
    ),
  },
  {
    weight: 30,
    arbitrary: fc
      .tuple(anyDatabase, key, fc.array(member, { minLength: 1, maxLength: 20 }), fc.boolean())
      .map(
        ([n, k, all, isByRank]): Step =>
          (journal) =>
            journal.removeScored(n, k, all, isByRank),
      ),
  },
  {
    weight: 20,
    arbitrary: scored.map(
      (all): Step =>
        (journal) =>
          journal.buildSorted(all),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.integer({ min: -1, max: databasesUsed - 1 }), key).map(
      ([n, k]): Step =>
        (journal) =>
          journal.moveSorted(n, k),
    ),
  },
  {
    weight: 20,
    arbitrary: fc.tuple(members, members).map(
      ([added, removed]): Step =>
        (journal) =>
          journal.build(added, removed.slice(0, 3)),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.integer({ min: -1, max: databasesUsed - 1 }), key).map(
      ([n, k]): Step =>
        (journal) =>
          journal.moveBuild(n, k),
    ),
  },
  {
    weight: 40,
    arbitrary: fc
      .tuple(fc.constantFrom<"copyTo" | "renameTo">("copyTo", "renameTo"), anyDatabase, key, anyDatabase, key)
      .map(([how, n, k, m, l]): Step => (journal) => {
        const entry = journal.entry(n, k);
        if (entry === 0 || (n === m && k === l)) return;
        const bytes = Buffer.from(l);
        const { databases } = journal.keyspace;
        databases[n]![how](entry, databases[m]!, bytes, 0, bytes.length);
      }),
  },
  {
    weight: 30,
    arbitrary: fc
      .tuple(anyDatabase, key, fc.constantFrom(0, 5000, 9000))
      .map(([n, k, at]): Step => (journal) => {
        const entry = journal.entry(n, k);
        if (entry !== 0) journal.keyspace.databases[n]!.setExpiry(entry, at);
      }),
  },
  {
    weight: 10,
    arbitrary: fc.tuple(anyDatabase, key, value).map(([n, k, text]): Step => (journal) => {
      const [name, bytes] = [Buffer.from(k), Buffer.from(text)];
      journal.keyspace.databases[n]!.put(name, 0, name.length, bytes, 0, bytes.length, 0);
    }),
  },
  {
    weight: 10,
    arbitrary: fc.tuple(anyDatabase, key).map(([n, k]): Step => (journal) => {
      const entry = journal.entry(n, k);
      if (entry !== 0) journal.keyspace.databases[n]!.remove(entry);
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(anyDatabase, anyDatabase).map(
      ([a, b]): Step =>
        (journal) =>
          journal.keyspace.swap(a, b),
    ),
  },
  {
    weight: 1,
    arbitrary: anyDatabase.map(
      (n): Step =>
        (journal) =>
          journal.keyspace.flush(n),
    ),
  },
  { weight: 30, arbitrary: fc.constant<Step>((journal) => journal.flush()) },
);

const steps = (least: number) => fc.array(step, { minLength: least, maxLength: 2 * least, size: "max" });

test("what stands from a position on is enough once the cleaner has come to its end", () => {
  fc.assert(
    fc.property(
      steps(60),
      steps(150),
      fc.nat({ max: 99 }),
      fc.nat({ max: 4 }),
      (before, meanwhile, where, slicesFirst) => {
        const journal = new Journal();
        for (const apply of before) apply(journal);
        journal.flush();
        const position = Math.floor((journal.pending * where) / 100 / frameDistance) * frameDistance;
        let isMore = true;
        for (const [i, apply] of meanwhile.entries()) {
          if (isMore && i % (slicesFirst + 1) === 0) isMore = journal.keyspace.rewriteBelow(position);
          apply(journal);
        }
        for (let slices = 0; isMore; slices++) {
          assert.ok(slices < 5000, "the cleaner does not come to an end");
          isMore = journal.keyspace.rewriteBelow(position);
        }
        journal.flush();
        assertSame(journal.restartedAt(0), journal.keyspace);
        assertSame(journal.restartedAt(position), journal.keyspace);
        // And once more, over what was written again.
        const next = journal.pending;
        while (journal.keyspace.rewriteBelow(next));
        assertSame(journal.restartedAt(next), journal.keyspace);
        // What was being made all the time is put under its key.
        journal.moveBuild(0, "late");
        journal.flush();
        assertSame(journal.restartedAt(next), journal.keyspace);
      },
    ),
    { numRuns: 150, endOnFailure: true },
  );
});

test("a hash of many fields is written again in slices of bounded size; others are written in between", () => {
  const journal = new Journal({ ...bounds, rewriteBytes: 4096, segmentBytesMax: 4096, rewriteLooks: 100 });
  const fields = 20_000;
  for (let n = 0; n < fields; n += 100) {
    journal.setFields(
      0,
      "big",
      Array.from({ length: 100 }, (_, i) => [`field${n + i}`, "v".repeat(20)] as const),
    );
    journal.flush();
  }
  const position = journal.pending;
  let slices = 0;
  let largest = 0;
  for (let isMore = true; isMore; slices++) {
    const before = journal.bytesWritten;
    isMore = journal.keyspace.rewriteBelow(position);
    largest = Math.max(largest, journal.bytesWritten - before);
    // Somebody else has their turn.
    journal.setFields(1, `other${slices % 10}`, [["f", String(slices)]]);
    journal.flush();
  }
  assert.ok(slices > 100, `${slices} slices`);
  // A slice ends behind the segment that fills it.
  assert.ok(largest < 3 * 4096, `${largest} bytes in one slice`);
  assert.ok(journal.bytesWritten > 0);
  assertSame(journal.restartedAt(position), journal.keyspace);
});

test("a large value that is dropped gives its blocks back in turns, and nothing of it is left", () => {
  const journal = new Journal({ ...keyspaceBounds, segmentBytesMax: 1024 });
  const { keyspace } = journal;
  for (const name of ["one", "two"]) {
    for (let n = 0; n < 200_000; n += 1000)
      journal.setFields(
        0,
        name,
        Array.from({ length: 1000 }, (_, i) => [`field${n + i}`, "value"] as const),
      );
  }
  const database = keyspace.databases[0]!;
  const held = keyspace.arena.bytes;
  database.remove(journal.entry(0, "one"));
  assert.equal(database.content.values.count, 1);
  assert.equal(keyspace.arena.bytes, held);
  keyspace.flush(0);
  let turns = 0;
  for (let least = held; journal.tickEnds.length > 0; turns++) {
    assert.equal(journal.tickEnds.length, 1);
    journal.tickEnds.pop()!();
    assert.ok(keyspace.arena.bytes <= least);
    least = keyspace.arena.bytes;
  }
  assert.ok(turns >= 5, `${turns} turns`);
  assert.ok(keyspace.graves.isEmpty);
  assert.ok(keyspace.arena.bytes <= 3 * (1 << 18), `${keyspace.arena.bytes} of ${held} bytes`);
  assert.equal(keyspace.liveBytes, 0);
});
