/** Sums over the parts of a large value that are asked for within one turn. */

/** Parts that are looked at: some 50 us. */
const looksMax = 10_000;

/** The sum of `valueOf(0)` to `valueOf(count - 1)`; of more than `looksMax`, what it would be if all were as those that are looked at. */
export function sumOfMany(count: number, valueOf: (at: number) => number): number {
  const looks = Math.min(count, looksMax);
  const step = count / looks;
  let total = 0;
  for (let i = 0; i < looks; i++) total += valueOf(Math.floor(i * step));
  return looks === 0 ? 0 : Math.round(total * step);
}
