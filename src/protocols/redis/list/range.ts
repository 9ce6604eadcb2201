/** Which elements `start` and `stop` mean in a list of that size; negative ones count from the end. */
export function listRange(start: number, stop: number, size: number): { from: number; count: number } {
  const from = Math.max(start < 0 ? start + size : start, 0);
  const last = Math.min(stop < 0 ? stop + size : stop, size - 1);
  return { from, count: Math.max(last - from + 1, 0) };
}
