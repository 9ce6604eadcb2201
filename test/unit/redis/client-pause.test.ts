/** CLIENT PAUSE and UNPAUSE over a clock that the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

test("of two pauses the later end counts; a pause after UNPAUSE ends at its own time", async () => {
  const rig = await DurableRig.open(1);
  const client = new RedisClient(rig.connect("redis"));
  const replies: RedisReply[] = [];
  const set = (): void => client.call(["SET", "k", "v"], (reply) => replies.push(reply));
  await rig.redis("CLIENT", "PAUSE", 10_000, "WRITE");
  await rig.redis("CLIENT", "PAUSE", 1000, "WRITE");
  set();
  await rig.pass(5000);
  assert.equal(replies.length, 0, "the earlier pause is the longer one");
  await rig.redis("CLIENT", "UNPAUSE");
  await rig.until(() => replies.length === 1, "the write");
  await rig.redis("CLIENT", "PAUSE", 1000, "WRITE");
  set();
  await rig.pass(900);
  assert.equal(replies.length, 1);
  await rig.pass(200);
  await rig.until(() => replies.length === 2, "the write after the second pause");
  client.cut();
});
