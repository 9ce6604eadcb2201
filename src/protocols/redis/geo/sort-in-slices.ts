/**
 * Sorting of many things as a job (base/turn-work.ts): runs are sorted one at a time, then merged. Stable.
 *
 * Not here: few things, which are sorted at once.
 */
import type { Job } from "../../../base/turn-work.ts";

const runLength = 512;
/** A comparison and a move. */
const unitsOfItem = 0.1;

/** Gives the things in their order, in an array of its own. */
export function* sortInSlices<T>(items: readonly T[], compare: (one: T, other: T) => number): Job<T[]> {
  let from: T[] = [];
  for (let at = 0; at < items.length; at += runLength) {
    for (const item of items.slice(at, at + runLength).toSorted(compare)) from.push(item);
    yield runLength * unitsOfItem * 8;
  }
  for (let width = runLength; width < items.length; width *= 2) {
    const to: T[] = [];
    for (let at = 0; at < from.length; at += 2 * width) {
      const middle = Math.min(at + width, from.length);
      const end = Math.min(at + 2 * width, from.length);
      let left = at;
      let right = middle;
      while (left < middle || right < end) {
        const isLeft = right === end || (left < middle && compare(from[left]!, from[right]!) <= 0);
        to.push(isLeft ? from[left++]! : from[right++]!);
        if (to.length % runLength === 0) yield runLength * unitsOfItem;
      }
    }
    from = to;
  }
  return from;
}
