/** Streams and what their groups hold, over turns that the test counts: XTRIM with DELREF amid readers, XSETID below what was deleted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

const turnBounds = { turnWorkUnits: 400, turnWorkSliceUnits: 100 };

function pendingOf(reply: RedisReply): unknown {
  return Array.isArray(reply) ? reply[0] : reply;
}

test("XTRIM with DELREF leaves nothing pending that a reader of another group got meanwhile", async () => {
  const rig = await DurableRig.open(1, { turnBounds });
  const writer = new RedisClient(rig.connect("redis"));
  let added = 0;
  for (let i = 1; i <= 3000; i++) writer.call(["XADD", "s", `${i}-0`, "f", "v"], () => added++);
  await rig.until(() => added === 3000, "the entries");
  for (const group of ["reads", "holds"]) await rig.redis("XGROUP", "CREATE", "s", group, 0);
  await rig.redis("XREADGROUP", "GROUP", "holds", "c", "COUNT", 2500, "STREAMS", "s", ">");
  const [trimmer, reader] = [new RedisClient(rig.connect("redis")), new RedisClient(rig.connect("redis"))];
  let trimmed: RedisReply | undefined;
  let reads = 0;
  trimmer.call(["XTRIM", "s", "MAXLEN", 100, "DELREF"], (reply) => (trimmed = reply));
  const read = (): void =>
    reader.call(["XREADGROUP", "GROUP", "reads", "c", "COUNT", 10, "STREAMS", "s", ">"], () => {
      if (trimmed !== undefined) return;
      reads++;
      read();
    });
  read();
  await rig.until(() => trimmed !== undefined, "XTRIM");
  assert.ok(reads > 0, "nobody has read meanwhile");
  assert.equal(trimmed, 2900);
  assert.equal(pendingOf(await rig.redis("XPENDING", "s", "holds")), 0);
  const left = (await rig.redis("XPENDING", "s", "reads")) as RedisReply[];
  // The reader may have gone on behind it.
  if (left[0] !== 0)
    assert.ok(Number(String(left[1]).split("-")[0]) > 2900, `pending: ${left.map(String).join(" ")}`);
});

test("XSETID below what was deleted is refused, as of redis 7.2", async () => {
  const rig = await DurableRig.open(2);
  for (const id of ["5-0", "9-0"]) await rig.redis("XADD", "s", id, "f", "v");
  await rig.redis("XDEL", "s", "9-0");
  await assert.rejects(
    rig.redis("XSETID", "s", "7-0"),
    /ERR The ID specified in XSETID is smaller than current max_deleted_entry_id/,
  );
  await assert.rejects(
    rig.redis("XSETID", "s", "8-0", "MAXDELETEDID", "6-0"),
    /current max_deleted_entry_id/,
  );
  assert.equal(String(await rig.redis("XSETID", "s", "9-0", "MAXDELETEDID", "6-0")), "OK");
  assert.equal(String(await rig.redis("XSETID", "s", "8-0")), "OK");
});

test("WATCH of a key that SWAPDB brings, and takes away again, as redis has it", async () => {
  const rig = await DurableRig.open(3);
  const client = new RedisClient(rig.connect("redis"));
  const said: unknown[] = [];
  const requests = [
    ["SELECT", 1],
    ["SET", "k", 1],
    ["SELECT", 0],
    ["WATCH", "k"],
    ["SWAPDB", 0, 1],
    ["SWAPDB", 0, 1],
    ["MULTI"],
    ["PING"],
    ["EXEC"],
    ["WATCH", "none"],
    ["SWAPDB", 0, 1],
    ["FLUSHDB"],
    ["MULTI"],
    ["PING"],
    ["EXEC"],
  ];
  for (const request of requests) client.call(request, (reply) => said.push(reply));
  await rig.until(() => said.length === requests.length, "all replies");
  assert.equal(said[8], null);
  assert.deepEqual(said.at(-1), ["PONG"]);
});
