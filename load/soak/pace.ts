/** How fast a load goes: as many messages a second as it was told, or slower where the broker or the machine is. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pace } from "../../test/kill/load.ts";

/** What was missed is not made up for: a burst after a pause would be another load than was asked for. */
export function paceOf(perSecond: number): Pace {
  let freeAtMs = performance.now();
  return async (messages) => {
    const nowMs = performance.now();
    const startMs = Math.max(freeAtMs, nowMs);
    freeAtMs = startMs + (messages / perSecond) * 1000;
    if (startMs > nowMs) await sleep(startMs - nowMs);
  };
}
