/** Fields that expire, over a clock that the test moves: what is due is invisible at once, goes in bounded steps, and stays gone after kills. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient } from "../../../sim/clients/redis-client.ts";
import { setSizes } from "../../../src/base/sizes.ts";
import { DurableRig } from "../../support/durable-rig.ts";

/** So few that many fields take many turns. */
const turnBounds = { turnWorkUnits: 400, turnWorkSliceUnits: 100 };
/** Of keyspace/field-sweep.ts. */
const fieldsAtOnce = 128;

async function ask(rig: DurableRig, line: string): Promise<unknown> {
  const [command, ...rest] = line.split(" ");
  return plain(await rig.redis(command!, ...rest));
}

function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  return Buffer.isBuffer(reply) ? reply.latin1Slice() : reply;
}

test("a small hash: fields go at their time, with the key once none is left, and HGET is enough for it", async () => {
  const rig = await DurableRig.open(1);
  await ask(rig, "HSET h a 1 b 2 c 3");
  await ask(rig, "HPEXPIRE h 1000 FIELDS 2 a b");
  await ask(rig, "HPEXPIRE h 1500 FIELDS 1 c");
  rig.time.advance(999);
  assert.deepEqual(await ask(rig, "HMGET h a b c"), ["1", "2", "3"]);
  assert.deepEqual(await ask(rig, "HPTTL h FIELDS 2 a c"), [1, 501]);
  rig.time.advance(1);
  assert.deepEqual(await ask(rig, "HMGET h a b c"), [null, null, "3"]);
  assert.equal(await ask(rig, "HLEN h"), 1);
  assert.deepEqual(await ask(rig, "HTTL h FIELDS 2 a c"), [-2, 1]);
  await rig.kill();
  assert.deepEqual(await ask(rig, "HGETALL h"), ["c", "3"]);
  assert.equal(await ask(rig, "HSET h c 4"), 0);
  rig.time.advance(500);
  assert.deepEqual(await ask(rig, "HGETALL h"), ["c", "4"], "HSET takes the expiry away");
  await rig.kill();
  assert.deepEqual(await ask(rig, "HGETALL h"), ["c", "4"], "after a kill too");
  await ask(rig, "HPEXPIRE h 10 FIELDS 1 c");
  assert.equal(await ask(rig, "HINCRBY h c 5"), 9);
  await rig.kill();
  rig.time.advance(10);
  assert.equal(await ask(rig, "HGET h c"), null, "HINCRBY keeps it, through a kill");
  assert.equal(await ask(rig, "EXISTS h"), 0);
});

test("nobody asks: the sweep removes fields, also those that a copy, a rename and another database took along", async () => {
  const rig = await DurableRig.open(2);
  await ask(rig, "HSET h a 1 b 2");
  await ask(rig, "HPEXPIRE h 1000 FIELDS 1 a");
  await ask(rig, "COPY h copy");
  await ask(rig, "COPY h moved DB 3");
  await ask(rig, "RENAME h renamed");
  await rig.kill();
  await rig.pass(30_000);
  assert.equal(rig.keyspace.expiredFields, 3);
  for (const key of ["copy", "renamed"]) assert.deepEqual(await ask(rig, `HGETALL ${key}`), ["b", "2"]);
  assert.equal(rig.keyspace.databases[0]!.content.hasFieldExpiries, true);
  await ask(rig, "DEL copy renamed");
  await rig.pass(30_000);
  assert.equal(rig.keyspace.databases[0]!.content.hasFieldExpiries, false, "nothing is looked for any more");
});

test("SWAPDB amid the sweeps of both databases: the field of a hash is looked for all the same", async (t) => {
  setSizes({ sweepKeysMin: 25 });
  t.after(() => setSizes({}));
  const rig = await DurableRig.open(6);
  // Of many keys a pass takes many calls; of these two databases not the same number.
  for (const [database, count] of [1000, 4000].entries()) {
    const client = new RedisClient(rig.connect("redis"));
    const keys = Array.from({ length: count }, (_, n) => [`k${n}`, "1"]).flat();
    let isThere = false;
    client.call(["SELECT", database], () => {});
    client.call(["SET", "volatile", "1", "PX", 1_000_000], () => {});
    client.call(["MSET", ...keys], () => (isThere = true));
    await rig.until(() => isThere, "the keys");
  }
  await ask(rig, "HSET h stays 1 goes 2");
  await ask(rig, "HPEXPIRE h 1000000 FIELDS 1 goes");
  const { databases } = rig.keyspace;
  const { content } = databases[0]!;
  for (let swaps = 0; swaps < 20; swaps++) {
    await rig.pass(1700);
    await ask(rig, "SWAPDB 0 1");
    assert.ok(content.hasFieldExpiries, `nobody looks for the field after ${swaps} swaps`);
  }
});

