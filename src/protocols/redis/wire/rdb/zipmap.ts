/**
 * Zipmaps: small hashes in the dumps of redis 2.4. They are only read.
 *
 *     zipmap = u8 count (254: unknown), { size, bytes of the field, size, u8 unused, bytes of the value, unused bytes }, 0xff
 *     size   = u8 below 254 | 254 u32                                                          little-endian
 *
 * Invariant: a reader looks at nothing outside of its bytes, and throws `BadData`.
 */
import { BadData, type RdbElements } from "./types.ts";

const endMark = 0xff;
const longSize = 254;

/** Goes through fields and values in turn. */
export class ZipmapReader implements RdbElements {
  #at: number;
  readonly #end: number;
  #isValue = false;
  readonly bytes: Buffer;
  start = 0;
  end = 0;

  /** Of the zipmap that is all of `buffer[start, end)`. */
  constructor(buffer: Buffer, start: number, end: number) {
    if (end - start < 2 || buffer[end - 1] !== endMark) throw new BadData("a zipmap that is damaged");
    this.bytes = buffer;
    this.#at = start + 1;
    this.#end = end - 1;
  }

  /** False at the end. */
  next(): boolean {
    if (this.#at === this.#end) return false;
    const { bytes } = this;
    let size = bytes[this.#take(1)]!;
    if (size > longSize) throw new BadData("a zipmap that ends too early");
    if (size === longSize) size = bytes.readUInt32LE(this.#take(4));
    const unused = this.#isValue ? bytes[this.#take(1)]! : 0;
    this.start = this.#take(size);
    this.end = this.#at;
    this.#take(unused);
    this.#isValue = !this.#isValue;
    return true;
  }

  /** Passes `size` bytes; returns where they begin. */
  #take(size: number): number {
    const from = this.#at;
    if (from + size > this.#end) throw new BadData("a zipmap with an element that is cut off");
    this.#at += size;
    return from;
  }
}
