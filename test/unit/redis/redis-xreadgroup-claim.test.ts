/** XREADGROUP CLAIM (redis 8.4): idle entries first, with how long they were idle and how often they had been given, then news. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import type { GroupCursor } from "../../../src/broker/groups/group-cursor.ts";
import { EntryId } from "../../../src/message/entry-id.ts";
import { DurableRig } from "../../support/durable-rig.ts";

function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  return Buffer.isBuffer(reply) ? reply.latin1Slice() : reply;
}

async function ask(rig: DurableRig, line: string): Promise<unknown> {
  const [command, ...rest] = line.split(" ");
  return plain(await rig.redis(command!, ...rest));
}

async function openWithTwoPending(): Promise<DurableRig> {
  const rig = await DurableRig.open(1);
  for (const id of ["1-1", "2-1", "3-1"]) await ask(rig, `XADD s ${id} a ${id}`);
  await ask(rig, "XGROUP CREATE s g 0");
  await ask(rig, "XREADGROUP GROUP g one COUNT 1 STREAMS s >");
  rig.time.advance(50);
  await ask(rig, "XREADGROUP GROUP g one COUNT 1 STREAMS s >");
  rig.time.advance(100);
  return rig;
}

test("the longest idle first, then news; and all of it is pending for the reader, through a kill", async () => {
  const rig = await openWithTwoPending();
  assert.deepEqual(await ask(rig, "XREADGROUP GROUP g two CLAIM 200 COUNT 1 STREAMS s 0"), [["s", []]]);
  assert.deepEqual(await ask(rig, "XREADGROUP GROUP g two CLAIM 100 STREAMS s >"), [
    [
      "s",
      [
        ["1-1", ["a", "1-1"], 150, 1],
        ["2-1", ["a", "2-1"], 100, 1],
        ["3-1", ["a", "3-1"], 0, 0],
      ],
    ],
  ]);
  const pending = [
    ["1-1", "two", 0, 2],
    ["2-1", "two", 0, 2],
    ["3-1", "two", 0, 1],
  ];
  assert.deepEqual(await ask(rig, "XPENDING s g - + 10"), pending);
  await rig.kill();
  assert.deepEqual(await ask(rig, "XPENDING s g - + 10"), pending);
  assert.equal(await ask(rig, "XREADGROUP GROUP g two CLAIM 100 STREAMS s >"), null, "nothing is idle");
});

test("COUNT counts both, what was deleted leaves the pending entries, bad arguments are refused", async () => {
  const rig = await openWithTwoPending();
  assert.deepEqual(await ask(rig, "XREADGROUP GROUP g two COUNT 1 CLAIM 100 STREAMS s >"), [
    ["s", [["1-1", ["a", "1-1"], 150, 1]]],
  ]);
  await ask(rig, "XDEL s 2-1");
  assert.deepEqual(await ask(rig, "XREADGROUP GROUP g two CLAIM 100 COUNT 5 STREAMS s >"), [
    ["s", [["3-1", ["a", "3-1"], 0, 0]]],
  ]);
  assert.deepEqual(await ask(rig, "XPENDING s g"), [2, "1-1", "3-1", [["two", "2"]]]);
  for (const line of ["XREADGROUP GROUP g two CLAIM -1 STREAMS s >", "XREAD CLAIM 1 STREAMS s 0"])
    await assert.rejects(ask(rig, line));
});

test("a reader that waits gets an entry once it has been idle for so long", async () => {
  const rig = await openWithTwoPending();
  await ask(rig, "XREADGROUP GROUP g one STREAMS s >");
  await ask(rig, "XACK s g 1-1 2-1");
  const client = new RedisClient(rig.connect("redis"));
  let answer: RedisReply | undefined;
  const words = "XREADGROUP GROUP g two BLOCK 0 CLAIM 1000 STREAMS s >".split(" ");
  client.call(words, (reply) => (answer = reply));
  await rig.pass(900);
  assert.equal(answer, undefined);
  await rig.pass(300);
  await rig.until(() => answer !== undefined, "an answer");
  assert.deepEqual((plain(answer) as unknown[][])[0]![0], "s");
  const [entry] = (plain(answer) as [string, unknown[][]][])[0]![1];
  assert.deepEqual([entry![0], entry![3]], ["3-1", 1]);
  client.cut();
});

/** Entries of a group that `one` has pending since the ages of `idleMs`, which it is told by the offset. */
async function withPending(count: number, idleMs: (index: number) => number): Promise<DurableRig> {
  const rig = await DurableRig.open(1, { journalBytesMax: 1 << 24 });
  await ask(rig, "XGROUP CREATE s g 0 MKSTREAM");
  const cursor = rig.broker.vhost("/")!.queue("s").groups.get("g")!;
  const owner = cursor.addOwner("one", rig.time.now());
  for (let i = 0; i < count; i++)
    cursor.assign(i, owner.id, 1, rig.time.now() - idleMs(i), new EntryId().set(i + 1, 1));
  return rig;
}

