/**
 * The real clock, timers and randomness.
 *
 * What is to run at a tick's end is gathered behind one immediate of the runtime, which costs more than most of the actions do. Invariant:
 * actions run in the order in which they were given; one that is given while they run is the next tick's.
 */
import crypto from "node:crypto";
import type { Clock, Timers } from "../base/clock.ts";
import type { Random } from "../base/random.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

let tickEnd: (() => void)[] = [];
/** Empty: the next tick's. */
let spare: (() => void)[] = [];

function runTickEnd(): void {
  const due = tickEnd;
  tickEnd = spare;
  let at = 0;
  try {
    while (at < due.length) due[at++]!();
  } finally {
    // One has thrown: those behind it run all the same, before what has come meanwhile.
    if (at < due.length) {
      const rest = due.slice(at);
      if (tickEnd.length === 0) setImmediate(runTickEnd);
      tickEnd = [...rest, ...tickEnd];
    }
    due.length = 0;
    spare = due;
  }
}

export const systemTimers: Timers = {
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  atTickEnd(action) {
    if (tickEnd.push(action) === 1) setImmediate(runTickEnd);
  },
  ...(typeof Bun === "undefined" ? {} : { collectGarbage: () => Bun.gc(true) }),
};

export const systemRandom: Random = {
  below: (bound) => crypto.randomInt(bound),
  bytes: (size) => crypto.randomBytes(size),
};
