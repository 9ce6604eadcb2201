/**
 * LZF, by which redis compresses the strings of a dump.
 *
 *     compressed = 000lllll, l + 1 bytes                 literal bytes
 *                | lllooooo oooooooo                     l + 2 bytes (l 1 to 6) from o + 1 bytes back
 *                | 111ooooo llllllll oooooooo            l + 9 bytes from there
 *
 * Pure. The compressor finds exactly the matches that redis's does, so that a dump is the same bytes: one look at the last place
 * that had the same hash of three bytes, and only two places of each match are remembered. It can stop on its way and go on, so that
 * a huge string is compressed in slices.
 */

const hashBits = 16;
const hashSize = 1 << hashBits;
const offsetMax = 1 << 13;
const matchMax = 264;
const literalMax = 32;
const positionsMax = 2 ** 31 - 1;

/** Where the hashes of what is compressed were seen, plus `base`: what is below belongs to an earlier input. */
class Places {
  readonly slots = new Int32Array(hashSize);
  /** Above every place that is known. 0 in a slot is no place. */
  #end = 1;

  /** What to add to the places of an input of that size. */
  begin(size: number): number {
    if (this.#end + size > positionsMax) {
      this.slots.fill(0);
      this.#end = 1;
    }
    const base = this.#end;
    this.#end += size;
    return base;
  }
}

/** For inputs that are compressed without a break. */
const shared = new Places();

/** Compresses `source[start, end)` into `target`; returns the size, 0 when that would be above `sizeMax`. */
export function compressLzf(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  sizeMax: number,
): number {
  const compressor = new LzfCompressor(source, start, end, target, sizeMax, shared);
  while (!compressor.advance(Infinity));
  return compressor.size;
}

export class LzfCompressor {
  readonly #source: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  readonly #target: Uint8Array;
  readonly #sizeMax: number;
  readonly #slots: Int32Array;
  readonly #base: number;
  #in: number;
  #out = 1;
  #literal = 0;
  /** What it came to, or 0 when that would be too much; valid once `advance` has returned true. */
  size = 0;

  constructor(
    source: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    sizeMax: number,
    places = new Places(),
  ) {
    this.#source = source;
    this.#start = start;
    this.#end = end;
    this.#target = target;
    this.#sizeMax = sizeMax;
    this.#slots = places.slots;
    this.#base = places.begin(end - start) - start;
    this.#in = start;
  }

  /** Takes about `bytes` bytes of the source; says whether all is done. */
  advance(bytes: number): boolean {
    const source = this.#source;
    const target = this.#target;
    const slots = this.#slots;
    const base = this.#base;
    const end = this.#end;
    const sizeMax = this.#sizeMax;
    let at = this.#in;
    let out = this.#out;
    let literal = this.#literal;
    const until = Math.min(end - 2, at + bytes);
    if (end === this.#start || sizeMax === 0) return true;
    while (at < until) {
      const slot = slotOf(source, at);
      const found = slots[slot]! - base;
      slots[slot] = at + base;
      const offset = at - found - 1;
      // The first byte of all is never taken as a match, as in redis.
      if (
        found <= this.#start ||
        offset >= offsetMax ||
        source[found] !== source[at] ||
        source[found + 1] !== source[at + 1] ||
        source[found + 2] !== source[at + 2]
      ) {
        if (out >= sizeMax) return true;
        target[out++] = source[at++]!;
        if (++literal < literalMax) continue;
        target[out - literal - 1] = literal - 1;
        literal = 0;
        out++;
        continue;
      }
      const isEmpty = literal === 0 ? 1 : 0;
      if (out - isEmpty + 4 >= sizeMax) return true;
      if (isEmpty === 0) target[out - literal - 1] = literal - 1;
      out -= isEmpty;
      literal = 0;
      const length = matchLength(source, found, at, Math.min(end - at - 2, matchMax));
      if (length < 9) target[out++] = (offset >> 8) + ((length - 2) << 5);
      else {
        target[out++] = (offset >> 8) + (7 << 5);
        target[out++] = length - 9;
      }
      target[out++] = offset & 0xff;
      // A literal run begins with its length, which comes later.
      out++;
      at += length;
      if (at >= end - 2) break;
      slots[slotOf(source, at - 2)] = at - 2 + base;
      slots[slotOf(source, at - 1)] = at - 1 + base;
    }
    this.#in = at;
    this.#out = out;
    this.#literal = literal;
    if (at < end - 2) return false;
    this.#finish();
    return true;
  }

  /** The last bytes are literal. */
  #finish(): void {
    const target = this.#target;
    let out = this.#out;
    let literal = this.#literal;
    if (out + 3 > this.#sizeMax) return;
    for (let at = this.#in; at < this.#end; at++) {
      target[out++] = this.#source[at]!;
      if (++literal < literalMax) continue;
      target[out - literal - 1] = literal - 1;
      literal = 0;
      out++;
    }
    if (literal > 0) target[out - literal - 1] = literal - 1;
    else out--;
    this.size = out;
  }
}

function slotOf(source: Uint8Array, at: number): number {
  const hash = (source[at]! << 16) | (source[at + 1]! << 8) | source[at + 2]!;
  return ((hash >> (24 - hashBits)) - hash * 5) & (hashSize - 1);
}

/**
 * How many bytes are the same, of which three are known to be. `lengthMax` is redis's, which is two less than there are: where it
 * is above 16, the bytes up to the 19th are compared without looking at it.
 */
function matchLength(source: Uint8Array, found: number, at: number, lengthMax: number): number {
  let length = 3;
  const unbounded = lengthMax > 16 ? 19 : 0;
  while (length < unbounded && source[found + length] === source[at + length]) length++;
  if (length < unbounded) return length;
  while (length < lengthMax && source[found + length] === source[at + length]) length++;
  return length;
}

/** Gives back what was compressed: into `target`, all of which is filled; false where the input is damaged. */
export function decompressLzf(source: Uint8Array, start: number, end: number, target: Uint8Array): boolean {
  let at = start;
  let out = 0;
  while (at < end) {
    const control = source[at++]!;
    if (control < literalMax) {
      const size = control + 1;
      if (at + size > end || out + size > target.length) return false;
      for (let i = 0; i < size; i++) target[out++] = source[at++]!;
      continue;
    }
    let length = control >> 5;
    if (length === 7) {
      if (at >= end) return false;
      length += source[at++]!;
    }
    if (at >= end) return false;
    let from = out - ((control & 31) << 8) - source[at++]! - 1;
    length += 2;
    if (from < 0 || out + length > target.length) return false;
    for (let i = 0; i < length; i++) target[out++] = target[from++]!;
  }
  return out === target.length;
}
