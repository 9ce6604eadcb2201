/** redis's `lrand48`: 48 bits, the same sequence on every machine. */
const multiplier = 0x5deece66dn;
const increment = 0xbn;
const mask = (1n << 48n) - 1n;
const divisor = 0x7fffffff;

export class RandomNumbers {
  #state = 0n;

  constructor() {
    this.seed(0);
  }

  seed(value: number): void {
    this.#state = ((BigInt(value) << 16n) + 0x330en) & mask;
  }

  /** From 0 up to 1, which is not reached. */
  next(): number {
    this.#state = (this.#state * multiplier + increment) & mask;
    return (Number(this.#state >> 17n) % divisor) / divisor;
  }
}
