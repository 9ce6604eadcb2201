/** XREADGROUP CLAIM (redis 8.4): idle entries first, with how long they were idle and how often they had been given, then news. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
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
