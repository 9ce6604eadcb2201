/**
 * The disk fails while a queue delivers, drops or gives up records, at each of its reads in turn: each record is in one place all the
 * same, and comes out again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { setSizes } from "../../../src/base/sizes.ts";
import { takeOnce } from "../../../src/broker/queue/delivery.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import type { QueueConsumer } from "../../../src/broker/queue/readers.ts";
import { type BareBroker, openBareBroker, publishTo } from "../../support/bare-broker.ts";

const count = 6;
const readsMax = 200;
const holder = 9;

type After = { after(action: () => void): void };

interface Rig extends BareBroker {
  readonly queue: Queue;
  readonly letters: Queue;
}

/** A queue of which little is in memory: almost each look at a record is a read of the disk. */
async function openRig(t: After, args: Record<string, string | number> = {}): Promise<Rig> {
  setSizes({ chunkBytes: 512, journalCacheBytes: 512, readBlockBytes: 512, readBlocksMax: 1 });
  t.after(() => setSizes({}));
  const bare = await openBareBroker();
  const letters = bare.declare("letters");
  const other = bare.declare("other");
  const queue = bare.declare("q", {
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "letters",
    ...args,
  });
  for (let i = 0; i < count; i++) {
    publishTo(queue, String(i).padEnd(200, "x"));
    publishTo(other, "y".repeat(900));
    const before = bare.ticks();
    await bare.turnsUntil(() => bare.ticks() > before);
    bare.pass(limits.lazySyncDelayMs);
    await bare.turnsUntil(() => bare.broker.storage.durable === bare.broker.storage.written);
  }
  return { ...bare, queue, letters };
}

/** Numbers of the messages that are ready, as they come out. */
function drained(queue: Queue): number[] {
  const numbers: number[] = [];
  while (takeOnce(queue, holder) === "taken") {
    const { buffer, start, end } = queue.cursor!.record;
    numbers.push(Number(/\d(?=x{50})/.exec(buffer.latin1Slice(start, end))![0]));
  }
  return numbers;
}

/** Does it again and again, each time with another read that fails, until none does. */
async function eachRead(
  open: () => Promise<Rig>,
  action: (rig: Rig) => readonly number[] | void,
  whatIs: (rig: Rig) => void = () => {},
): Promise<void> {
  for (let failing = 1; ; failing++) {
    assert.ok(failing < readsMax, "it reads without end");
    const rig = await open();
    rig.disk.failingRead = failing;
    let out: readonly number[] = [];
    try {
      out = action(rig) ?? [];
    } catch (error) {
      assert.match((error as Error).message, /cannot be read/);
    }
    const hasFailed = rig.disk.failingRead === 0;
    rig.disk.failingRead = 0;
    whatIs(rig);
    // It is looked at again a second later.
    rig.queue.catchUp();
    const all = [...out, ...drained(rig.queue), ...drained(rig.letters)].toSorted((a, b) => a - b);
    assert.deepEqual(all, [...Array(count).keys()], `read ${failing}`);
    if (!hasFailed) return assert.ok(failing > 2, `${failing} reads`);
  }
}

function take(queue: Queue): number {
  assert.equal(takeOnce(queue, holder), "taken");
  return queue.cursor!.record.offset;
}

/** Takes messages until it has `most`, of which it cannot show one. */
function consumer(
  most: number,
  { failsAt = -1, isNoAck = true } = {},
): QueueConsumer & { readonly got: number[] } {
  const got: number[] = [];
  let shown = 0;
  return {
    id: 7,
    priority: 0,
    isNoAck,
    isExclusive: false,
    isParked: false,
    got,
    canTake: () => got.length < most,
    deliver(_queue, cursor) {
      if (shown++ === failsAt) throw new Error("it cannot be shown");
      const { record } = cursor;
      got.push(Number(/\d(?=x{50})/.exec(record.buffer.latin1Slice(record.start, record.end))![0]));
    },
    cancelled: () => {},
  };
}

test("what was given back goes out again", async (t) => {
  for (const isNoAck of [false, true]) {
    await eachRead(
      async () => {
        const rig = await openRig(t);
        const held = Array.from({ length: count }, () => take(rig.queue));
        for (const offset of held) rig.queue.requeue(offset);
        return rig;
      },
      ({ queue }) => {
        const each = consumer(3, { isNoAck });
        queue.addConsumer(each);
        queue.catchUp();
        return each.got;
      },
    );
  }
});

test("what goes to a consumer without acknowledgements", (t) =>
  eachRead(
    () => openRig(t),
    ({ queue }) => {
      const each = consumer(4);
      queue.addConsumer(each);
      queue.catchUp();
      return each.got;
    },
  ));

test("what a consumer without acknowledgements cannot be shown goes out again", async (t) => {
  for (const history of [{}, { "x-history-ms": 60_000 }]) {
    const { queue } = await openRig(t, history);
    const each = consumer(5, { failsAt: 2 });
    queue.addConsumer(each);
    queue.catchUp();
    assert.deepEqual(each.got, [0, 1]);
    assert.equal(queue.readyCount, count - 2);
    queue.catchUp();
    assert.deepEqual(each.got, [0, 1, 2, 3, 4]);
    queue.removeConsumers([each]);
    assert.deepEqual(drained(queue), [5]);
    assert.equal(queue.log.length, "x-history-ms" in history ? count : 1);
  }
});

test("dead letters of a queue that is too long", (t) =>
  eachRead(
    () => openRig(t),
    ({ queue }) => {
      queue.applyLayers({ policy: { "max-length": 2 }, operatorPolicy: null });
      for (let i = 0; i < count; i++) queue.catchUp();
    },
  ));

test("dead letters of messages that are rejected", (t) =>
  eachRead(
    () => openRig(t),
    ({ queue, broker }) => {
      for (let i = 0; i < 3; i++) {
        const offset = take(queue);
        try {
          broker.retention.discard(queue, offset, "rejected");
        } catch {
          // The session says so to its client.
        }
      }
    },
  ));

test("a record that cannot be read holds a queue with priorities up until it can be", async (t) => {
  const { close, disk } = await openRig(t, { "x-max-priority": 3 });
  await close();
  let heldUp = 0;
  for (let failing = 1; ; failing++) {
    assert.ok(failing < readsMax, "it reads without end");
    disk.failingRead = failing;
    // Some of the reads are the start's own.
    const bare = await openBareBroker(disk).catch((error: Error) => {
      assert.match(error.message, /EIO|cannot be read/);
      return null;
    });
    if (bare === null) continue;
    const queue = bare.broker.defaultVhost.queue("q");
    const hasFailed = disk.failingRead === 0;
    disk.failingRead = 0;
    if (!hasFailed) {
      assert.ok(!queue.isFiling);
      assert.deepEqual(drained(queue), [...Array(count).keys()]);
      break;
    }
    if (queue.isFiling) {
      heldUp++;
      assert.throws(() => takeOnce(queue, holder), /cannot be read/);
      bare.pass(1000);
      await bare.turnsUntil(() => !queue.isFiling);
    }
    assert.equal(queue.readyCount, count);
    await bare.close();
  }
  assert.ok(heldUp > 0);
});
