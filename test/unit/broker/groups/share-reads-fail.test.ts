/** The disk fails while records of a share group are given back, at each read in turn: each of them comes again all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../../src/base/limits.ts";
import { setSizes } from "../../../../src/base/sizes.ts";
import { SharePartition } from "../../../../src/broker/groups/share/share-partition.ts";
import { enterStreamGroup } from "../../../../src/broker/groups/share/share-start.ts";
import { implicitStream } from "../../../../src/broker/queue/lifecycle.ts";
import { type BareBroker, openBareBroker, publishTo } from "../../../support/bare-broker.ts";

const count = 6;
const readsMax = 50;
const wish = { records: 100, isStrict: true };
const taker = { take: () => true };

/** A stream of which little is in memory, all of whose records a member holds. */
async function openRig(): Promise<BareBroker & { readonly partition: SharePartition }> {
  const bare = await openBareBroker();
  const queue = bare.broker.defaultVhost.declareQueue({ ...implicitStream, name: "s" });
  const other = bare.declare("other");
  const partition = SharePartition.of(enterStreamGroup(queue, "g"));
  for (let i = 0; i < count; i++) {
    publishTo(queue, String(i).padEnd(200, "x"));
    publishTo(other, "y".repeat(900));
    const before = bare.ticks();
    await bare.turnsUntil(() => bare.ticks() > before);
    bare.pass(limits.lazySyncDelayMs);
    await bare.turnsUntil(() => bare.broker.storage.durable === bare.broker.storage.written);
  }
  assert.deepEqual(offsetsFor(partition, "one"), [...Array(count).keys()]);
  return { ...bare, partition };
}

function offsetsFor(partition: SharePartition, member: string): number[] {
  return partition
    .acquire(member, wish, taker)
    .flatMap(({ firstOffset, lastOffset }) =>
      Array.from({ length: lastOffset - firstOffset + 1 }, (_, i) => firstOffset + i),
    );
}

for (const [what, giveBack] of [
  ["whose locks have ended", ({ pass, partition }) => pass(partition.settings.lockMs)],
  ["whose session has ended", ({ partition }) => partition.leave("one")],
] as [string, (rig: Awaited<ReturnType<typeof openRig>>) => void][])
  test(`records of a member ${what} come again while the disk cannot be read`, async (t) => {
    setSizes({ chunkBytes: 512, journalCacheBytes: 512, readBlockBytes: 512, readBlocksMax: 1 });
    t.after(() => setSizes({}));
    for (let failing = 1, hasFailed = true; hasFailed; failing++) {
      assert.ok(failing < readsMax, "it reads without end");
      const rig = await openRig();
      const { broker, disk, partition, turnsUntil, ticks } = rig;
      // What looks for dead letters on the way has errors of its own.
      disk.failingRead = failing;
      giveBack(rig);
      const before = ticks();
      broker.ticker.request();
      await turnsUntil(() => ticks() > before);
      hasFailed = disk.failingRead === 0;
      disk.failingRead = 0;
      assert.deepEqual(offsetsFor(partition, "two"), [...Array(count).keys()], `read ${failing}`);
      await rig.close();
    }
  });
