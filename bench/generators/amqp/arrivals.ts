/** Which sequence numbers have come: a bit for each. Invariant: one that comes twice, or was never sent, throws. */
export class Arrivals {
  readonly #bits: Uint8Array;
  readonly #expected: number;
  count = 0;

  constructor(expected: number) {
    this.#expected = expected;
    this.#bits = new Uint8Array((expected + 7) >> 3);
  }

  add(sequence: number): void {
    const mask = 1 << (sequence & 7);
    if (sequence >= this.#expected) throw new Error(`message ${sequence} came, which was never sent`);
    if ((this.#bits[sequence >> 3]! & mask) !== 0) throw new Error(`message ${sequence} came twice`);
    this.#bits[sequence >> 3]! |= mask;
    this.count += 1;
  }

  get areAll(): boolean {
    return this.count === this.#expected;
  }

  get note(): string {
    return `${this.count} sequence numbers, each once`;
  }
}
