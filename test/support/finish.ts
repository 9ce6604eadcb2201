/** Work over a simulated disk, for tests that are not about the order in which things happen on it. */
import assert from "node:assert/strict";
import type { SimDisk } from "../../sim/disk.ts";

const stepsMax = 100_000;

/** Lets everything on the disk happen at once until the work is done. */
export async function finish<T>(disk: SimDisk, work: Promise<T>): Promise<T> {
  let isDone = false;
  const settled = work.finally(() => (isDone = true));
  settled.catch(() => {});
  for (let i = 0; !isDone; i++) {
    assert.ok(i < stepsMax, "the storage does not come to an end");
    await disk.step();
  }
  return settled;
}