function wait(rig: DurableRig, line: string): { client: RedisClient; answers: RedisReply[] } {
  const client = new RedisClient(rig.connect("redis"));
  const answers: RedisReply[] = [];
  client.call(line.split(" "), (reply) => answers.push(reply));
  return { client, answers };
}

async function untilWaiting(rig: DurableRig, count: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    if (String(await ask(rig, "INFO clients")).includes(`blocked_clients:${count}\r`)) return;
    assert.ok(tries < 1000, `${count} clients wait`);
  }
}

// 4096 are looked at by one call.
for (const count of [4096, 8191, 8192, 12_288]) {
  test(`of ${count} pending entries a reader that waits finds those that are idle first, wherever they are`, async () => {
    for (const isSecondHalf of [false, true]) {
      const isOld = (index: number): boolean => index >= count / 2 === isSecondHalf;
      const rig = await withPending(count, (index) => (isOld(index) ? 2500 : 0));
      const { cursor, claimed } = watchClaims(rig);
      const { client } = wait(rig, "XREADGROUP GROUP g two COUNT 1 BLOCK 0 CLAIM 3000 STREAMS s >");
      await rig.pass(400);
      assert.deepEqual(claimed, []);
      await rig.pass(200);
      assert.equal(claimed.length, 1, "one is idle for 3000 ms");
      assert.ok(isOld(claimed[0]!), String(claimed[0]));
      assert.equal(cursor.pending.size, count - 1);
      client.cut();
    }
  });
}

/** Entries that are settled, since their stream has none of them: what a claim takes first. */
function watchClaims(rig: DurableRig): { cursor: GroupCursor; claimed: number[] } {
  const cursor = rig.broker.vhost("/")!.queue("s").groups.get("g")!;
  const claimed: number[] = [];
  const settle = cursor.settle.bind(cursor);
  cursor.settle = (offset) => {
    claimed.push(offset);
    return settle(offset);
  };
  return { cursor, claimed };
}

test("of a hundred readers that wait for idle entries one looks at a new one, and none at what is pending", async () => {
  const rig = await withPending(3000, () => 0);
  const { pending } = rig.broker.vhost("/")!.queue("s").groups.get("g")!;
  const waits = Array.from({ length: 100 }, (_, n) =>
    wait(rig, `XREADGROUP GROUP g c${n} BLOCK 0 CLAIM 60000 STREAMS s >`),
  );
  await untilWaiting(rig, waits.length);
  let looks = 0;
  const timeOf = pending.timeOf.bind(pending);
  pending.timeOf = (offset) => {
    looks++;
    return timeOf(offset);
  };
  for (let round = 0; round < 10; round++) {
    await ask(rig, "XADD s * a 1");
    await rig.until(() => waits[round]!.answers.length === 1, "the reader that came first");
  }
  assert.equal(waits.filter(({ answers }) => answers.length > 0).length, 10, "each entry goes to one reader");
  assert.ok(looks < 100, `${looks} looks at pending entries`);
  for (const { client } of waits) client.cut();
});

test("readers of a group that claim and those that do not get new entries in the order in which they came", async () => {
  const rig = await withPending(0, () => 0);
  const claiming = "XREADGROUP GROUP g c BLOCK 0 CLAIM 60000 STREAMS s >";
  const plainly = "XREADGROUP GROUP g p BLOCK 0 STREAMS s >";
  const waits: ReturnType<typeof wait>[] = [];
  for (const line of [claiming, plainly, claiming, plainly]) {
    waits.push(wait(rig, line));
    await untilWaiting(rig, waits.length);
  }
  for (let round = 0; round < waits.length; round++) {
    await ask(rig, "XADD s * a 1");
    await rig.until(() => waits[round]!.answers.length === 1, `reader ${round}`);
    const served = waits.filter(({ answers }) => answers.length > 0).length;
    assert.equal(served, round + 1);
  }
  for (const { client } of waits) client.cut();
});

test("a reader is not held up by one before it that claims later", async () => {
  const rig = await withPending(1, () => 0);
  await ask(rig, "XADD s * a 1");
  await ask(rig, "XREADGROUP GROUP g one STREAMS s >");
  const late = wait(rig, "XREADGROUP GROUP g late BLOCK 0 CLAIM 60000 STREAMS s >");
  await untilWaiting(rig, 1);
  const soon = wait(rig, "XREADGROUP GROUP g soon BLOCK 0 CLAIM 500 STREAMS s >");
  await rig.pass(700);
  await rig.until(() => soon.answers.length === 1, "the one that claims after 500 ms");
  assert.equal(late.answers.length, 0);
  late.client.cut();
  soon.client.cut();
});
