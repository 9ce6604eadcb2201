/**
 * The keyspace, strings, hashes, sets and sorted sets, beside a plain map: random changes, ticks, expiries, kills and power cuts over a disk in memory that is
 * small enough for the cleaner to be at work. After a kill the last tick is found, exactly; after a power cut a tick that
 * is not older than the durable watermark.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock, Timers } from "../../../src/base/clock.ts";
import { Logger } from "../../../src/base/logger.ts";
import { setSizes } from "../../../src/base/sizes.ts";
import { Broker } from "../../../src/broker/broker.ts";
import type { KeyspaceBounds } from "../../../src/keyspace/bounds.ts";
import { keepExpiry } from "../../../src/keyspace/database.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { valueType } from "../../../src/keyspace/value-type.ts";
import { SetBuild } from "../../../src/keyspace/values/set-build.ts";
import {
  dumpDatabase,
  expiryOfText,
  hashOfText,
  scoresOfText,
  setOfText,
  textOfHash,
  textOfScores,
  textOfSet,
  withExpiry,
} from "../../support/keyspace-dump.ts";
import { SimDisk, seeded } from "../../../sim/disk.ts";

// The sweep has never passed all keys.
const smallSizes = { sweepKeysMin: 3 };

const databasesUsed = 3;
const journalBytesMax = 1 << 17;

/** So small that hashes become large, and large ones have several segments, all the time. */
const bounds = {
  packedCountMax: 6,
  packedBytesMax: 400,
  segmentBytesMax: 1024,
  rewriteBytes: 3000,
  rewriteLooks: 60,
};
/** And the cleaner passes the keyspace in many slices. */
const slowBounds = { ...bounds, rewriteLooks: 40 };

interface ModelValue {
  /** Of a hash: see `textOfHash`. */
  value: string;
  expiry: number;
}
type Model = Map<string, ModelValue>[];

function copyOf(model: Model): Model {
  return model.map((keys) => new Map([...keys].map(([key, value]) => [key, { ...value }])));
}

/** A process: what dies in a crash. */
class Run {
  readonly broker: Broker;
  readonly keyspace: Keyspace;
  /** A set that is being made aside. */
  build: { readonly set: SetBuild; readonly members: Set<string> } | null = null;

  constructor(broker: Broker, keyspace: Keyspace) {
    this.broker = broker;
    this.keyspace = keyspace;
  }
}

class World implements Clock {
  readonly disk: SimDisk;
  time = 1_000_000;
  model: Model = Array.from({ length: databasesUsed }, () => new Map());
  /** What each tick that was written left, with where it ended. */
  moments: { position: number; model: Model }[] = [];
  run!: Run;
  #tickEnd: (() => void)[] = [];
  #timers: { at: number; action: () => void }[] = [];
  filesDeleted = 0;

  readonly #bounds: KeyspaceBounds;

