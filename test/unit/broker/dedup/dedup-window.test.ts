/**
 * The window of one destination beside a model that keeps every id in a Map: which messages are copies, whatever the clock does, how many
 * ids there are, and how much memory they take. What the journal keeps of it: dedup-windows.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SipHash } from "../../../../src/base/checksum/siphash.ts";
import { DedupWindow, type WindowKeeper } from "../../../../src/broker/dedup/dedup-window.ts";
import { dedupByOf } from "../../../../src/message/identity/dedup-by.ts";
import { Seeded } from "../../../../sim/seeded.ts";

function windowOf(windowMs: number, idsMax = 1_000_000): { window: DedupWindow; bytes: () => number } {
  let bytes = 0;
  const keeper: WindowKeeper = {
    hash: new SipHash(Buffer.alloc(16, 7)),
    idsMax,
    blockMade: () => {},
    blockGone: () => {},
    accepted: () => {},
    resized: (by) => (bytes += by),
  };
  const by = dedupByOf("message-id")!;
  const window = new DedupWindow(keeper, { logId: 1, byChecksum: 1, by, isDurable: false, windowMs });
  return { window, bytes: () => bytes };
}

/** Asks for an id, and accepts it unless it is a copy. */
function offer(window: DedupWindow, id: string, offset: number, now: number): boolean {
  const buffer = Buffer.from(id);
  const isCopy = window.isCopy({ buffer, start: 0, end: buffer.length }, now);
  if (!isCopy) window.accept(offset, now);
  return isCopy;
}

test("a message is a copy while the clock differs by less than the window from when the first was accepted", () => {
  const { window } = windowOf(100);
  assert.equal(offer(window, "a", 5, 1000), false);
  assert.equal(offer(window, "a", 6, 1099), true);
  assert.equal(window.offsetOfFirst, 5);
  assert.equal(offer(window, "a", 7, 1100), false, "from the window's end on it is new");
  assert.equal(offer(window, "a", 8, 1150), true);
  assert.equal(window.offsetOfFirst, 7);
  assert.equal(offer(window, "a", 9, 1001), true, "a clock that was set back a little");
  assert.equal(offer(window, "a", 10, 900), false, "and one that was set back by more than the window");
});

test("what was asked for and not accepted is not remembered", () => {
  const { window } = windowOf(100);
  const buffer = Buffer.from("a");
  assert.equal(window.isCopy({ buffer, start: 0, end: 1 }, 0), false);
  assert.equal(window.isCopy({ buffer, start: 0, end: 1 }, 0), false);
  assert.equal(window.size, 0);
});

for (const [name, windowMs, ids, steps] of [
  ["few ids", 50, 40, 20_000],
  ["many ids", 30_000, 20_000, 60_000],
  ["all ids new", 2000, Infinity, 30_000],
] as const) {
  test(`a window says what a model says, with clocks that jump: ${name}`, () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = (bound: number): number => seeded.below(bound);
      const seeded = new Seeded(seed);
      const { window, bytes } = windowOf(windowMs);
      const model = new Map<string, { at: number; offset: number; mayBeForgotten: boolean }>();
      /** Once the clock was outside of an id's window, it may be forgotten, though the clock may come back. */
      const looked = (now: number): void => {
        for (const each of model.values())
          if (Math.abs(now - each.at) >= windowMs) each.mayBeForgotten = true;
      };
      let now = 1_000_000;
      for (let step = 0; step < steps; step++) {
        const chance = random(1000);
        if (chance === 0) {
          looked(now);
          now += random(windowMs * 3) - windowMs;
          looked(now);
        } else if (chance < 500) now += random(3);
        const id = ids === Infinity ? `n${step}` : `id-${random(ids)}`;
        const known = model.get(id);
        const isCopy = known !== undefined && Math.abs(now - known.at) < windowMs;
        const said = offer(window, id, step, now);
        if (said !== isCopy) assert.ok(isCopy && known.mayBeForgotten, `seed ${seed}, step ${step}`);
        if (said) assert.equal(window.offsetOfFirst, known!.offset);
        else model.set(id, { at: now, offset: step, mayBeForgotten: false });
      }
      assert.equal(window.bytes, bytes(), "the keeper knows the window's memory");
      now += windowMs * 10;
      while (window.forgetOld(now, 256));
      assert.equal(window.size, 0);
      assert.ok(bytes() < 40_000, `${bytes()} bytes are left`);
      window.drop();
      assert.equal(bytes(), 0);
    }
  });
}

test("beyond the bound the oldest are forgotten, and counted", () => {
  const { window } = windowOf(1_000_000, 5000);
  for (let i = 0; i < 12_000; i++) assert.equal(offer(window, `${i}`, i, i), false);
  assert.equal(window.size, 5000);
  assert.equal(window.forgottenEarly, 7000);
  assert.equal(offer(window, "7000", 0, 12_000), true, "the newest are there");
  assert.equal(offer(window, "6999", 0, 12_000), false);
});

test("an id takes some 40 bytes", () => {
  const { window, bytes } = windowOf(1_000_000);
  for (let i = 0; i < 100_000; i++) offer(window, `order-${i}`, i, i);
  assert.ok(bytes() / window.size < 48, `${bytes() / window.size} bytes`);
});
