/**
 * Redis's listpack: a run of strings and integers, as they stand in serialized hashes and streams.
 *
 *     listpack = u32 bytes, u16 elements (65535: count them), { element, back length }, 0xff          little-endian
 *     element  = 0nnnnnnn | 110nnnnn n8 | 0xf1 i16 | 0xf2 i24 | 0xf3 i32 | 0xf4 i64
 *              | 10llllll bytes | 1110llll l8 bytes | 0xf0 u32 bytes
 *     back length = the element's size in groups of 7 bits, the highest first, each but the first with its top bit set
 *
 * Not here: what the elements mean. Invariant: an element that was read lies within the listpack.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import { BadData } from "./rdb.ts";

const headerBytes = 6;
const countUnknown = 0xffff;
const endMark = 0xff;

/** Appends one listpack to a writer. */
export class ListpackWriter {
  #out!: ByteWriter;
  #start = 0;
  #count = 0;

  begin(out: ByteWriter): void {
    this.#out = out;
    this.#start = out.reserve(headerBytes);
    this.#count = 0;
  }

  integer(value: number | bigint): void {
    const out = this.#out;
    const from = out.length;
    if (typeof value === "bigint") {
      const at = (out.uint8(0xf4), out.reserve(8));
      out.buffer.writeBigInt64LE(value, at);
    } else if (value >= 0 && value < 128) out.uint8(value);
    else if (value >= -4096 && value < 4096) out.uint8(0xc0 | ((value & 0x1fff) >> 8)).uint8(value & 0xff);
    else if (value >= -0x8000 && value < 0x8000) little(out.uint8(0xf1), value, 2);
    else if (value >= -0x80_0000 && value < 0x80_0000) little(out.uint8(0xf2), value, 3);
    else if (value === (value | 0)) little(out.uint8(0xf3), value, 4);
    else return this.integer(BigInt(value));
    this.#ended(out.length - from);
  }

  string(bytes: Uint8Array, start: number, end: number): void {
    const out = this.#out;
    const from = out.length;
    const size = end - start;
    if (size < 64) out.uint8(0x80 | size);
    else if (size < 4096) out.uint8(0xe0 | (size >> 8)).uint8(size & 0xff);
    else little(out.uint8(0xf0), size, 4);
    out.bytes(bytes, start, end);
    this.#ended(out.length - from);
  }

  /** Elements that another writer has made, back lengths and all. */
  elements(bytes: Uint8Array, start: number, end: number, count: number): void {
    this.#out.bytes(bytes, start, end);
    this.#count += count;
  }

  #ended(size: number): void {
    writeBackLength(this.#out, size);
    this.#count++;
  }

  end(): void {
    const out = this.#out;
    out.uint8(endMark);
    out.buffer.writeUInt32LE(out.length - this.#start, this.#start);
    out.buffer.writeUInt16LE(Math.min(this.#count, countUnknown), this.#start + 4);
  }
}

function little(out: ByteWriter, value: number, bytes: number): void {
  for (let i = 0; i < bytes; i++) out.uint8((value >> (8 * i)) & 0xff);
}

function backLengthSize(size: number): number {
  if (size <= 127) return 1;
  if (size < 16_383) return 2;
  if (size < 2_097_151) return 3;
  return size < 268_435_455 ? 4 : 5;
}

function writeBackLength(out: ByteWriter, size: number): void {
  for (let left = backLengthSize(size) - 1, isFirst = true; left >= 0; left--, isFirst = false)
    out.uint8((Math.floor(size / 2 ** (7 * left)) & 0x7f) | (isFirst ? 0 : 0x80));
}

/** Walks over the elements of one listpack. */
export class ListpackReader {
  readonly #buffer: Buffer;
  #at: number;
  readonly #end: number;
  /** The element: an integer, or null for the string `bytes[start, end)`. */
  integer: number | bigint | null = null;
  bytes: Buffer;
  start = 0;
  end = 0;

  constructor(buffer: Buffer, start: number, end: number) {
    if (
      end - start <= headerBytes ||
      buffer.readUInt32LE(start) !== end - start ||
      buffer[end - 1] !== endMark
    )
      throw new BadData("a listpack of another size");
    this.#buffer = buffer;
    this.bytes = buffer;
    this.#at = start + headerBytes;
    this.#end = end - 1;
  }

  next(): boolean {
    if (this.#at === this.#end) return false;
    const from = this.#at;
    this.#element(this.#take(1));
    const size = this.#at - from;
    this.#take(backLengthSize(size));
    return true;
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#end) throw new BadData("a listpack's element is cut");
    this.#at = at + size;
    return at;
  }

  #element(at: number): void {
    const buffer = this.#buffer;
    const first = buffer[at]!;
    this.integer = null;
    if (first < 0x80) this.integer = first;
    else if (first < 0xc0) this.#string(first & 0x3f);
    else if (first < 0xe0) {
      const value = ((first & 0x1f) << 8) | buffer[this.#take(1)]!;
      this.integer = value < 0x1000 ? value : value - 0x2000;
    } else if (first < 0xf0) this.#string(((first & 0x0f) << 8) | buffer[this.#take(1)]!);
    else if (first === 0xf0) this.#string(buffer.readUInt32LE(this.#take(4)));
    else if (first === 0xf1) this.integer = buffer.readInt16LE(this.#take(2));
    else if (first === 0xf2) this.integer = buffer.readIntLE(this.#take(3), 3);
    else if (first === 0xf3) this.integer = buffer.readInt32LE(this.#take(4));
    else if (first === 0xf4) this.integer = buffer.readBigInt64LE(this.#take(8));
    else throw new BadData(`a listpack's element begins with ${first}`);
  }

  #string(size: number): void {
    this.start = this.#take(size);
    this.end = this.start + size;
    this.bytes = this.#buffer;
  }

  /** The next element, which must be a small integer that is not negative. */
  count(): number {
    const value = this.next() ? this.integer : null;
    if (typeof value !== "number" || value < 0) throw new BadData("a count in a listpack");
    return value;
  }

  /** The next element, which must be an integer. */
  whole(): number | bigint {
    const value = this.next() ? this.integer : null;
    if (value === null) throw new BadData("an integer in a listpack");
    return value;
  }

  /** The next element as a string: `bytes[start, end)`. */
  text(): void {
    if (!this.next()) throw new BadData("a listpack ends too early");
    if (this.integer === null) return;
    this.bytes = Buffer.from(String(this.integer));
    this.start = 0;
    this.end = this.bytes.length;
  }
}
