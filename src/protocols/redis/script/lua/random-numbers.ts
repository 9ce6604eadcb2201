/**
 * redis's `lrand48`: 48 bits. As in redis one sequence for all scripts and functions of a server, the same after every start
 * until a script sets a seed.
 */
const multiplier = 0x5deece66dn;
const increment = 0xbn;
const mask = (1n << 48n) - 1n;
const divisor = 0x7fffffff;

export class RandomNumbers {
  #state = 0x1234abcd330en;

  seed(value: number): void {
    this.#state = ((BigInt(value) << 16n) + 0x330en) & mask;
  }

  /** From 0 up to 1, which is not reached. */
  next(): number {
    this.#state = (this.#state * multiplier + increment) & mask;
    return (Number(this.#state >> 17n) % divisor) / divisor;
  }
}
