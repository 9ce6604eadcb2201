/**
 * Ziplists: what redis had before listpacks, in dumps of its versions up to 6.2. They are only read.
 *
 *     ziplist = u32 bytes, u32 offset of the last element, u16 count (0xffff: unknown), elements, 0xff      little-endian
 *     element = size of the element before: u8 below 254, or 254 and u32
 *               00llllll | 01llllll llllllll | 10000000 u32 (these two big-endian), bytes
 *             | 11000000 i16 | 11010000 i32 | 11100000 i64 | 11110000 i24 | 11111110 i8
 *             | 1111vvvv   v - 1, from 0 to 12
 *
 * Invariant: a reader looks at nothing outside of its bytes, and throws `BadData`.
 */
import { BadData, type RdbElements } from "./types.ts";

const headerBytes = 10;
const endMark = 0xff;
const longBefore = 254;

/** Goes through the elements of a ziplist from the front. */
export class ZiplistReader implements RdbElements {
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;
  bytes: Buffer;
  start = 0;
  end = 0;
  /** Of the ziplist that is all of `buffer[start, end)`. */
  constructor(buffer: Buffer, start: number, end: number) {
    const size = end - start;
    if (size < headerBytes + 1 || buffer.readUInt32LE(start) !== size || buffer[end - 1] !== endMark)
      throw new BadData("a ziplist that is damaged");
    this.#buffer = buffer;
    this.bytes = buffer;
    this.#at = start + headerBytes;
    this.#end = end - 1;
  }

  /** False at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const before = this.#buffer[this.#at]!;
    this.#take(before === longBefore ? 5 : 1);
    const first = this.#buffer[this.#take(1)]!;
    if (first < 0x40) this.#isBytes(first);
    else if (first < 0x80) this.#isBytes(((first & 0x3f) << 8) | this.#buffer[this.#take(1)]!);
    else if (first === 0x80) this.#isBytes(this.#buffer.readUInt32BE(this.#take(4)));
    else this.#isInteger(this.#integer(first));
    return true;
  }

  /** Passes `size` bytes; returns where they begin. */
  #take(size: number): number {
    const from = this.#at;
    if (from + size > this.#end) throw new BadData("a ziplist with an element that is cut off");
    this.#at += size;
    return from;
  }

  #isBytes(size: number): void {
    this.bytes = this.#buffer;
    this.start = this.#take(size);
    this.end = this.#at;
  }

  #integer(first: number): number | bigint {
    const buffer = this.#buffer;
    switch (first) {
      case 0xc0:
        return buffer.readInt16LE(this.#take(2));
      case 0xd0:
        return buffer.readInt32LE(this.#take(4));
      case 0xe0:
        return buffer.readBigInt64LE(this.#take(8));
      case 0xf0:
        return buffer.readIntLE(this.#take(3), 3);
      case 0xfe:
        return buffer.readInt8(this.#take(1));
      default:
        if (first < 0xf1 || first > 0xfd) throw new BadData("a ziplist with an element of unknown form");
        return (first & 0x0f) - 1;
    }
  }

  #isInteger(value: number | bigint): void {
    this.bytes = Buffer.from(String(value), "latin1");
    this.start = 0;
    this.end = this.bytes.length;
  }
}
