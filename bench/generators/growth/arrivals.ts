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

const watchMs = 1000;
const stallMsMax = 20_000;

/** Ends the generator when `progress` has not grown for 20 s; returns how to stop watching. */
export function throwWhenStalled(progress: () => number, missing: () => string): () => void {
  let last = -1;
  let stalledMs = 0;
  const timer = setInterval(() => {
    const now = progress();
    stalledMs = now === last ? stalledMs + watchMs : 0;
    last = now;
    if (stalledMs >= stallMsMax) throw new Error(`nothing came for ${stallMsMax} ms: ${missing()}`);
  }, watchMs);
  return () => clearInterval(timer);
}
