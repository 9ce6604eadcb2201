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

/** The fields of the dead letters, but for those that say which entry it was. */
async function letters(rig: DurableRig, key: string): Promise<Record<string, string>[]> {
  const entries = (await ask(rig, `XRANGE ${key} - +`)) as [string, string[]][];
  return entries.map(([, fields]) => {
    const pairs: [string, string][] = [];
    for (let at = 0; at < fields.length; at += 2) pairs.push([fields[at]!, fields[at + 1]!]);
    const {
      "troika.reason": reason,
      "troika.consumer": consumer,
      "troika.last": last,
    } = Object.fromEntries(pairs);
    return { reason: reason!, consumer: consumer!, last: last! };
  });
}

/** How long the letter waits for its stream, and what happens meanwhile. */
const meanwhile: Record<string, (rig: DurableRig) => Promise<unknown>> = {
  "time passes": () => Promise.resolve(),
  "a kill": (rig) => rig.kill(),
  "a restart": (rig) => rig.restart(),
  // The journal's old files go, so that the state is written in full.
  "much is written, and a kill": async (rig) => {
    for (let i = 0; i < 20; i++) await rig.redis("SET", `k${i % 2}`, "v".repeat(20_000));
    await rig.pass(2000);
    await rig.kill();
  },
  "the stream is renamed": async (rig) => {
    await ask(rig, "RENAME s t");
  },
  "the consumer is deleted": (rig) => ask(rig, "XGROUP DELCONSUMER s g worker"),
  "another command would deliver it": (rig) => ask(rig, "XAUTOCLAIM s g other 0 0"),
};

for (const [what, happens] of Object.entries(meanwhile)) {
  test(`a dead letter that waits for its stream says who gave it up, when and why: ${what}`, async () => {
    const rig = await DurableRig.open(1);
    await ask(rig, "XGROUP CREATE s g 0 MKSTREAM");
    await ask(rig, "XADD s 1-1 f v");
    await ask(rig, "TROIKA.GROUP s g MAXDELIVER 1 DEADLETTER d");
    const last = String(rig.time.now());
    await ask(rig, "XREADGROUP GROUP g worker STREAMS s >");
    await ask(rig, "SET d value");
    await rig.pass(1000);
    assert.equal(await ask(rig, "TROIKA.NACK s g 1-1 REASON broken"), 1);
    // It is tried in vain.
    await rig.pass(12_000);
    await happens(rig);
    await ask(rig, "DEL d");
    await rig.pass(12_000);
    assert.deepEqual(await letters(rig, "d"), [{ reason: "broken", consumer: "worker", last }]);
  });
}

test("a copy's letters say the same, and a further delivery is the one that counts", async () => {
  const rig = await DurableRig.open(1);
  await ask(rig, "XGROUP CREATE s g 0 MKSTREAM");
  await ask(rig, "XADD s 1-1 f v");
  await ask(rig, "TROIKA.GROUP s g MAXDELIVER 2 DEADLETTER d");
  await ask(rig, "XREADGROUP GROUP g first STREAMS s >");
  await ask(rig, "TROIKA.NACK s g 1-1 DELAY 100 REASON early");
  await rig.pass(1000);
  const last = String(rig.time.now());
  await ask(rig, "XREADGROUP GROUP g second STREAMS s >");
  await ask(rig, "SET d value");
  await rig.pass(1000);
  await ask(rig, "TROIKA.NACK s g 1-1 REASON late");
  await ask(rig, "COPY s t");
  await ask(rig, "DEL d");
  await rig.pass(12_000);
  const letter = { reason: "late", consumer: "second", last };
  assert.deepEqual(await letters(rig, "d"), [letter, letter]);
});

test("an entry that waits for its next delivery and dies, since the policy became stricter, says why it was given up", async () => {
  const rig = await DurableRig.open(1);
  await ask(rig, "XGROUP CREATE s g 0 MKSTREAM");
  await ask(rig, "XADD s 1-1 f v");
  await ask(rig, "TROIKA.GROUP s g MAXDELIVER 5 DEADLETTER d");
  const last = String(rig.time.now());
  await ask(rig, "XREADGROUP GROUP g worker STREAMS s >");
  await rig.pass(100);
  await ask(rig, "TROIKA.NACK s g 1-1 DELAY 1000 REASON broken");
  await ask(rig, "TROIKA.GROUP s g MAXDELIVER 1 DEADLETTER d");
  await rig.pass(3000);
  assert.deepEqual(await letters(rig, "d"), [{ reason: "broken", consumer: "worker", last }]);
});
