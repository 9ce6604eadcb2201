/** The real clock, timers and randomness. */
import crypto from "node:crypto";
import v8 from "node:v8";
import vm from "node:vm";
import type { Clock, Timers } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { TickEnd } from "./tick-end.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

let collectOnNode: (() => void) | null = null;

/** V8 counts memory outside of its heap, but collects it when it likes: a gigabyte of it waited in a test. */
function collectGarbageOnNode(): void {
  if (collectOnNode === null) {
    v8.setFlagsFromString("--expose-gc");
    collectOnNode = vm.runInNewContext("gc") as () => void;
  }
  collectOnNode();
}

const tickEnd = new TickEnd(setImmediate);

export const systemTimers: Timers = {
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  atTickEnd: (action) => tickEnd.add(action),
  collectGarbage: typeof Bun === "undefined" ? collectGarbageOnNode : () => Bun.gc(true),
};

export const systemRandom: Random = {
  below: (bound) => crypto.randomInt(bound),
  bytes: (size) => crypto.randomBytes(size),
};
