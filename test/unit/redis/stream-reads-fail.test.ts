/**
 * The disk fails amid a command of a consumer group, at each of its reads in turn: an entry is given together with the answer that
 * shows it, or it is not given.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { setSizes } from "../../../src/base/sizes.ts";
import { DurableRig } from "../../support/durable-rig.ts";

type Row = [id: string, fields: string[] | null];
type Pending = [id: string, consumer: string, idle: number, count: number];

const entries = 8;
const readsMax = 200;

/** Streams of which little is in memory: almost each look at an entry is a read of the disk. */
async function openRig(t: { after(action: () => void): void }): Promise<DurableRig> {
  setSizes({ chunkBytes: 512, journalCacheBytes: 512, readBlockBytes: 512, readBlocksMax: 1 });
  t.after(() => setSizes({}));
  const rig = await DurableRig.open(1);
  for (const stream of ["s", "t"]) {
    await rig.redis("XGROUP", "CREATE", stream, "g", "0", "MKSTREAM");
    for (let i = 1; i <= entries; i++) {
      await rig.redis("XADD", stream, `${i}-0`, "body", "x".repeat(200));
      // Between two entries of a stream lie others, so that the reader of one jumps.
      await rig.redis("XADD", "other", "*", "body", "x".repeat(900));
    }
  }
  // So that the count of what the group has read must look at the first entry.
  await rig.redis("XDEL", "s", "3-0");
  return rig;
}

/** The answer to a command of which the `failing`th read fails, and whether there were so many. */
async function ask(
  rig: DurableRig,
  failing: number,
  words: readonly (string | number)[],
): Promise<{ reply: RedisReply; hasFailed: boolean }> {
  const client = new RedisClient(rig.connect("redis"));
  let reply: RedisReply | undefined;
  rig.disk.failingRead = failing;
  client.call(words, (answer) => (reply = answer));
  await rig.until(() => reply !== undefined, "an answer");
  const hasFailed = rig.disk.failingRead === 0;
  rig.disk.failingRead = 0;
  client.cut();
  return { reply: reply!, hasFailed };
}

/** Does it again and again, each time with another read that fails, until none does. */
async function eachRead(
  t: { after(action: () => void): void },
  words: readonly (string | number)[],
  check: (rig: DurableRig, reply: RedisReply) => Promise<void>,
  before: (rig: DurableRig) => Promise<unknown> = async () => {},
): Promise<void> {
  let errors = 0;
  for (let failing = 1; ; failing++) {
    assert.ok(failing < readsMax, "it reads without end");
    const rig = await openRig(t);
    await before(rig);
    const { reply, hasFailed } = await ask(rig, failing, words);
    if (reply instanceof Error) {
      assert.match(reply.message, /cannot be read/);
      errors++;
    }
    await check(rig, reply);
    if (hasFailed) continue;
    assert.ok(failing > 5 && errors > 0, `${failing} reads, ${errors} errors`);
    return;
  }
}

function rowsOf(reply: RedisReply): Map<string, string[]> {
  if (reply instanceof Error || reply === null) return new Map();
  const streams = reply as [string, Row[]][];
  return new Map(streams.map(([stream, rows]) => [stream, rows.map(([id]) => id)]));
}

async function pendingOf(rig: DurableRig, stream: string): Promise<Pending[]> {
  return (await rig.redis("XPENDING", stream, "g", "-", "+", 100)) as Pending[];
}

/** What the group has is what was shown, and all else is still to come: also after a restart. */
async function assertShownIsGiven(
  rig: DurableRig,
  reply: RedisReply,
  streams: readonly string[],
): Promise<void> {
  const shown = rowsOf(reply);
  for (const stream of streams) {
    const given = (await pendingOf(rig, stream)).map(([id]) => id);
    assert.deepEqual(given, shown.get(stream) ?? [], `${stream}: what is pending was shown`);
  }
  await rig.kill();
  for (const stream of streams) {
    const given = shown.get(stream) ?? [];
    const next = await rig.redis("XREADGROUP", "GROUP", "g", "c", "STREAMS", stream, ">");
    const all = [...given, ...(rowsOf(next).get(stream) ?? [])];
    const there = Array.from({ length: entries }, (_, i) => `${i + 1}-0`);
    assert.deepEqual(all, stream === "s" ? there.filter((id) => id !== "3-0") : there);
  }
}

const read = ["XREADGROUP", "GROUP", "g", "c"];

test("XREADGROUP of one stream", (t) =>
  eachRead(t, [...read, "STREAMS", "s", ">"], (rig, reply) => assertShownIsGiven(rig, reply, ["s"])));

test("XREADGROUP of two streams", (t) =>
  eachRead(t, [...read, "COUNT", 5, "STREAMS", "s", "t", ">", ">"], (rig, reply) =>
    assertShownIsGiven(rig, reply, ["s", "t"]),
  ));

test("XREADGROUP of new entries and a history", (t) =>
  eachRead(
    t,
    [...read, "STREAMS", "s", "t", ">", "0"],
    async (rig, reply) => {
      const shown = rowsOf(reply).get("s") ?? [];
      assert.deepEqual(
        (await pendingOf(rig, "s")).map(([id]) => id),
        shown,
      );
    },
    (rig) => rig.redis(...read, "COUNT", 3, "STREAMS", "t", ">"),
  ));

test("XREADGROUP of a history says an error or all of it", (t) =>
  eachRead(
    t,
    [...read, "STREAMS", "t", "0"],
    async (_rig, reply) => {
      if (!(reply instanceof Error)) assert.equal(rowsOf(reply).get("t")!.length, entries);
    },
    (rig) => rig.redis(...read, "STREAMS", "t", ">"),
  ));

test("XREADGROUP with NOACK", (t) =>
  eachRead(t, [...read, "NOACK", "STREAMS", "t", ">"], async (rig, reply) => {
    const shown = rowsOf(reply).get("t") ?? [];
    const next = await rig.redis(...read, "STREAMS", "t", ">");
    assert.equal(shown.length + (rowsOf(next).get("t") ?? []).length, entries);
  }));

test("XAUTOCLAIM claims what it shows, and says where to go on", (t) =>
  eachRead(
    t,
    ["XAUTOCLAIM", "s", "g", "other", 0, "0-0"],
    async (rig, reply) => {
      const pending = await pendingOf(rig, "s");
      const claimed = pending.filter(([, consumer]) => consumer === "other").map(([id]) => id);
      if (reply instanceof Error) {
        assert.deepEqual(claimed, []);
        assert.equal(pending.length, entries - 1);
        return;
      }
      const [next, came, deleted] = reply as [string, Row[], string[]];
      const ids = came.map(([id]) => id);
      assert.deepEqual(ids, claimed);
      assert.deepEqual(deleted, ids.length > 3 || next === "0-0" ? ["4-0"] : deleted);
      const seen = ids.length + deleted.length;
      assert.equal(next, seen === entries - 1 ? "0-0" : pending[ids.length]![0]);
      assert.equal(pending.length, entries - 1 - deleted.length);
    },
    async (rig) => {
      await rig.redis(...read, "STREAMS", "s", ">");
      await rig.redis("XDEL", "s", "4-0");
    },
  ));
