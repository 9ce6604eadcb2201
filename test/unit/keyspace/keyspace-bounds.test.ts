/** The keyspace where it is larger than one slice of work: the sweep, the cleaner's walk, and memory that goes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { Arena } from "../../../src/keyspace/arena.ts";
import { type Database, keepExpiry } from "../../../src/keyspace/database.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { KeyTable } from "../../../src/keyspace/key-table.ts";

/** A keyspace whose journal is a number. */
function make() {
  const state = { now: 1000, pending: 0 };
  const keyspace = new Keyspace(1);
  keyspace.start({
    clock: { now: () => state.now },
    timers: { after: () => ({ cancel: () => {} }) },
    ticker: { request: () => {} },
    storage: {
      journal: {},
      get pending() {
        return state.pending;
      },
      flushSource: () => keyspace.changes.reset(),
    },
  } as never);
  return { keyspace, state };
}

function put(database: Database, key: string, value = "v", expiry = 0): void {
  const [name, bytes] = [Buffer.from(key), Buffer.from(value)];
  database.put(name, 0, name.length, bytes, 0, bytes.length, expiry);
}

function agesOf({ table }: Database): number[] {
  const entries: number[] = [];
  let cursor = 0;
  do cursor = table.scan(cursor, entries);
  while (cursor !== 0);
  return entries.map((entry) => table.age(entry));
}

for (const staying of [1, 50]) {
  test(`keys that are due go though nobody asks for them, one beside ${staying} that stay`, async () => {
    const rig = await Rig.open();
    const peer = rig.connect("redis");
    const words = (...parts: string[]): string =>
      `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join("")}`;
    const groups = Math.ceil(3000 / staying);
    for (let i = 0; i < groups; i++) {
      let pipeline = words("SET", `goes${i}`, "v", "PX", "50");
      for (let at = 0; at < staying; at++) pipeline += words("SET", `stays${i}.${at}`, "v", "PX", "9000000");
      peer.send(Buffer.from(pipeline));
      rig.settle();
    }
    for (let i = 0; i < 110; i++) rig.time.advance(100);
    rig.settle();
    peer.take();
    peer.send(Buffer.from(words("DBSIZE")));
    rig.settle();
    assert.equal(peer.take().toString(), `:${groups * staying}\r\n`);
  });
}

test("the cleaner's walk reaches all keys, also those that change places with what it has passed", () => {
  for (const [one, other] of [
    [0, 2],
    [2, 0],
    [0, 5],
  ]) {
    const { keyspace, state } = make();
    const [small, large, third] = keyspace.databases as unknown as [Database, Database, Database];
    for (let i = 0; i < 10; i++) put(small, `s${i}`);
    for (let i = 0; i < 20_000; i++) put(large, `l${i}`);
    for (let i = 0; i < 10; i++) put(third, `t${i}`);
    state.pending = 8 << 20;
    // It has passed the first database and stands in the second.
    assert.ok(keyspace.rewriteBelow(4 << 20));
    assert.ok(agesOf(small).every((age) => age === 8));
    assert.ok(agesOf(large).some((age) => age === 0));
    keyspace.swap(one!, other!);
    for (let calls = 0; keyspace.rewriteBelow(4 << 20); calls++) assert.ok(calls < 1000, "it does not end");
    for (const database of keyspace.databases)
      assert.ok(
        agesOf(database).every((age) => age === 8),
        `database ${database.number} has old keys`,
      );
  }
});

test("a database that was flushed amid the walk and filled again is walked all the same", () => {
  const { keyspace, state } = make();
  const [small, large] = keyspace.databases as unknown as [Database, Database];
  for (let i = 0; i < 20_000; i++) put(large, `l${i}`);
  state.pending = 8 << 20;
  assert.ok(keyspace.rewriteBelow(4 << 20));
  large.flush();
  for (let i = 0; i < 100; i++) put(small, `s${i}`);
  for (let i = 0; i < 100; i++) put(large, `n${i}`);
  for (let calls = 0; keyspace.rewriteBelow(4 << 20); calls++) assert.ok(calls < 1000, "it does not end");
  for (const database of [small, large]) assert.ok(agesOf(database).every((age) => age === 8));
});

test("what a flushed database held is given back at once", () => {
  const { keyspace } = make();
  const database = keyspace.databases[0]!;
  for (let i = 0; i < 100; i++) put(database, `k${i}`, "v".repeat(100_000));
  const { table } = database;
  assert.ok(table.arenaBytes > 10_000_000);
  database.flush();
  assert.ok(table.arenaBytes < 10_000, `${table.arenaBytes} bytes`);
  assert.equal(database.size, 0);
});

test("a key that was due when it is set has no expiry to keep", () => {
  const { keyspace, state } = make();
  const database = keyspace.databases[0]!;
  put(database, "k", "old", 1500);
  put(database, "k", "new", keepExpiry);
  const find = (): number => database.find(Buffer.from("k"), 0, 1);
  assert.equal(database.table.expiry(find()), 1500);
  state.now = 1500;
  put(database, "k", "newest", keepExpiry);
  assert.notEqual(find(), 0);
  assert.equal(database.table.expiry(find()), 0);
});

test("a table that is empty again is passed in as few steps as a new one", () => {
  const table = new KeyTable(1);
  const steps = (): number => {
    let count = 0;
    let cursor = 0;
    do {
      cursor = table.scan(cursor, []);
      count++;
    } while (cursor !== 0);
    return count;
  };
  const atFirst = steps();
  const keys = Array.from({ length: 5000 }, (_, i) => Buffer.from(`k${i}`));
  for (const key of keys) table.insert(table.hash(key, 0, key.length), key, 0, key.length, 0, 1);
  assert.ok(steps() > 4000);
  for (const key of keys) table.remove(table.find(table.hash(key, 0, key.length), key, 0, key.length));
  assert.ok(steps() <= 2 * atFirst);
});

test("the number of a chunk that was given back is used again", () => {
  const arena = new Arena();
  const first = arena.allocate(100_000);
  arena.release(first);
  assert.equal(arena.allocate(200_000), first);
});
