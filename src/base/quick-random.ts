/**
 * Chance that costs a nanosecond, for choices that nobody gains by foreseeing: which keys are looked at, whether a counter goes up.
 *
 * Xorshift of 32 bits. Not for seeds, names or passwords. Invariant: the state is never 0.
 */
import type { Random } from "./random.ts";

export class QuickRandom {
  #state = 1;

  /** Goes on from an unpredictable place. */
  seed(random: Random): void {
    this.#state = random.below(2 ** 32) | 1;
  }

  /** An integer in `[0, bound)`; `bound` is at most 2^32. */
  below(bound: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return Math.floor(((state >>> 0) / 2 ** 32) * bound);
  }
}
