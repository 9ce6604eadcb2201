/**
 * The offsets of a log that are gone: consumed, deleted or trimmed.
 *
 * Everything below `first` is gone; above it, gone offsets are bits in pages. Invariants: `first` itself is never gone; no bit
 * below `first` is set; `countAbove` is the number of set bits.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";

const pageBits = 10;
const offsetsPerPage = 1 << pageBits;

export class OffsetSet {
  /** The lowest offset that is not gone. */
  first = 0;
  countAbove = 0;
  #pages = new Map<number, Uint8Array>();

  /** How many pages it has: for tests of releasing them. */
  get pageCount(): number {
    return this.#pages.size;
  }

  /** Checks the invariants of the head comment that are cheap to check. */
  #assertSound(): void {
    const { first, countAbove } = this;
    assertInvariant(countAbove >= 0, "an offset set counts its bits");
    assertInvariant(countAbove > 0 || this.#pages.size === 0, "an offset set without bits has no page");
    assertInvariant(!this.has(first), "the first offset that is left is not gone");
    assertInvariant(
      !this.#pages.has(Math.floor(first / offsetsPerPage) - 1),
      "pages below the first offset are given back",
    );
  }

  has(offset: number): boolean {
    if (offset < this.first) return true;
    if (this.countAbove === 0) return false;
    const page = this.#pages.get(Math.floor(offset / offsetsPerPage));
    if (page === undefined) return false;
    const bit = offset % offsetsPerPage;
    return (page[bit >> 3]! & (1 << (bit & 7))) !== 0;
  }

  /** Whether all of `[from, to)` are gone. The cost is bounded by the records of one frame, or by the number of gone records. */
  hasAll(from: number, to: number): boolean {
    let offset = Math.max(from, this.first);
    if (to - offset > this.countAbove) return false;
    while (offset < to && this.has(offset)) offset++;
    return offset >= to;
  }

  /** No offset at or above this one is gone. */
  get end(): number {
    if (this.countAbove === 0) return this.first;
    let last = 0;
    for (const number of this.#pages.keys()) last = Math.max(last, number);
    let offset = (last + 1) * offsetsPerPage;
    while (!this.has(offset - 1)) offset--;
    return offset;
  }

  /** The lowest offset at or above `offset` that is not gone. Long runs of gone ones are passed eight at a time. */
  nextPresent(offset: number): number {
    let next = Math.max(offset, this.first);
    if (this.countAbove === 0) return next;
    for (;;) {
      const number = Math.floor(next / offsetsPerPage);
      const page = this.#pages.get(number);
      if (page === undefined) return next;
      let bit = next % offsetsPerPage;
      while (bit < offsetsPerPage) {
        const byte = page[bit >> 3]!;
        if ((byte & (1 << (bit & 7))) === 0) return number * offsetsPerPage + bit;
        bit += byte === 0xff ? 8 - (bit & 7) : 1;
      }
      next = (number + 1) * offsetsPerPage;
    }
  }

  /** The highest offset at or below `offset` that is not gone; below `first` when there is none. */
  previousPresent(offset: number): number {
    let previous = offset;
    while (previous >= this.first && this.countAbove > 0) {
      const number = Math.floor(previous / offsetsPerPage);
      const page = this.#pages.get(number);
      if (page === undefined) return previous;
      let bit = previous % offsetsPerPage;
      while (bit >= 0) {
        const byte = page[bit >> 3]!;
        if ((byte & (1 << (bit & 7))) === 0) return Math.max(number * offsetsPerPage + bit, this.first - 1);
        bit -= byte === 0xff ? (bit & 7) + 1 : 1;
      }
      previous = number * offsetsPerPage - 1;
    }
    return Math.max(previous, this.first - 1);
  }

  /** How many of `[from, to)` are gone. */
  countIn(from: number, to: number): number {
    const start = Math.max(from, this.first);
    let count = Math.max(Math.min(this.first, to) - from, 0);
    if (this.countAbove === 0) return count;
    for (let number = Math.floor(start / offsetsPerPage); number * offsetsPerPage < to; number++) {
      const page = this.#pages.get(number);
      if (page === undefined) continue;
      const base = number * offsetsPerPage;
      count += countBits(page, Math.max(start - base, 0), Math.min(to - base, offsetsPerPage));
    }
    return count;
  }

  /** The lowest offset, `end` at most, below which `count` offsets from `first` on are not gone. */
  offsetAfter(count: number, end: number): number {
    if (count <= 0) return this.first;
    let low = Math.min(this.first + count, end);
    let high = Math.min(low + this.countAbove, end);
    // By halving: millions may be gone.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (middle - this.first - this.countIn(this.first, middle) < count) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds one offset; says whether it was new. */
  add(offset: number): boolean {
    if (offset === this.first) {
      this.first++;
      if (this.countAbove > 0) this.#swallow();
      if (assertsAreOn) this.#assertSound();
      return true;
    }
    if (offset < this.first) return false;
    const number = Math.floor(offset / offsetsPerPage);
    let page = this.#pages.get(number);
    if (page === undefined) this.#pages.set(number, (page = new Uint8Array(offsetsPerPage >> 3)));
    const bit = offset % offsetsPerPage;
    const mask = 1 << (bit & 7);
    if ((page[bit >> 3]! & mask) !== 0) return false;
    page[bit >> 3]! |= mask;
    this.countAbove++;
    if (assertsAreOn) this.#assertSound();
    return true;
  }

  /** Adds `[from, to)`. A run that starts at or below `first` costs no more than the pages it drops. */
  addRange(from: number, to: number): void {
    if (from > this.first) {
      for (let offset = from; offset < to; offset++) this.add(offset);
      return;
    }
    if (to <= this.first) return;
    const hadBits = this.countAbove > 0;
    if (hadBits) {
      for (const [number, page] of this.#pages) this.#forgetBelow(number, page, to);
    }
    this.first = to;
    // Also if none is left: then the page of the last one is released.
    if (hadBits) this.#swallow();
    if (assertsAreOn) this.#assertSound();
  }

  #forgetBelow(number: number, page: Uint8Array, below: number): void {
    const pageStart = number * offsetsPerPage;
    const until = Math.min(offsetsPerPage, below - pageStart);
    if (until <= 0) return;
    for (let bit = 0; bit < until; bit++) {
      const mask = 1 << (bit & 7);
      if ((page[bit >> 3]! & mask) === 0) continue;
      page[bit >> 3]! &= ~mask;
      this.countAbove--;
    }
    if (until === offsetsPerPage) this.#pages.delete(number);
  }

  #swallow(): void {
    for (;;) {
      if (this.countAbove === 0) {
        this.#pages.clear();
        return;
      }
      const number = Math.floor(this.first / offsetsPerPage);
      const page = this.#pages.get(number);
      const bit = this.first % offsetsPerPage;
      // Whether or not this one is gone too.
      if (bit === 0) this.#pages.delete(number - 1);
      const mask = 1 << (bit & 7);
      if (page === undefined || (page[bit >> 3]! & mask) === 0) return;
      page[bit >> 3]! &= ~mask;
      this.first++;
      this.countAbove--;
    }
  }

  /** Costs 128 bytes for each 1024 offsets above `first` of which some are gone. */
  copy(): OffsetSet {
    const copy = new OffsetSet();
    copy.first = this.first;
    copy.countAbove = this.countAbove;
    for (const [number, page] of this.#pages) copy.#pages.set(number, Uint8Array.from(page));
    return copy;
  }

  /** `u64 first, u32 pages, { u64 page number, bits }` */
  encode(writer: ByteWriter): void {
    writer.int64(this.first).uint32(this.#pages.size);
    for (const [number, page] of this.#pages) writer.int64(number).bytes(page);
  }

  decode(reader: ByteReader): void {
    this.first = reader.int64();
    this.countAbove = 0;
    this.#pages.clear();
    for (let left = reader.uint32(); left > 0; left--) {
      const number = reader.int64();
      const page = Uint8Array.from(reader.view(offsetsPerPage >> 3));
      this.#pages.set(number, page);
      for (const byte of page) for (let bits = byte; bits !== 0; bits &= bits - 1) this.countAbove++;
    }
  }
}

/** How many of the bits `[from, to)` are set. */
function countBits(page: Uint8Array, from: number, to: number): number {
  let count = 0;
  let bit = from;
  while (bit < to) {
    const byte = page[bit >> 3]! >> (bit & 7);
    const size = Math.min(8 - (bit & 7), to - bit);
    for (let bits = byte & ((1 << size) - 1); bits !== 0; bits &= bits - 1) count++;
    bit += size;
  }
  return count;
}
