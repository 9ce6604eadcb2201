/** WAITAOF says 1 once what was written before it is on stable storage, and waits for that no longer than it was told to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

test("what WAITAOF has confirmed survives the loss of power", async () => {
  const rig = await DurableRig.open(1);
  await rig.redis("SET", "a", "1");
  assert.deepEqual(await rig.redis("WAITAOF", 1, 0, 0), [1, 0]);
  rig.process.kill("power");
  await rig.start();
  assert.equal(String(await rig.redis("GET", "a")), "1");
});

test("WAITAOF behind a write that a sync under way does not have waits for the next one", async () => {
  const rig = await DurableRig.open(3);
  const answers: RedisReply[] = [];
  const clients = [1, 2, 3].map((number) => {
    const client = new RedisClient(rig.connect("redis"));
    client.call(["SET", "a", String(number)], () => {});
    client.call(["WAITAOF", 1, 0, 0], (reply) => answers.push(reply));
    // The tick ends and begins a sync; the disk does nothing yet, so the next one comes while that is under way.
    for (const link of rig.process.links) while (link.isBusy) link.step();
    while (rig.time.hasTickEnd) rig.time.endTick();
    return client;
  });
  assert.equal(answers.length, 0);
  await rig.until(() => answers.length === 3, "three answers");
  for (const answer of answers) assert.deepEqual(answer, [1, 0]);
  for (const client of clients) client.cut();
});

test("a replica is waited for until the timeout; bad arguments are refused in redis's words", async () => {
  const rig = await DurableRig.open(2);
  const client = new RedisClient(rig.connect("redis"));
  let answer: RedisReply | undefined;
  client.call(["WAITAOF", 0, 1, 500], (reply) => (answer = reply));
  await rig.pass(400);
  assert.equal(answer, undefined);
  await rig.pass(200);
  await rig.until(() => answer !== undefined, "an answer");
  assert.equal((answer as unknown as RedisReply[])[1], 0);
  client.cut();
  assert.equal(((await rig.redis("WAITAOF", 0, 0, 0)) as RedisReply[]).length, 2);
  for (const [words, text] of [
    [["2", "0", "0"], "value is out of range, value must between 0 and 1"],
    [["x", "0", "0"], "value is not an integer or out of range"],
    [["0", "x", "0"], "value is out of range, must be positive"],
    [["0", "-1", "0"], "value is out of range, must be positive"],
    [["0", "0", "x"], "timeout is not an integer or out of range"],
    [["0", "0", "-1"], "timeout is negative"],
  ] as const)
    await assert.rejects(rig.redis("WAITAOF", ...words), new RegExp(text));
});