  constructor(seed: number, keyspaceBounds: KeyspaceBounds = bounds) {
    this.#bounds = keyspaceBounds;
    this.disk = new SimDisk(seeded(seed));
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  async open(): Promise<void> {
    this.#tickEnd = [];
    this.#timers = [];
    const timers: Timers = {
      after: (delayMs, action) => {
        const timer = { at: this.time + delayMs, action };
        this.#timers.push(timer);
        return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
      },
      atTickEnd: (action) => void this.#tickEnd.push(action),
    };
    const keyspace = new Keyspace(12_345, this.#bounds);
    const opening = Broker.open({
      disk: this.disk,
      directory: "d",
      clock: this,
      timers,
      random: { below: (bound) => bound - 1, bytes: (size) => new Uint8Array(size) },
      logger: new Logger({ level: "error", clock: this, sink: () => {} }),
      sources: [keyspace],
      journalBytesMax,
      memoryBytesMax: 0,
      redisStreamsDurability: "written",
      kafkaDurability: "fsync",
      onFatal: (error) => {
        throw error;
      },
    });
    let isOpen = false;
    void opening.finally(() => (isOpen = true));
    while (!isOpen) await this.disk.step();
    const broker = await opening;
    keyspace.start(broker);
    assert.equal(keyspace.scratch.size, 0, "what was not finished is dropped");
    this.run = new Run(broker, keyspace);
  }

  /** The end of a turn, and a little of what the disk has to do. */
  async tick(): Promise<void> {
    this.run.broker.ticker.request();
    for (const action of this.#tickEnd.splice(0)) action();
    this.moments.push({ position: this.run.broker.storage.written, model: copyOf(this.model) });
    for (let i = 0; i < 4; i++) await this.disk.step();
    for (const action of this.#tickEnd.splice(0)) action();
    const { durable } = this.run.broker.storage;
    const oldest = this.moments.findLastIndex(({ position }) => position <= durable);
    if (oldest > 0) this.moments.splice(0, oldest);
    this.filesDeleted += this.run.broker.storage.cleaner!.filesDeleted;
    this.run.broker.storage.cleaner!.filesDeleted = 0;
  }

  async advance(ms: number): Promise<void> {
    this.time += ms;
    for (const timer of this.#timers.filter(({ at }) => at <= this.time)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      timer.action();
    }
    this.model = this.#alive(this.model);
    await this.tick();
  }

  async crash(kind: "kill" | "power"): Promise<void> {
    const before = this.moments;
    this.run.keyspace.stop();
    this.run.broker.ticker.close();
    this.disk.crash(kind);
    await this.open();
    const found = this.dump();
    const possible = (kind === "kill" ? before.slice(-1) : before).map(({ model }) => this.#alive(model));
    const index = possible.findLastIndex((model) => isSame(model, found));
    assert.ok(index >= 0, `${kind}: found ${show(found)}, wanted ${show(possible.at(-1))}`);
    this.model = copyOf(possible[index]!);
    this.moments = [{ position: 0, model: copyOf(this.model) }];
    await this.tick();
  }

  #alive(model: Model): Model {
    return model.map(
      (keys) =>
        new Map(
          [...keys]
            .filter(([, { expiry }]) => expiry === 0 || expiry > this.time)
            .map(([key, { value, expiry }]) => [key, { value: this.#fresh(value), expiry }] as const)
            .filter(([, { value }]) => value !== textOfHash(new Map())),
        ),
    );
  }

  /** A value without the fields that are due, if it is a hash. */
  #fresh(value: string): string {
    const fields = hashOfText(value);
    if (fields === null) return value;
    const isLeft = (text: string): boolean => {
      const { at } = expiryOfText(text);
      return at === 0 || at > this.time;
    };
    return textOfHash(new Map([...fields].filter(([, text]) => isLeft(text))));
  }

  dump(): Model {
    return this.run.keyspace.databases
      .slice(0, databasesUsed)
      .map((each) => dumpDatabase(this.run.keyspace, each));
  }
}

function isSame(a: Model, b: Model): boolean {
  return a.every((keys, number) => {
    const others = b[number]!;
    if (keys.size !== others.size) return false;
    for (const [key, { value, expiry }] of keys) {
      const other = others.get(key);
      if (other === undefined || other.value !== value || other.expiry !== expiry) return false;
    }
    return true;
  });
}

function assertSame(found: Model, wanted: Model): void {
  if (!isSame(found, wanted)) assert.fail(`found ${show(found)}, wanted ${show(wanted)}`);
}

/** Keys with the sizes of their values: enough to see what differs. */
function show(model: Model | undefined): string {
  const shown = model?.map((keys) =>
    [...keys].map(([key, { value, expiry }]) => `${key.slice(0, 8)}=${value.length}@${expiry}`).toSorted(),
  );
  return JSON.stringify(shown);
}

const database = fc.nat({ max: databasesUsed - 1 });
const key = fc.nat({ max: 40 }).map((n) => (n % 7 === 0 ? "k".repeat(n * 9) : `key${n}`));
const largeKey = fc.nat({ max: 4 }).map((n) => `large${n}`);
const field = fc.nat({ max: 60 }).map((n) => (n % 11 === 0 ? "f".repeat(n * 7) : `field${n}`));
const member = fc.oneof(fc.integer({ min: -40, max: 40 }).map(String), field);
const score = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
);
const value = fc
  .tuple(fc.constantFrom("a", "b", "\0", "\xff"), fc.constantFrom(0, 1, 15, 100, 3000, 20_000))
  .map(([character, size]) => character.repeat(size));
const expiry = fc.constantFrom(0, 0, 0, 50, 2000, 100_000);

type Step = (world: World) => void | Promise<void>;

function change(
  world: World,
  number: number,
  name: string,
  use: (found: ModelValue | undefined) => void,
): void {
  use(world.model[number]!.get(name));
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 60, arbitrary: fc.tuple(database, key, value, expiry).map(([n, k, v, e]) => put(n, k, v, e)) },
  { weight: 10, arbitrary: fc.tuple(database, key, value).map(([n, k, v]) => put(n, k, v, keepExpiry)) },
  {
    weight: 30,
    arbitrary: fc.tuple(database, key, value, fc.nat({ max: 200 })).map(([n, k, v, o]) => patch(n, k, v, o)),
  },
  {
    weight: 60,
    arbitrary: fc
      .tuple(database, key, fc.array(fc.tuple(field, value), { minLength: 1, maxLength: 12 }), expiry)
      .map(([n, k, all, lifeMs]) => setFields(n, k, all, lifeMs)),
  },
  {
    weight: 25,
    arbitrary: fc
      .tuple(database, key, fc.array(field, { minLength: 1, maxLength: 12 }), expiry)
      .map(([n, k, all, lifeMs]) => expireFields(n, k, all, lifeMs)),
  },
  {
    weight: 25,
    arbitrary: fc
      .tuple(database, key, fc.array(field, { minLength: 1, maxLength: 12 }))
      .map(([n, k, all]) => removeFields(n, k, all)),
  },
  {
    weight: 30,
    arbitrary: fc
      .tuple(database, key, fc.array(member, { minLength: 1, maxLength: 12 }))
      .map(([n, k, all]) => addMembers(n, k, all)),
  },
  {
    weight: 12,
    arbitrary: fc
      .tuple(database, key, fc.array(member, { minLength: 1, maxLength: 12 }), fc.boolean())
      .map(([n, k, all, isRemade]) => removeMembers(n, k, all, isRemade)),
  },
  {
    weight: 30,
    arbitrary: fc
      .tuple(database, key, fc.array(fc.tuple(member, score), { minLength: 1, maxLength: 12 }))
      .map(([n, k, all]) => setScores(n, k, all)),
  },
  {
    weight: 12,
    arbitrary: fc
      .tuple(database, key, fc.array(member, { minLength: 1, maxLength: 12 }))
      .map(([n, k, all]) => removeScored(n, k, all)),
  },
  {
    weight: 12,
    arbitrary: fc
      .tuple(fc.array(member, { maxLength: 20 }), fc.array(member, { maxLength: 4 }))
      .map(([added, removed]) => build(added, removed)),
  },
  { weight: 4, arbitrary: fc.tuple(database, key).map(([n, k]) => moveBuild(n, k)) },
  { weight: 2, arbitrary: fc.tuple(database, key).map(([n, k]) => setAside(n, k)) },
  {
    weight: 12,
    arbitrary: fc
      .tuple(fc.constantFrom<"copyTo" | "renameTo">("copyTo", "renameTo"), database, key, database, key)
      .map(([how, n, k, m, l]) => take(how, n, k, m, l)),
  },
  { weight: 20, arbitrary: fc.tuple(database, key).map(([n, k]) => remove(n, k)) },
  { weight: 20, arbitrary: fc.tuple(database, key, expiry).map(([n, k, e]) => expire(n, k, e)) },
  { weight: 2, arbitrary: database.map(flush) },
  { weight: 3, arbitrary: fc.tuple(database, database).map(([a, b]) => swap(a, b)) },
  { weight: 30, arbitrary: fc.constant<Step>((world) => world.tick()) },
  {
    weight: 10,
    arbitrary: fc.constantFrom(40, 200, 3000).map(
      (ms): Step =>
        (world) =>
          world.advance(ms),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<"kill" | "power">("kill", "power").map(
      (kind): Step =>
        (world) =>
          world.crash(kind),
    ),
  },
);

function put(number: number, name: string, text: string, lifeMs: number): Step {
  return (world) => {
    const at = lifeMs > 0 ? world.time + lifeMs : lifeMs;
    const bytes = Buffer.from(text, "latin1");
    const keyBytes = Buffer.from(name);
    world.run.keyspace.databases[number]!.put(keyBytes, 0, keyBytes.length, bytes, 0, bytes.length, at);
    const kept = world.model[number]!.get(name)?.expiry ?? 0;
    world.model[number]!.set(name, { value: text, expiry: at === keepExpiry ? kept : at });
  };
}

function entryOf(world: World, number: number, name: string): number {
  const keyBytes = Buffer.from(name);
  const keys = world.run.keyspace.databases[number]!;
  const entry = keys.find(keyBytes, 0, keyBytes.length);
  return entry === 0 ? 0 : keys.freshHash(entry);
}

function patch(number: number, name: string, text: string, offset: number): Step {
  return (world) => {
    const entry = entryOf(world, number, name);
    change(world, number, name, (found) => {
      assert.equal(entry !== 0, found !== undefined);
      const { table } = world.run.keyspace.databases[number]!;
      if (found === undefined || table.type(entry) !== valueType.string) return;
      const bytes = Buffer.from(text, "latin1");
      world.run.keyspace.databases[number]!.patch(entry, offset, bytes, 0, bytes.length);
      found.value =
        found.value.slice(0, offset).padEnd(offset, "\0") + text + found.value.slice(offset + text.length);
    });
  };
}

/** Each field is to live so many ms; 0 for ever. */
function setFields(
  number: number,
  name: string,
  all: readonly (readonly [string, string])[],
  lifeMs = 0,
): Step {
  return (world) => {
    const { hash, table } = world.run.keyspace.databases[number]!;
    let entry = entryOf(world, number, name);
    if (entry !== 0 && table.type(entry) !== valueType.hash) return;
    const keyBytes = Buffer.from(name);
    if (entry === 0) entry = world.run.keyspace.databases[number]!.createHash(keyBytes, 0, keyBytes.length);
    hash.open(entry);
    const at = lifeMs === 0 ? 0 : world.time + lifeMs;
    const before = world.model[number]!.get(name);
    const fields = before === undefined ? new Map<string, string>() : hashOfText(before.value)!;
    for (const [one, text] of all) {
      const [oneBytes, bytes] = [Buffer.from(one, "latin1"), Buffer.from(text, "latin1")];
      const isNew = hash.set(oneBytes, 0, oneBytes.length, bytes, 0, bytes.length, at);
      assert.equal(isNew, !fields.has(one));
      fields.set(one, withExpiry(text, at));
    }
    hash.close();
    world.model[number]!.set(name, { value: textOfHash(fields), expiry: before?.expiry ?? 0 });
  };
}

function removeFields(number: number, name: string, all: readonly string[]): Step {
  return (world) => {
    const { hash, table } = world.run.keyspace.databases[number]!;
    const entry = entryOf(world, number, name);
    if (entry === 0 || table.type(entry) !== valueType.hash) return;
    const before = world.model[number]!.get(name)!;
    const fields = hashOfText(before.value)!;
    hash.open(entry);
    for (const one of all) {
      const bytes = Buffer.from(one, "latin1");
      assert.equal(hash.remove(bytes, 0, bytes.length), fields.delete(one));
    }
    hash.close();
    if (fields.size === 0) world.model[number]!.delete(name);
    else before.value = textOfHash(fields);
  };
}

function expireFields(number: number, name: string, all: readonly string[], lifeMs: number): Step {
  return (world) => {
    const { hash, table } = world.run.keyspace.databases[number]!;
    const entry = entryOf(world, number, name);
    if (entry === 0 || table.type(entry) !== valueType.hash) return;
    const before = world.model[number]!.get(name)!;
    const fields = hashOfText(before.value)!;
    const at = lifeMs === 0 ? 0 : world.time + lifeMs;
    hash.open(entry);
    for (const one of all) {
      const bytes = Buffer.from(one, "latin1");
      assert.equal(hash.expire(bytes, 0, bytes.length, at), fields.has(one));
      if (fields.has(one)) fields.set(one, withExpiry(expiryOfText(fields.get(one)!).value, at));
    }
    hash.close();
    before.value = textOfHash(fields);
  };
}

function addMembers(number: number, name: string, all: readonly string[]): Step {
  return (world) => {
    const target = world.run.keyspace.databases[number]!;
    let entry = entryOf(world, number, name);
    if (entry !== 0 && target.table.type(entry) !== valueType.set) return;
    const keyBytes = Buffer.from(name);
    if (entry === 0) entry = target.createSet(keyBytes, 0, keyBytes.length);
    target.set.open(entry);
    const before = world.model[number]!.get(name);
    const members = before === undefined ? new Set<string>() : setOfText(before.value)!;
    for (const one of all) {
      const bytes = Buffer.from(one, "latin1");
      assert.equal(target.set.add(bytes, 0, bytes.length), !members.has(one));
      members.add(one);
    }
    target.set.close();
    world.model[number]!.set(name, { value: textOfSet(members), expiry: before?.expiry ?? 0 });
  };
}

function removeMembers(number: number, name: string, all: readonly string[], isRemade: boolean): Step {
  return (world) => {
    const { set, table } = world.run.keyspace.databases[number]!;
    const entry = entryOf(world, number, name);
    if (entry === 0 || table.type(entry) !== valueType.set) return;
    const before = world.model[number]!.get(name)!;
    const members = setOfText(before.value)!;
    set.open(entry);
    for (const one of all) {
      const bytes = Buffer.from(one, "latin1");
      assert.equal(set.remove(bytes, 0, bytes.length), members.delete(one));
    }
    if (members.size > 0 && isRemade) set.remake();
    set.close();
    if (members.size === 0) world.model[number]!.delete(name);
    else before.value = textOfSet(members);
  };
}

function setScores(number: number, name: string, all: readonly (readonly [string, number])[]): Step {
  return (world) => {
    const target = world.run.keyspace.databases[number]!;
    let entry = entryOf(world, number, name);
    if (entry !== 0 && target.table.type(entry) !== valueType.sortedSet) return;
    const keyBytes = Buffer.from(name);
    if (entry === 0) entry = target.createSortedSet(keyBytes, 0, keyBytes.length);
    target.sortedSet.open(entry);
    const before = world.model[number]!.get(name);
    const scores = before === undefined ? new Map<string, number>() : scoresOfText(before.value)!;
    for (const [one, at] of all) {
      const bytes = Buffer.from(one, "latin1");
      assert.equal(target.sortedSet.set(at, bytes, 0, bytes.length), !scores.has(one));
      scores.set(one, at);
    }
    target.sortedSet.close();
    world.model[number]!.set(name, { value: textOfScores(scores), expiry: before?.expiry ?? 0 });
  };
}

function removeScored(number: number, name: string, all: readonly string[]): Step {
  return (world) => {
    const { sortedSet, table } = world.run.keyspace.databases[number]!;
    const entry = entryOf(world, number, name);
    if (entry === 0 || table.type(entry) !== valueType.sortedSet) return;
    const before = world.model[number]!.get(name)!;
    const scores = scoresOfText(before.value)!;
    sortedSet.open(entry);
    for (const one of all) {
      const bytes = Buffer.from(one, "latin1");
      assert.equal(sortedSet.remove(bytes, 0, bytes.length), scores.delete(one));
    }
    sortedSet.close();
    if (scores.size === 0) world.model[number]!.delete(name);
    else before.value = textOfScores(scores);
  };
}

/** A set is made aside, over as many ticks as there are until it is moved to a key. */
function build(added: readonly string[], removed: readonly string[]): Step {
  return ({ run }) => {
    run.build ??= { set: new SetBuild(run.keyspace, "stored"), members: new Set() };
    const { set, members } = run.build;
    for (const one of added) {
      const bytes = Buffer.from(one, "latin1");
      set.add(bytes, 0, bytes.length);
      members.add(one);
    }
    for (const one of removed) {
      const bytes = Buffer.from(one, "latin1");
      set.remove(bytes, 0, bytes.length);
      members.delete(one);
    }
    set.pause();
    assert.equal(set.count, members.size);
  };
}

function moveBuild(number: number, name: string): Step {
  return ({ run, model }) => {
    if (run.build === null) return;
    const { set, members } = run.build;
    run.build = null;
    if (members.size === 0) return set.drop();
    const keyBytes = Buffer.from(name);
    set.moveTo(run.keyspace.databases[number]!, keyBytes, 0, keyBytes.length);
    assert.equal(run.keyspace.scratch.size, 0);
    model[number]!.set(name, { value: textOfSet(members), expiry: 0 });
  };
}

/** Gone at once, for a reader that goes on. */
function setAside(number: number, name: string): Step {
  return (world) => {
    const { keyspace } = world.run;
    const entry = entryOf(world, number, name);
    if (entry === 0) return;
    keyspace.aside.remove(keyspace.databases[number]!.setAside(entry));
    world.model[number]!.delete(name);
  };
}

/** To another name, maybe in another database. */
function take(how: "copyTo" | "renameTo", from: number, name: string, to: number, other: string): Step {
  return (world) => {
    if (from === to && name === other) return;
    const entry = entryOf(world, from, name);
    if (entry === 0) return;
    const { databases } = world.run.keyspace;
    const keyBytes = Buffer.from(other);
    databases[from]![how](entry, databases[to]!, keyBytes, 0, keyBytes.length);
    world.model[to]!.set(other, { ...world.model[from]!.get(name)! });
    if (how === "renameTo") world.model[from]!.delete(name);
  };
}

function remove(number: number, name: string): Step {
  return (world) => {
    const entry = entryOf(world, number, name);
    if (entry !== 0) world.run.keyspace.databases[number]!.remove(entry);
    world.model[number]!.delete(name);
  };
}

function expire(number: number, name: string, lifeMs: number): Step {
  return (world) => {
    const entry = entryOf(world, number, name);
    const at = lifeMs === 0 ? 0 : world.time + lifeMs;
    if (entry !== 0) world.run.keyspace.databases[number]!.setExpiry(entry, at);
    change(world, number, name, (found) => {
      if (found !== undefined) found.expiry = at;
    });
  };
}

function flush(number: number): Step {
  return (world) => {
    world.run.keyspace.flush(number);
    world.model[number]!.clear();
  };
}

function swap(one: number, other: number): Step {
  return (world) => {
    world.run.keyspace.swap(one, other);
    [world.model[one], world.model[other]] = [world.model[other]!, world.model[one]!];
  };
}

test("changes, ticks, expiries, kills and power cuts in any order", { timeout: 60_000 }, async (t) => {
  let filesDeleted = 0;
  setSizes(smallSizes);
  // Under Bun other files share this process.
  t.after(() => setSizes({}));
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(step, { minLength: 250, maxLength: 400, size: "max" }),
      async (seed, steps) => {
        const world = new World(seed);
        await world.open();
        await world.tick();
        for (const [index, apply] of steps.entries()) {
          await apply(world);
          if (index % 10 === 0) assertSame(world.dump(), world.model);
        }
        assertSame(world.dump(), world.model);
        await world.tick();
        await world.crash("kill");
        filesDeleted += world.filesDeleted;
      },
    ),
    { numRuns: 12, endOnFailure: true },
  );
  assert.ok(filesDeleted > 0, "the cleaner had nothing to do: the test is too small");
});

/** The cleaner comes a good way on while this goes on. */
function slowly(steps: readonly Step[]): Step {
  return async (world) => {
    for (const apply of steps) {
      await apply(world);
      for (let i = 0; i < 5; i++) await world.tick();
    }
  };
}

test(
  "hashes, sets and sorted sets change, move and are copied between kills with the cleaner at work all the time",
  { timeout: 60_000 },
  async () => {
    const taken = fc
      .tuple(
        fc.constantFrom<"copyTo" | "renameTo">("copyTo", "renameTo"),
        database,
        largeKey,
        database,
        largeKey,
      )
      .map(([how, n, k, m, l]) => take(how, n, k, m, l));
    const largeStep: fc.Arbitrary<Step> = fc.oneof(
      {
        weight: 30,
        arbitrary: fc
          .tuple(
            database,
            largeKey,
            fc.array(fc.tuple(field, value), { minLength: 5, maxLength: 40 }),
            expiry,
          )
          .map(([n, k, all, lifeMs]) => setFields(n, k, all, lifeMs)),
      },
      {
        weight: 15,
        arbitrary: fc
          .tuple(database, largeKey, fc.array(field, { minLength: 1, maxLength: 30 }), expiry)
          .map(([n, k, all, lifeMs]) => expireFields(n, k, all, lifeMs)),
      },
      {
        weight: 6,
        arbitrary: fc.constantFrom(40, 200, 3000).map(
          (ms): Step =>
            (world) =>
              world.advance(ms),
        ),
      },
      {
        weight: 20,
        arbitrary: fc
          .tuple(database, largeKey, fc.array(field, { minLength: 1, maxLength: 30 }))
          .map(([n, k, all]) => removeFields(n, k, all)),
      },
      {
        weight: 20,
        arbitrary: fc
          .tuple(database, largeKey, fc.array(member, { minLength: 5, maxLength: 60 }))
          .map(([n, k, all]) => addMembers(n, k, all)),
      },
      {
        weight: 12,
        arbitrary: fc
          .tuple(database, largeKey, fc.array(member, { minLength: 1, maxLength: 30 }), fc.boolean())
          .map(([n, k, all, isRemade]) => removeMembers(n, k, all, isRemade)),
      },
      {
        weight: 20,
        arbitrary: fc
          .tuple(database, largeKey, fc.array(fc.tuple(member, score), { minLength: 5, maxLength: 60 }))
          .map(([n, k, all]) => setScores(n, k, all)),
      },
      {
        weight: 12,
        arbitrary: fc
          .tuple(database, largeKey, fc.array(member, { minLength: 1, maxLength: 30 }))
          .map(([n, k, all]) => removeScored(n, k, all)),
      },
      {
        weight: 12,
        arbitrary: fc
          .tuple(fc.array(member, { maxLength: 40 }), fc.array(member, { maxLength: 5 }))
          .map(([added, removed]) => build(added, removed)),
      },
      { weight: 4, arbitrary: fc.tuple(database, largeKey).map(([n, k]) => moveBuild(n, k)) },
      { weight: 6, arbitrary: taken },
      { weight: 3, arbitrary: fc.tuple(database, largeKey).map(([n, k]) => remove(n, k)) },
      { weight: 3, arbitrary: fc.tuple(database, largeKey, expiry).map(([n, k, e]) => expire(n, k, e)) },
      { weight: 1, arbitrary: database.map(flush) },
      { weight: 2, arbitrary: fc.tuple(database, database).map(([a, b]) => swap(a, b)) },
      { weight: 30, arbitrary: fc.constant<Step>((world) => world.tick()) },
      { weight: 4, arbitrary: fc.array(taken, { minLength: 10, maxLength: 20, size: "max" }).map(slowly) },
      {
        weight: 3,
        arbitrary: fc.constantFrom<"kill" | "power">("kill", "power").map(
          (kind): Step =>
            (world) =>
              world.crash(kind),
        ),
      },
    );
    let filesDeleted = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(largeStep, { minLength: 150, maxLength: 300, size: "max" }),
        async (seed, steps) => {
          const world = new World(seed, slowBounds);
          await world.open();
          await world.tick();
          for (const apply of steps) await apply(world);
          assertSame(world.dump(), world.model);
          await world.tick();
          await world.crash("kill");
          assertSame(world.dump(), world.model);
          filesDeleted += world.filesDeleted;
        },
      ),
      { numRuns: 15, endOnFailure: true },
    );
    assert.ok(filesDeleted > 30, `${filesDeleted} files deleted: the test is too small`);
  },
);