test("a large hash: what is due is hidden from every command at once, and removed over turns", async () => {
  const rig = await DurableRig.open(3, { turnBounds });
  const count = 3000;
  const names = Array.from({ length: count }, (_, n) => `f${n}`);
  await rig.redis("HSET", "h", ...names.flatMap((name) => [name, "1"]), "stays", "here");
  await rig.redis("HPEXPIRE", "h", 1000, "FIELDS", count, ...names);
  await ask(rig, "SET other 1");
  rig.time.advance(1000);
  const { keyspace } = rig;
  const before = keyspace.expiredFields;
  assert.equal(await ask(rig, "HGET h f2999"), null);
  const first = keyspace.expiredFields - before;
  assert.ok(first > 0 && first <= 10 * fieldsAtOnce, `${first} fields were removed for one reply`);
  assert.equal(await ask(rig, "HEXISTS h f2998"), 0);
  assert.deepEqual(await ask(rig, "HTTL h FIELDS 2 f2997 stays"), [-2, -1]);
  assert.deepEqual(await ask(rig, "HGETALL h"), ["stays", "here"]);
  await rig.until(() => keyspace.expiredFields === count, "all are removed");
  assert.equal(await ask(rig, "HLEN h"), 1);
  await rig.kill();
  assert.deepEqual(await ask(rig, "HGETALL h"), ["stays", "here"]);
});

test("a field that is hidden is a new one for those who set it, and is not removed then", async () => {
  const rig = await DurableRig.open(4, { turnBounds });
  const count = 2000;
  const names = Array.from({ length: count }, (_, n) => `f${n}`);
  await rig.redis("HSET", "h", ...names.flatMap((name) => [name, "7"]));
  await rig.redis("HPEXPIRE", "h", 1000, "FIELDS", count, ...names);
  rig.time.advance(1000);
  // All in one turn, so that most are there yet.
  const { keyspace } = rig;
  const database = keyspace.databases[0]!;
  const find = (): number => database.freshHash(database.find(Buffer.from("h"), 0, 1));
  const field = (n: number): Buffer => Buffer.from(`f${n}`);
  const entry = find();
  const { hash } = database;
  hash.open(entry);
  assert.equal(hash.remove(field(1999), 0, 5), false);
  assert.equal(hash.set(field(1998), 0, 5, Buffer.from("8"), 0, 1), true);
  assert.equal(hash.set(field(1998), 0, 5, Buffer.from("9"), 0, 1), false);
  assert.equal(hash.expire(field(1997), 0, 5, 0), false);
  hash.close();
  assert.ok(keyspace.hashes.count(database.content, hash.entry) > count / 2);
  await rig.until(() => keyspace.expiredFields === count - 1, "all but that one are removed");
  assert.deepEqual(await ask(rig, "HGETALL h"), ["f1998", "9"]);
  await rig.kill();
  assert.deepEqual(await ask(rig, "HGETALL h"), ["f1998", "9"]);
});

test("a dump of the same hash is the same after a kill", async () => {
  const rig = await DurableRig.open(5);
  const long = "x".repeat(65);
  await ask(rig, `HSET small a 1 b 2 c 3`);
  await ask(rig, `HSET long a 1 b ${long} c 3`);
  const names = Array.from({ length: 300 }, (_, n) => `f${n}`);
  await rig.redis("HSET", "large", ...names.flatMap((name) => [name, "1"]));
  for (const key of ["small", "long"]) await ask(rig, `HPEXPIRE ${key} 60000 FIELDS 1 b`);
  await rig.redis("HPEXPIRE", "large", 60_000, "FIELDS", 2, "f1", "f200");
  const before = await Promise.all([ask(rig, "DUMP small"), ask(rig, "DUMP long"), ask(rig, "DUMP large")]);
  await rig.kill();
  const after = await Promise.all([ask(rig, "DUMP small"), ask(rig, "DUMP long"), ask(rig, "DUMP large")]);
  assert.deepEqual(after, before);
});

test("a dump brings the expiries of fields along, of a small hash and of a large one", async () => {
  const rig = await DurableRig.open(1);
  for (const size of [2, 600]) {
    const fields = Array.from({ length: size }, (_, at) => `f${at} v`);
    await ask(rig, `HSET from ${fields.join(" ")}`);
    await ask(rig, "HPEXPIRE from 1000 FIELDS 1 f1");
    await rig.redis("EVAL", "redis.call('RESTORE','to',0,redis.call('DUMP','from'))", 2, "from", "to");
    assert.equal(await ask(rig, "HLEN to"), size);
    assert.deepEqual(await ask(rig, "HPTTL to FIELDS 2 f0 f1"), [-1, 1000]);
    await ask(rig, "DEL from to");
  }
});
