/**
 * Tells, from the bytes of a key, that it is not the name of any queue or exchange. Most Redis keys are not, and the answer must
 * cost neither a string nor a look-up.
 *
 * Counts names by their length and three of their bytes. Not here: the names themselves. Invariant: `mayHave` is true for every
 * name that was added and not removed.
 */
const slotCount = 1 << 12;

export class NameFilter {
  readonly #counts = new Uint32Array(slotCount);

  /** `name` is a Latin-1 string of the name's bytes. */
  add(name: string): void {
    this.#counts[slotOfName(name)]!++;
  }

  remove(name: string): void {
    this.#counts[slotOfName(name)]!--;
  }

  mayHave(bytes: Uint8Array, start: number, end: number): boolean {
    const size = end - start;
    if (size === 0) return this.#counts[0]! > 0;
    const slot = slotOf(size, bytes[start]!, bytes[start + (size >> 1)]!, bytes[end - 1]!);
    return this.#counts[slot]! > 0;
  }
}

function slotOfName(name: string): number {
  const size = name.length;
  if (size === 0) return 0;
  return slotOf(size, name.charCodeAt(0), name.charCodeAt(size >> 1), name.charCodeAt(size - 1));
}

function slotOf(size: number, first: number, middle: number, last: number): number {
  const hash = Math.imul(Math.imul(Math.imul(size, 31) + first, 31) + middle, 31) + last;
  return (hash ^ (hash >>> 12)) & (slotCount - 1);
}
