/** The handles of entries that come later: none stands for two of them. Who may cancel what: test/clients/redis/troika. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setSizes } from "../../../../src/base/sizes.ts";
import type { RecordBytes } from "../../../../src/broker/schedule/enter-stream.ts";
import { Timetable } from "../../../../src/broker/schedule/timetable.ts";
import { EntryId } from "../../../../src/message/entry-id.ts";
import { envelope } from "../../../../src/message/envelope.ts";
import { RedisClient } from "../../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../../support/durable-rig.ts";
import { openBareBroker } from "../../../support/bare-broker.ts";

test("an entry that has entered its stream leaves its handle to nobody, in the same millisecond either", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  const timetable = new Timetable(broker, { vhostPrefix: "\0scheduled/", enter: () => true });
  const vhost = broker.createVhost("v");
  const bytes = Buffer.from("entry");
  const add = (due: number): string => {
    const handle = new EntryId();
    const record = { due, envelope: envelope.redis, buffer: bytes, start: 0, end: bytes.length };
    timetable.add(vhost, "s", record, handle);
    return handle.toString();
  };
  const first = add(broker.clock.now());
  bare.pass(0);
  await bare.turnsUntil(() => timetable.find(vhost, "s") === undefined);
  assert.equal(timetable.delivered, 1);
  const second = add(broker.clock.now() + 1000);
  assert.notEqual(second, first);
  assert.equal(timetable.cancel(vhost, "s", idOf(first)), false, "it has entered its stream");
  assert.equal(timetable.cancel(vhost, "s", idOf(second)), true);
  await bare.close();
});

function idOf(handle: string): EntryId {
  const [ms, sequence] = handle.split("-").map(Number) as [number, number];
  return new EntryId().set(ms, sequence);
}

test("after a restart what is overdue enters in the order of its times, though another timetable has read its records before", async () => {
  const rig = await DurableRig.open(1, { turnBounds: { turnWorkUnits: 100, turnWorkSliceUnits: 100 } });
  const client = new RedisClient(rig.connect("redis"));
  const count = 1000;
  const due = rig.time.now() + 60_000;
  let added = 0;
  // Each is due before those that were added before it.
  for (let i = 0; i < count; i++)
    client.call(["TROIKA.XADD", "s", "DELIVERAT", due - i, "*", "n", count - 1 - i], () => added++);
  await rig.until(() => added === count, "the entries");
  // Messages of a delayed exchange, which is gone: more than one turn reads, and fewer.
  const delayed = new Timetable(rig.broker, { vhostPrefix: "\0delayed/", enter: () => true });
  const bytes = Buffer.from("message");
  const record = { due, envelope: envelope.amqp, buffer: bytes, start: 0, end: bytes.length };
  for (let i = 0; i < 200; i++) delayed.add(rig.broker.vhost("/")!, "x", record, new EntryId());
  await rig.redis("PING");
  rig.process.kill("kill");
  rig.time.advance(120_000);
  // Timers fire between the turns in which the records are read.
  const endTick = rig.time.endTick.bind(rig.time);
  rig.time.endTick = () => {
    endTick();
    rig.time.advance(1);
  };
  await rig.start();
  while (rig.broker.wallTimers.size > 0) await rig.pass(100);
  const entries = (await rig.redis("XRANGE", "s", "-", "+")) as [string, [string, string]][];
  assert.deepEqual(
    entries.map(([, [, n]]) => Number(n)),
    Array.from({ length: count }, (_, n) => n),
  );
});

test("what cannot be read after a restart comes all the same, once each", async (t) => {
  setSizes({ chunkBytes: 512, journalCacheBytes: 512, readBlockBytes: 512, readBlocksMax: 1 });
  t.after(() => setSizes({}));
  const count = 20;
  const dueAfterMs = 60_000;
  const readsMax = 100;
  const options = (entered: string[]) => ({
    vhostPrefix: "\0scheduled/",
    enter: (_vhost: string, _name: string, { buffer, start, end }: RecordBytes) => {
      entered.push(buffer.latin1Slice(start, end));
      return true;
    },
  });
  for (let failing = 1, hasFailed = true; hasFailed; failing++) {
    assert.ok(failing < readsMax, "it reads without end");
    const first = await openBareBroker();
    const { clock } = first.broker;
    const due = clock.now() + dueAfterMs;
    const before = new Timetable(first.broker, options([]));
    const vhost = first.broker.defaultVhost;
    for (let i = 0; i < count; i++) {
      const bytes = Buffer.from(String(i).padEnd(100, "x"));
      const record = { due, envelope: envelope.redis, buffer: bytes, start: 0, end: bytes.length };
      before.add(vhost, "s", record, new EntryId());
    }
    await first.close();
    const { broker, disk, pass, turnsUntil, close } = await openBareBroker(first.disk);
    const entered: string[] = [];
    const timetable = new Timetable(broker, options(entered));
    disk.failingRead = failing;
    timetable.begin();
    hasFailed = disk.failingRead === 0;
    disk.failingRead = 0;
    // Added before the rest is known.
    const bytes = Buffer.from(String(count).padEnd(100, "x"));
    const record = { due, envelope: envelope.redis, buffer: bytes, start: 0, end: bytes.length };
    timetable.add(broker.defaultVhost, "s", record, new EntryId());
    pass(dueAfterMs / 2);
    pass(dueAfterMs);
    await turnsUntil(() => timetable.find(broker.defaultVhost, "s") === undefined);
    assert.deepEqual(
      entered.map((text) => Number.parseInt(text, 10)).toSorted((a, b) => a - b),
      Array.from({ length: count + 1 }, (_, i) => i),
      `read ${failing}`,
    );
    await close();
    if (!hasFailed) assert.ok(failing > 2, `${failing} reads`);
  }
});
