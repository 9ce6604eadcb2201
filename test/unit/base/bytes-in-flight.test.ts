/** The account of what connections hold: who is held back, who has the turn, who is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BytesHolder, BytesInFlight, type BytesShare } from "../../../src/base/bytes-in-flight.ts";
import type { Timer, Timers } from "../../../src/base/clock.ts";
import { limits } from "../../../src/base/limits.ts";

const mebibyte = 1 << 20;
/** Where holding back begins is half of the bound. */
const bytesMax = 64 * mebibyte;
const bound = 2 * bytesMax;

class FakeTimers implements Timers {
  #waiting: (() => void)[] = [];

  after(_delayMs: number, action: () => void): Timer {
    this.#waiting.push(action);
    return { cancel: () => void (this.#waiting = this.#waiting.filter((one) => one !== action)) };
  }

  atTickEnd(action: () => void): void {
    action();
  }

  /** The time between two looks passes. */
  pass(): void {
    for (const action of this.#waiting.splice(0)) action();
  }
}

class Holder implements BytesHolder {
  bytesReceived = 0;
  bytesSent = 0;
  pauses = 0;
  isRefused = false;
  isAtWork = false;
  /** All that it holds is one thing. */
  largestBytes = Infinity;
  readonly share: BytesShare;

  constructor(account: BytesInFlight) {
    this.share = account.open(this);
  }

  get isReading(): boolean {
    return this.pauses === 0;
  }

  pauseReading(): void {
    this.pauses++;
  }

  resumeReading(): void {
    this.pauses--;
    assert.ok(this.pauses >= 0);
  }

  /** How often it was asked for what it keeps. All that it holds is in use. */
  asked = 0;

  giveBack(): void {
    this.asked++;
  }

  refuse(): void {
    this.isRefused = true;
    this.share.close();
  }

  /** Input comes that makes nothing whole. */
  receive(bytes: number): void {
    assert.ok(this.isReading, "not while it is held back");
    this.bytesReceived += bytes;
    this.share.set(this.share.bytes + bytes, 0);
  }
}

function make() {
  const timers = new FakeTimers();
  const account = new BytesInFlight({ bytesMax: bound, timers });
  const connect = (): Holder => new Holder(account);
  return { timers, account, connect };
}

test("below the bound nobody is held back; no bound is none", () => {
  const { account, connect } = make();
  const [one, other] = [connect(), connect()];
  one.receive(40 * mebibyte);
  other.receive(20 * mebibyte);
  assert.deepEqual([one.pauses, other.pauses, account.heldBackCount], [0, 0, 0]);
  const open = new BytesInFlight({ bytesMax: 0, timers: new FakeTimers() });
  const holder = new Holder(open);
  holder.receive(100 * bytesMax);
  assert.equal(open.isOver, false);
});

test("a hundred connections that are half through large bodies all finish, one after the other, and the total stays bounded", () => {
  const { account, connect } = make();
  const bodyBytes = 10 * mebibyte;
  const pieceBytes = 64 << 10;
  const holders = Array.from({ length: 100 }, connect);
  const left = new Set(holders);
  let most = 0;
  for (let round = 0; left.size > 0; round++) {
    assert.ok(round < 100_000, `${left.size} never finish`);
    for (const holder of left) {
      if (!holder.isReading) continue;
      holder.receive(pieceBytes);
      most = Math.max(most, account.total);
      if (holder.share.bytes < bodyBytes) continue;
      holder.share.set(0, 0);
      left.delete(holder);
    }
  }
  assert.equal(account.total, 0);
  assert.equal(account.heldBackCount, 0);
  assert.equal(account.refused, 0);
  assert.ok(most <= bytesMax + bodyBytes + holders.length * pieceBytes, `${most} bytes`);
});

test("what groups give back lets those go on that were held back for it", () => {
  const { account, connect } = make();
  account.keep(bytesMax + mebibyte);
  const [first, second] = [connect(), connect()];
  first.receive(2 * mebibyte);
  second.receive(2 * mebibyte);
  assert.ok(!second.isReading, "one of them has the turn, the other waits");
  account.keep(-bytesMax);
  assert.deepEqual([first.isReading, second.isReading], [true, true]);
});

test("a small request is not held back for the sake of large ones", () => {
  const { account, connect } = make();
  const big = [connect(), connect(), connect()];
  for (const holder of big) holder.receive(30 * mebibyte);
  assert.equal(account.isOver, true);
  const small = connect();
  for (let i = 0; i < 10; i++) {
    small.receive(10_000);
    assert.equal(small.pauses, 0);
    small.share.set(0, 0);
  }
});

test("who has the turn and stands still is refused, and the next one has it; who goes on is left alone", () => {
  const { timers, account, connect } = make();
  const [first, second, third] = [connect(), connect(), connect()];
  first.receive(40 * mebibyte);
  second.receive(40 * mebibyte);
  assert.equal(second.pauses, 0, "it has the turn");
  first.receive(1);
  assert.equal(first.pauses, 1);
  third.receive(2 * mebibyte);
  assert.equal(third.pauses, 1);
  for (let i = 0; i < 5; i++) {
    second.receive(limits.turnBytesLeast);
    timers.pass();
  }
  assert.equal(second.isRefused, false);
  timers.pass();
  assert.equal(second.isRefused, true);
  assert.equal(account.refused, 1);
  assert.deepEqual([first.pauses, third.pauses], [0, 0], "there is room again");
});

test("who has the turn and is kept from reading by something else passes it on", () => {
  const { timers, connect } = make();
  const [first, second] = [connect(), connect()];
  first.receive(60 * mebibyte);
  second.receive(20 * mebibyte);
  first.receive(1);
  assert.deepEqual([first.pauses, second.pauses], [1, 0]);
  second.pauseReading();
  timers.pass();
  timers.pass();
  assert.deepEqual([first.pauses, second.pauses, second.isRefused], [0, 2, false]);
});

test("who has the turn and waits for the broker's own work on its request is not refused, and passes it on", () => {
  const { timers, account, connect } = make();
  const worker = connect();
  worker.receive(65 * mebibyte);
  worker.isAtWork = true;
  for (let look = 0; look < 5; look++) timers.pass();
  const other = connect();
  other.receive(2 * mebibyte);
  timers.pass();
  timers.pass();
  assert.deepEqual([worker.pauses, other.pauses, account.refused], [1, 0, 0], "the other has the turn");
  worker.isAtWork = false;
  other.share.set(0, 0);
  assert.equal(worker.pauses, 0);
  timers.pass();
  timers.pass();
  assert.equal(worker.isRefused, true, "it stands still by itself");
});

test("a turn ends with a request that became whole, though more of the same connection follows", () => {
  const { connect } = make();
  const [first, second] = [connect(), connect()];
  first.receive(60 * mebibyte);
  second.receive(20 * mebibyte);
  first.receive(1);
  second.share.set(19 * mebibyte, 0);
  assert.deepEqual([first.pauses, second.pauses], [1, 0], "a part of a frame comes and goes");
  second.share.set(9 * mebibyte, 0);
  assert.deepEqual([first.pauses, second.pauses], [0, 1]);
});

test("one connection alone may hold the largest message, and no more", () => {
  const { account, connect } = make();
  const holder = connect();
  while (holder.share.bytes + mebibyte <= account.shareBytesMax) holder.receive(mebibyte);
  assert.ok(holder.share.bytes >= limits.amqpMessageBytesMax);
  assert.equal(holder.isRefused, false);
  holder.receive(mebibyte);
  assert.equal(holder.isRefused, true);
  assert.equal(account.total, 0);
});

test("one connection with many things that are not whole may hold half of the bound beside the largest", () => {
  const { connect } = make();
  const holder = connect();
  holder.largestBytes = 10 * mebibyte;
  holder.receive(74 * mebibyte);
  assert.equal(holder.isRefused, false);
  holder.receive(1);
  assert.equal(holder.isRefused, true);
});

test("of those that leave their output the largest is refused, once it has stood still for long", () => {
  const { timers, account, connect } = make();
  const [large, larger] = [connect(), connect()];
  large.share.set(30 * mebibyte, 30 * mebibyte);
  larger.share.set(40 * mebibyte, 40 * mebibyte);
  for (let look = 0; look < limits.outputStuckLooksMax; look++) {
    assert.equal(larger.isRefused, false);
    timers.pass();
  }
  assert.deepEqual([large.isRefused, larger.isRefused], [false, true]);
  assert.equal(account.isOver, false);
});

test("whatever happens: the total is the sum, nobody stays held back below the bound, and all comes to nothing", () => {
  const step = fc.record({
    who: fc.nat(7),
    what: fc.constantFrom("grow", "grow", "grow", "finish", "half", "gone", "pass"),
    bytes: fc.integer({ min: 1, max: 20 * mebibyte }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const { timers, account, connect } = make();
      const holders = Array.from({ length: 8 }, connect);
      for (const { who, what, bytes } of steps) {
        const holder = holders[who]!;
        if (what === "grow" && holder.isReading) holder.receive(bytes);
        else if (what === "finish") holder.share.set(0, 0);
        else if (what === "half") holder.share.set(holder.share.bytes >>> 1, 0);
        else if (what === "gone") holder.share.close();
        else if (what === "pass") timers.pass();
        if (!holder.share.isOpen) holders[who] = connect();
        assert.equal(
          account.total,
          holders.reduce((sum, { share }) => sum + share.bytes, 0),
        );
        if (account.total <= (bytesMax * 7) / 8) assert.ok(holders.every(({ pauses }) => pauses === 0));
        // Somebody can always go on.
        assert.ok(holders.some(({ pauses }) => pauses === 0));
      }
      for (const { share } of holders) share.close();
      assert.equal(account.total, 0);
      assert.equal(account.heldBackCount, 0);
    }),
  );
});

test("each time that there is too much, connections are asked once for what they keep", () => {
  const { account, connect } = make();
  const holder = connect();
  holder.share.set(10, 0);
  for (let round = 1; round <= 3; round++) {
    account.keep(bound);
    account.keep(1);
    holder.share.set(10 + round, 0);
    assert.equal(holder.asked, round);
    account.keep(-bound - 1);
    // It has become less: now there is room again.
    holder.share.set(1, 0);
  }
});

test("who has the turn and holds no more than its fair part has no need of it", () => {
  const { account, connect } = make();
  account.keep(bound);
  const [one, other] = [connect(), connect()];
  one.receive((3 * mebibyte) / 2);
  other.receive(2 * mebibyte);
  assert.deepEqual([one.isReading, other.isReading], [true, false]);
  // More than half of what it held is still there.
  one.share.set(0.9 * mebibyte, 0);
  assert.deepEqual([one.isReading, other.isReading], [true, true]);
});
