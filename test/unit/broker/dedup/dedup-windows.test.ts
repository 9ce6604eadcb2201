/**
 * What the journal keeps of windows: an id is there after a kill exactly if its message is, whatever the cleaner has done meanwhile; an id
 * that is too old is neither in memory nor written again; windows of other destinations and rules are kept apart; memory is bounded.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Queue } from "../../../../src/broker/queue/queue.ts";
import type { DedupWindow } from "../../../../src/broker/dedup/dedup-window.ts";
import { DedupWindows } from "../../../../src/broker/dedup/dedup-windows.ts";
import { blockIds } from "../../../../src/broker/dedup/id-blocks.ts";
import { dedupByOf } from "../../../../src/message/identity/dedup-by.ts";
import { Seeded } from "../../../../sim/seeded.ts";
import { type BareBroker, openBareBroker, publishTo } from "../../../support/bare-broker.ts";

const rules = (windowMs: number, by = "message-id") => ({ windowMs, by: dedupByOf(by)! });

function knows(window: DedupWindow, id: string, now: number): boolean {
  const buffer = Buffer.from(id);
  return window.isCopy({ buffer, start: 0, end: buffer.length }, now);
}

function offer(bare: BareBroker, window: DedupWindow, queue: Queue, id: string): boolean {
  const now = bare.broker.clock.now();
  if (knows(window, id, now)) return false;
  publishTo(queue, id);
  window.accept(queue.log.nextOffset - 1, now);
  return true;
}

const args = (windowMs: number): Record<string, string | number> => ({ "x-dedup-window-ms": windowMs });

test("after a kill an id is known exactly if its message is there", async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const random = new Seeded(seed);
    let bare = await openBareBroker();
    const names = ["a", "b", "c"];
    for (const name of names) bare.declare(name, args(10_000_000));
    for (let round = 0; round < 4; round++) {
      for (const name of names) {
        const queue = bare.broker.defaultVhost.queue(name);
        const window = bare.broker.dedup.windowOf(queue.log, rules(10_000_000));
        for (let i = random.below(1500); i >= 0; i--) {
          bare.pass(random.below(2));
          offer(bare, window, queue, `${name}-${random.below(6000)}`);
          // Ends a tick, or lets the disk do something.
          if (random.below(40) === 0) bare.broker.ticker.run();
          if (random.below(60) === 0 && bare.disk.waiting > 0) await bare.disk.step();
        }
      }
      bare.disk.crash("kill");
      bare = await openBareBroker(bare.disk);
      for (const name of names) {
        const queue = bare.broker.defaultVhost.queue(name);
        const window = bare.broker.dedup.windowOf(queue.log, rules(10_000_000));
        const there = new Set<string>();
        const reader = queue.reader();
        while (reader.next())
          there.add(reader.buffer.latin1Slice(reader.start, reader.end).replace(/^.*\0/s, ""));
        for (let i = 0; i < 6000; i++) {
          const id = `${name}-${i}`;
          assert.equal(
            knows(window, id, bare.broker.clock.now()),
            there.has(id),
            `seed ${seed}, round ${round}: ${id}`,
          );
        }
      }
    }
    await bare.close();
  }
});

test("ids that count outlive the journal's files; those that do not are not written again", async () => {
  let bare = await openBareBroker();
  const queue = bare.declare("q", args(1000));
  const window = bare.broker.dedup.windowOf(queue.log, rules(1000));
  for (let i = 0; i < 2500; i++) offer(bare, window, queue, `old-${i}`);
  const filler = bare.declare("filler");
  const fill = async (): Promise<void> => {
    const { cleaner } = bare.broker.storage;
    const before = cleaner!.filesDeleted;
    const body = "x".repeat(20_000);
    await bare.turnsUntil(() => {
      publishTo(filler, body);
      filler.log.removeBelow(filler.log.nextOffset);
      return cleaner!.filesDeleted > before + 20;
    });
  };
  await fill();
  assert.equal(window.size, 2500);
  bare.disk.crash("kill");
  bare = await openBareBroker(bare.disk);
  const again = bare.broker.dedup.windowOf(bare.broker.defaultVhost.queue("q").log, rules(1000));
  for (let i = 0; i < 2500; i++) assert.equal(knows(again, `old-${i}`, bare.broker.clock.now()), true);
  bare.pass(6000);
  await bare.turnsUntil(() => again.size === 0);
  assert.equal(bare.broker.dedup.liveBytes, 0);
  await bare.close();
});

test("a window of other rules begins empty, and so does one that was given up", async () => {
  let bare = await openBareBroker();
  const queue = bare.declare("q", args(1000));
  const { dedup } = bare.broker;
  for (const id of ["x", "w"]) offer(bare, dedup.windowOf(queue.log, rules(1000)), queue, id);
  const longer = dedup.windowOf(queue.log, rules(5000));
  assert.equal(knows(longer, "x", 1000), true, "only its length has changed");
  assert.equal(knows(dedup.windowOf(queue.log, rules(1000, "key")), "x", 1000), false);
  offer(bare, dedup.windowOf(queue.log, rules(1000, "key")), queue, "y");
  dedup.empty(queue.log);
  offer(bare, dedup.windowOf(queue.log, rules(1000)), queue, "z");
  bare.broker.ticker.run();
  bare.disk.crash("kill");
  bare = await openBareBroker(bare.disk);
  const window = bare.broker.dedup.windowOf(bare.broker.defaultVhost.queue("q").log, rules(1000));
  assert.deepEqual(
    ["x", "w", "y", "z"].map((id) => knows(window, id, 1000)),
    [false, false, false, true],
  );
  await bare.close();
});

test("all windows together take a bounded memory: the largest forgets its oldest", async () => {
  const bare = await openBareBroker();
  const [large, small] = [bare.declare("large"), bare.declare("small")];
  const clock = { now: () => 0, monotonic: () => 0 };
  const dedup = new DedupWindows({ clock, random: bare.broker.random, bytesMax: 1 << 20 });
  dedup.attach(bare.broker.storage);
  const few = dedup.windowOf(small.log, rules(1000));
  const many = dedup.windowOf(large.log, rules(1000));
  const accept = (window: DedupWindow, id: string): void => {
    assert.equal(knows(window, id, 0), false);
    window.accept(0, 0);
    if (dedup.changes.length > 1000) dedup.changes.reset();
  };
  for (let i = 0; i < 1500; i++) accept(few, `${i}`);
  for (let i = 0; i < 60_000; i++) accept(many, `${i}`);
  assert.ok(dedup.bytes <= (1 << 20) + 100_000, `${dedup.bytes} bytes`);
  assert.equal(few.size, 1500);
  assert.ok(dedup.forgottenEarly > 20_000);
  assert.equal(knows(many, "59999", 0), true);
  dedup.empty(large.log);
  dedup.empty(small.log);
  assert.equal(dedup.bytes, 0);
  await bare.close();
});

test("an id that comes again is remembered though its old entry was just forgotten for want of memory", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  const time = { now: 0 };
  const clock = { now: () => time.now, monotonic: () => time.now };
  const dedup = new DedupWindows({ clock, random: bare.broker.random, bytesMax: 60_000 });
  dedup.attach(bare.broker.storage);
  const window = dedup.windowOf(queue.log, rules(1000));
  const accept = (id: string): void => {
    assert.equal(knows(window, id, time.now), false);
    window.accept(0, time.now);
  };
  let ids = 0;
  for (; window.blocks.length < 2 || window.blocks.at(-1)!.count < blockIds; ids++) accept(`${ids}`);
  const oldest = `${ids - window.size}`;
  time.now = 1001;
  const before = window.forgottenEarly;
  accept(oldest);
  assert.equal(window.forgottenEarly, before, "what is too old is not forgotten early");
  assert.equal(knows(window, oldest, time.now), true);
  dedup.empty(queue.log);
  await bare.close();
});
