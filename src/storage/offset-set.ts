/**
 * The offsets of a log that are gone: consumed, deleted or trimmed.
 *
 * Everything below `first` is gone; above it, gone offsets are bits in pages. Invariants: `first` itself is never
 * gone; no bit below `first` is set; `countAbove` is the number of bits that are.
 */
import type { ByteReader, ByteWriter } from "../base/bytes.ts";

const pageBits = 10;
const offsetsPerPage = 1 << pageBits;

export class OffsetSet {
  /** The lowest offset that is not gone. */
  first = 0;
  countAbove = 0;
  #pages = new Map<number, Uint8Array>();

  has(offset: number): boolean {
    if (offset < this.first) return true;
    if (this.countAbove === 0) return false;
    const page = this.#pages.get(Math.floor(offset / offsetsPerPage));
    if (page === undefined) return false;
    const bit = offset % offsetsPerPage;
    return (page[bit >> 3]! & (1 << (bit & 7))) !== 0;
  }

  /** Whether all of `[from, to)` is gone. Bounded by the records of one frame, or by those that are gone. */
  hasAll(from: number, to: number): boolean {
    let offset = Math.max(from, this.first);
    if (to - offset > this.countAbove) return false;
    while (offset < to && this.has(offset)) offset++;
    return offset >= to;
  }

  /** Whether any of `[from, to)` is gone; at most one look for each eight offsets, or for each page without any. */
  hasAny(from: number, to: number): boolean {
    if (from < this.first && from < to) return true;
    if (this.countAbove === 0) return false;
    let offset = from;
    while (offset < to) {
      const number = Math.floor(offset / offsetsPerPage);
      const page = this.#pages.get(number);
      const pageEnd = (number + 1) * offsetsPerPage;
      if (page === undefined) offset = pageEnd;
      else if (offset % 8 === 0 && page[(offset % offsetsPerPage) >> 3] === 0) offset += 8;
      else if (this.has(offset)) return true;
      else offset++;
    }
    return false;
  }

  /** No offset at or above is gone. */
  get end(): number {
    if (this.countAbove === 0) return this.first;
    let last = 0;
    for (const number of this.#pages.keys()) last = Math.max(last, number);
    let offset = (last + 1) * offsetsPerPage;
    while (!this.has(offset - 1)) offset--;
    return offset;
  }

  /** The lowest offset at or above `offset` that is not gone. */
  nextPresent(offset: number): number {
    let next = Math.max(offset, this.first);
    if (this.countAbove === 0) return next;
    for (;;) {
      const page = this.#pages.get(Math.floor(next / offsetsPerPage));
      if (page === undefined) return next;
      // Eight at a time where a run of them is gone.
      if (next % 8 === 0 && page[(next % offsetsPerPage) >> 3] === 0xff) next += 8;
      else if (this.has(next)) next++;
      else return next;
    }
  }

  /** Adds one offset; says whether it was new. */
  add(offset: number): boolean {
    if (offset === this.first) {
      this.first++;
      if (this.countAbove > 0) this.#swallow();
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
    return true;
  }

  /** Adds `[from, to)`. A run that starts at or below `first` costs no more than the pages it drops. */
  addRange(from: number, to: number): void {
    if (from > this.first) {
      for (let offset = from; offset < to; offset++) this.add(offset);
      return;
    }
    if (to <= this.first) return;
    if (this.countAbove > 0) {
      for (const [number, page] of this.#pages) this.#forgetBelow(number, page, to);
    }
    this.first = to;
    if (this.countAbove > 0) this.#swallow();
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
      const mask = 1 << (bit & 7);
      if (page === undefined || (page[bit >> 3]! & mask) === 0) {
        if (bit === 0) this.#pages.delete(number - 1);
        return;
      }
      page[bit >> 3]! &= ~mask;
      this.first++;
      this.countAbove--;
      if (bit === offsetsPerPage - 1) this.#pages.delete(number);
    }
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
