/**
 * Sorting a long list in slices (turn-work.ts): runs are sorted by the runtime and merged in pairs.
 *
 * Invariant: the order is that of `toSorted`, equal elements stay in theirs.
 */
import type { Job } from "./turn-work.ts";

const runLength = 512;
const unitsOfRun = 300;
const unitsOfMerged = 0.2;

export function* sortedInSlices<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
): Job<Item[]> {
  let runs: Item[][] = [];
  for (let at = 0; at < items.length; at += runLength) {
    runs.push(items.slice(at, at + runLength).toSorted(compare));
    if (items.length > runLength) yield unitsOfRun;
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? yield* merge(runs[i]!, runs[i + 1]!, compare) : runs[i]!);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge<Item>(
  left: readonly Item[],
  right: readonly Item[],
  compare: (a: Item, b: Item) => number,
): Job<Item[]> {
  const merged: Item[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const isLeft = j === right.length || (i < left.length && compare(left[i]!, right[j]!) <= 0);
    merged.push(isLeft ? left[i++]! : right[j++]!);
    if (merged.length % runLength === 0) yield runLength * unitsOfMerged;
  }
  return merged;
}
