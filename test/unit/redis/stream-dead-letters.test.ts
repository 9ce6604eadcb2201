/** Dead letters whose stream cannot take them: the group goes on, and what they say once it can. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { implicitStream } from "../../../src/broker/queue/lifecycle.ts";
import { DurableRig } from "../../support/durable-rig.ts";

function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  return Buffer.isBuffer(reply) ? reply.latin1Slice() : reply;
}

async function ask(rig: DurableRig, line: string): Promise<unknown> {
  return plain(await rig.redis(...line.split(" ")));
}

/** The names of the pending entries' holders. */
async function holders(rig: DurableRig, key: string): Promise<unknown[]> {
  return ((await ask(rig, `XPENDING ${key} g - + 10`)) as unknown[][]).map(([, holder]) => holder);
}

test("a group whose stream has too long a name for `.dead` goes on, and its letters wait", async () => {
  const rig = await DurableRig.open(1);
  const key = "s".repeat(253);
  const args = { "x-retry-limit": 1 };
  rig.broker.vhost("/")!.declareQueue({ ...implicitStream, isImplicit: false, name: key, args });
  await ask(rig, `XGROUP CREATE ${key} g 0`);
  for (const id of ["1-1", "2-1"]) await ask(rig, `XADD ${key} ${id} a 1`);
  await ask(rig, `XREADGROUP GROUP g alice STREAMS ${key} >`);
  assert.deepEqual(await ask(rig, `XREADGROUP GROUP g alice COUNT 1 STREAMS ${key} 0`), [[key, []]]);
  assert.deepEqual(await holders(rig, key), ["troika.retry", "troika.retry"]);
  assert.deepEqual(await ask(rig, `XAUTOCLAIM ${key} g bob 0 0`), ["0-0", [], []]);
  await ask(rig, `XADD ${key} 3-1 a 1`);
  await rig.pass(6000);
  const news = (await ask(rig, `XREADGROUP GROUP g alice STREAMS ${key} >`)) as [[string, [[string]]]];
  assert.deepEqual(
    news[0][1].map(([id]) => id),
    ["3-1"],
  );
  assert.equal(await ask(rig, `XACK ${key} g 1-1 2-1`), 2);
});
