/**
 * Listpacks: elements one behind the other, as redis keeps small collections and parts of streams, and dumps them.
 *
 *     listpack = u32 bytes, u16 count (0xffff: unknown), elements, 0xff                       little-endian
 *     element  = 0vvvvvvv                                       0 to 127
 *              | 10llllll, bytes                                up to 63 bytes
 *              | 110vvvvv vvvvvvvv                              13 bits, signed
 *              | 1110llll llllllll, bytes                       up to 4095 bytes
 *              | 11110000 u32, bytes
 *              | 11110001 i16 | 11110010 i24 | 11110011 i32 | 11110100 i64
 *              followed by the size of all that: seven bits a byte, the highest first, all but the first byte marked
 *
 * Not here: what the elements mean. Invariant: a reader looks at nothing outside of its bytes, and throws `BadData`.
 */
import type { ByteWriter } from "../../../../base/bytes.ts";
import { parseBigInteger, parseInteger } from "../numbers.ts";
import { BadData, type RdbElements } from "./types.ts";

const headerBytes = 6;
const countUnknown = 0xffff;
const endMark = 0xff;
const integerTextMax = 20;

/** Appends one listpack after the other to a writer. */
export class ListpackWriter {
  #out!: ByteWriter;
  #start = 0;
  #count = 0;

  begin(out: ByteWriter): void {
    this.#out = out;
    this.#start = out.reserve(headerBytes);
    this.#count = 0;
  }

  /** An element as redis makes one of bytes: a number where they are how redis prints one of 64 bits. */
  text(bytes: Uint8Array, start: number, end: number): void {
    const value = end - start <= integerTextMax ? parseInteger(bytes, start, end) : NaN;
    if (Number.isNaN(value)) this.string(bytes, start, end);
    else this.integer(Number.isSafeInteger(value) ? value : parseBigInteger(bytes, start, end)!);
  }

  integer(value: number | bigint): void {
    const out = this.#out;
    const from = out.length;
    if (typeof value === "bigint") {
      const at = out.uint8(0xf4).reserve(8);
      out.buffer.writeBigInt64LE(value, at);
    } else if (value >= 0 && value < 0x80) out.uint8(value);
    else if (value >= -0x1000 && value < 0x1000) out.uint8(0xc0 | ((value >> 8) & 0x1f)).uint8(value);
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
    if (size < 0x40) out.uint8(0x80 | size);
    else if (size < 0x1000) out.uint8(0xe0 | (size >> 8)).uint8(size);
    else little(out.uint8(0xf0), size, 4);
    out.bytes(bytes, start, end);
    this.#ended(out.length - from);
  }

  /** Elements that another writer has made, sizes and all. */
  elements(bytes: Uint8Array, start: number, end: number, count: number): void {
    this.#out.bytes(bytes, start, end);
    this.#count += count;
  }

  #ended(size: number): void {
    const out = this.#out;
    for (let left = backLengthBytes(size) - 1, mark = 0; left >= 0; left--, mark = 0x80)
      out.uint8(((size >>> (7 * left)) & 0x7f) | mark);
    this.#count++;
  }

  end(): void {
    const out = this.#out;
    out.uint8(endMark);
    out.buffer.writeUInt32LE(out.length - this.#start, this.#start);
    out.buffer.writeUInt16LE(Math.min(this.#count, countUnknown), this.#start + 4);
  }
}

function little(out: ByteWriter, value: number, size: number): void {
  for (let i = 0; i < size; i++) out.uint8(value >> (8 * i));
}

function backLengthBytes(size: number): number {
  if (size < 2 ** 7) return 1;
  if (size < 2 ** 14 - 1) return 2;
  if (size < 2 ** 21 - 1) return 3;
  return size < 2 ** 28 - 1 ? 4 : 5;
}

/** Goes through the elements of a listpack from the front. */
export class ListpackReader implements RdbElements {
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;
  /** What the header says; -1 for unknown. */
  readonly size: number;
  /** The element: an integer, or null for a string. */
  integer: number | bigint | null = null;
  bytes: Buffer;
  start = 0;
  end = 0;

  /** Of the listpack that is all of `buffer[start, end)`. */
  constructor(buffer: Buffer, start: number, end: number) {
    const bytes = end - start;
    if (bytes < headerBytes + 1 || buffer.readUInt32LE(start) !== bytes || buffer[end - 1] !== endMark)
      throw new BadData("a listpack of another size");
    this.#buffer = buffer;
    this.bytes = buffer;
    this.#at = start + headerBytes;
    this.#end = end - 1;
    const size = buffer.readUInt16LE(start + 4);
    this.size = size === countUnknown ? -1 : size;
  }

  /** Reads the next element, an integer as its digits: `bytes[start, end)`. False at the end. */
  next(): boolean {
    if (!this.#next()) return false;
    if (this.integer === null) return true;
    this.bytes = Buffer.from(String(this.integer), "latin1");
    this.start = 0;
    this.end = this.bytes.length;
    return true;
  }

  /** The same, which must be there. */
  text(): void {
    if (!this.next()) throw new BadData("a listpack ends too early");
  }

  /** The next element, which must be a small integer that is not negative. */
  count(): number {
    const value = this.#next() ? this.integer : null;
    if (typeof value !== "number" || value < 0) throw new BadData("a count in a listpack");
    return value;
  }

  /** The next element, which must be an integer. */
  whole(): number | bigint {
    const value = this.#next() ? this.integer : null;
    if (value === null) throw new BadData("an integer in a listpack");
    return value;
  }

  #next(): boolean {
    if (this.#at === this.#end) return false;
    const from = this.#at;
    this.#element(this.#buffer[this.#take(1)]!);
    this.#take(backLengthBytes(this.#at - from));
    return true;
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#end) throw new BadData("a listpack's element is cut off");
    this.#at = at + size;
    return at;
  }

  #element(first: number): void {
    const buffer = this.#buffer;
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
}
