/**
 * Jump consistent hashing as RabbitMQ's consistent hash exchange does it: which of `count` buckets a hash belongs to.
 *
 *     b = -1, j = 0; while j < count: b = j, j = trunc((b + 1) / random)      random from a generator that the hash seeds
 *
 * The generator is Erlang's `rand` with `exs1024`: 16 words of 64 bits, seeded by exs64. Pure. Invariant: when buckets are added at the
 * end, a hash keeps its bucket or goes to one of the new ones.
 */
const word = (1n << 64n) - 1n;
const low21 = (1n << 21n) - 1n;
const low33 = (1n << 33n) - 1n;
const words = 16;
const wordSize = 2 ** 64;

export function jumpHash(hash: number, count: number): number {
  if (count === 1) return 0;
  const generator = new Generator(BigInt(hash));
  let bucket = -1;
  let next = 0;
  while (next < count) {
    bucket = next;
    next = Math.trunc((bucket + 1) / generator.next());
  }
  return bucket;
}

class Generator {
  /** The word that is first is the one that was made last. */
  readonly #words: bigint[] = [];
  #at = 0;

  constructor(seed: bigint) {
    const part = (factor: bigint): bigint => (((seed & low21) + 1n) * factor) & low21;
    let state = (part(2097131n) << 43n) | (part(2097133n) << 22n) | (part(2097143n) << 1n) | 1n;
    for (let i = 0; i < words; i++) {
      state ^= state >> 12n;
      state ^= (state << 25n) & word;
      state ^= state >> 27n;
      this.#words.unshift((state * 2685821657736338717n) & word);
    }
  }

  /** A number from 0 to below 1. */
  next(): number {
    const all = this.#words;
    const first = all[this.#at]!;
    this.#at = (this.#at + 1) % words;
    const second = all[this.#at]!;
    const shifted = second ^ ((second & low33) << 31n);
    const made = first ^ (first >> 30n) ^ shifted ^ (shifted >> 11n);
    all[this.#at] = made;
    return Number((made * 1181783497276652981n) & word) / wordSize;
  }
}
