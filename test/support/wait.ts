/**
 * How tests wait for what comes about by itself: until it is so, with a bound that only a broken broker reaches.
 *
 * Not here: what is waited for. Invariant: no wait of a test is shorter than what a machine needs that runs several test
 * files and other work at once; a bound says that something never came, and measures nothing.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

/** A process may get no processor for seconds where more run than there are processors. */
export const waitMsMax = 60_000;
const pollMs = 5;

/** Waits until `find` gives something other than undefined or false. */
export async function until<Value>(
  find: () => Value | undefined | false | Promise<Value | undefined | false>,
  what = "the condition",
): Promise<Value> {
  const deadline = performance.now() + waitMsMax;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    assert.ok(performance.now() < deadline, `${what} did not come within ${waitMsMax} ms`);
    await delay(pollMs);
  }
}
