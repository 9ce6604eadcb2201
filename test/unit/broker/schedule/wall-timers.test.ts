/** What is due is done at its time, not before and in order, whatever the wall clock does; removed owners are passed over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock, Timers } from "../../../../src/base/clock.ts";
import { TurnWork } from "../../../../src/base/turn-work.ts";
import { WallTimers } from "../../../../src/broker/schedule/timers.ts";

/** A clock that tests move, with timers that fire as it does. */
class Time implements Clock, Timers {
  wall = 1_000_000;
  #passed = 0;
  readonly waiting = new Set<{ at: number; action: () => void }>();
  #tickEnds: (() => void)[] = [];

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.#passed;
  }

  after(delayMs: number, action: () => void): { cancel(): void } {
    assert.ok(delayMs >= 0 && delayMs <= 10_000, String(delayMs));
    const timer = { at: this.#passed + delayMs, action };
    this.waiting.add(timer);
    return { cancel: () => void this.waiting.delete(timer) };
  }

  atTickEnd(action: () => void): void {
    this.#tickEnds.push(action);
  }

  endTicks(): void {
    while (this.#tickEnds.length > 0) for (const action of this.#tickEnds.splice(0)) action();
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left--) {
      this.#passed++;
      this.wall++;
      for (const timer of this.waiting) {
        if (timer.at > this.#passed) continue;
        this.waiting.delete(timer);
        timer.action();
      }
      this.endTicks();
    }
  }
}

function open() {
  const time = new Time();
  let ticks = 0;
  const timers = new WallTimers({
    clock: time,
    timers: time,
    work: new TurnWork(time),
    requestTick: () => void ticks++,
  });
  const done: string[] = [];
  const owner = (name: string): number =>
    timers.addOwner({
      due: (item, at) => {
        assert.ok(at <= time.wall, "not early");
        done.push(`${name}${item}@${time.wall - 1_000_000}`);
        return 1;
      },
      isWanted: () => true,
    });
  return { time, timers, done, owner, ticks: () => ticks };
}

test("each at its time, with one timer for all", () => {
  const { time, timers, done, owner } = open();
  const a = owner("a");
  const b = owner("b");
  timers.add(1_000_050, a, 1);
  timers.add(1_000_020, b, 2);
  timers.add(1_000_020, a, 1);
  timers.add(1_030_000, a, 3);
  assert.equal(time.waiting.size, 1);
  time.pass(40_000);
  assert.deepEqual(done, ["a1@20", "b2@20", "a1@50", "a3@30000"]);
  assert.equal(timers.size, 0);
  assert.equal(time.waiting.size, 0);
});

test("a clock that is set back makes nothing early, one that is set forward is noticed", () => {
  const { time, timers, done, owner } = open();
  const a = owner("a");
  timers.add(1_000_100, a, 1);
  time.pass(50);
  time.wall -= 1000;
  time.pass(60);
  assert.deepEqual(done, []);
  time.pass(1000);
  assert.deepEqual(done, ["a1@100"]);
  timers.add(time.wall + 3_600_000, a, 2);
  time.wall += 3_600_000;
  time.pass(10_000);
  assert.equal(done.length, 2);
});

test("many that are due together are done in several turns", () => {
  const { time, timers, done, owner, ticks } = open();
  const a = owner("a");
  for (let i = 0; i < 5000; i++) timers.add(1_000_010, a, i);
  time.pass(10);
  assert.equal(done.length, 5000);
  assert.ok(ticks() > 10);
});

test("what a removed owner had is passed over, and its number is used again only then", () => {
  const { time, timers, done, owner } = open();
  const a = owner("a");
  timers.add(1_000_010, a, 1);
  timers.removeOwner(a);
  assert.notEqual(owner("b"), a);
  time.pass(20);
  assert.deepEqual(done, []);
  assert.equal(owner("c"), a);
});

test("what is of no use is dropped before its time once it is more than half, and nothing else", () => {
  const { time, timers, done, owner } = open();
  const wanted = new Set<number>();
  const taken: number[] = [];
  const own = timers.addOwner({
    due: (item) => (wanted.delete(item) ? taken.push(item) : 0),
    isWanted: (item) => wanted.has(item),
  });
  const count = 20_000;
  for (let item = 0; item < count; item++) {
    wanted.add(item);
    timers.add(1_000_100 + ((item * 7919) % 1000), own, item);
  }
  const kept = new Set<number>();
  for (let item = 0; item < count; item++) {
    if (item % 4 === 0) kept.add(item);
    else if (wanted.delete(item)) timers.becameStale(own);
  }
  time.endTicks();
  assert.ok(timers.size >= kept.size && timers.size <= count / 2, String(timers.size));
  const gone = owner("gone");
  for (let item = 0; item < count; item++) timers.add(1_000_050, gone, item);
  timers.removeOwner(gone);
  time.endTicks();
  assert.ok(timers.size <= count / 2, String(timers.size));
  time.pass(1200);
  assert.deepEqual([done, timers.size], [[], 0]);
  assert.deepEqual(new Set(taken), kept);
});

test("nothing is done until all who hold the timers have released them, nor what was begun goes on", () => {
  const { time, timers, done, owner } = open();
  const a = owner("a");
  timers.hold();
  timers.hold();
  timers.add(1_000_010, a, 1);
  time.pass(50);
  timers.release();
  time.pass(50);
  assert.deepEqual(done, []);
  timers.release();
  time.pass(1);
  assert.deepEqual(done, ["a1@101"]);
  const holder = timers.addOwner({
    due: () => {
      timers.hold();
      return 1000;
    },
    isWanted: () => true,
  });
  timers.add(time.wall + 10, holder, 1);
  timers.add(time.wall + 11, a, 2);
  time.wall += 100;
  time.pass(100);
  assert.equal(done.length, 1);
  timers.release();
  time.pass(100);
  assert.equal(done.length, 2);
});

test("where very many wait, the owner of the first is told once, some time before it is due", () => {
  const { time, timers } = open();
  const told: number[] = [];
  let done = 0;
  const many = timers.addOwner({
    due: () => ++done,
    isWanted: () => true,
    soon: (at) => void told.push(at - time.wall),
  });
  for (let i = 0; i < 20_000; i++) timers.add(1_060_000 + (i % 100), many, i);
  time.pass(57_000);
  assert.deepEqual(told, []);
  time.pass(3000);
  assert.equal(told.length, 1);
  assert.ok(told[0]! > 1000 && told[0]! <= 2000, `${told[0]} ms before`);
  time.pass(1000);
  assert.deepEqual([told.length, done], [1, 20_000]);
});
