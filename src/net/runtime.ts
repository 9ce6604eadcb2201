/** The real clock, timers and randomness. */
import crypto from "node:crypto";
import type { Clock, Timers } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { TickEnd } from "./tick-end.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

const tickEnd = new TickEnd(setImmediate);

export const systemTimers: Timers = {
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  atTickEnd: (action) => tickEnd.add(action),
  ...(typeof Bun === "undefined" ? {} : { collectGarbage: () => Bun.gc(true) }),
};

export const systemRandom: Random = {
  below: (bound) => crypto.randomInt(bound),
  bytes: (size) => crypto.randomBytes(size),
};
