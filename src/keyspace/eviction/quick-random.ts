/**
 * Chance that costs a nanosecond, for choices that nobody gains by foreseeing: which keys are looked at, whether a counter goes up.
 *
 * Xorshift of 32 bits. Not for seeds, names or passwords. Invariant: the state is never 0.
 */
export class QuickRandom {
  #state = 1;

  /** `seed` is 32 unpredictable bits. */
  seed(seed: number): void {
    // Not the bits themselves, which are others' too.
    this.#state = Math.imul(seed ^ 0x5bd1_e995, 0x9e37_79b1) | 1;
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
