/**
 * Listpacks: elements one behind the other, as redis keeps small collections and dumps them.
 *
 *     listpack = u32 bytes, u16 count (0xffff: unknown), elements, 0xff                       little-endian
 *     element  = 0vvvvvvv                                       0 to 127
 *              | 10llllll, bytes                                up to 63 bytes
 *              | 110vvvvv vvvvvvvv                              13 bits, signed
 *              | 1110llll llllllll, bytes                       up to 4095 bytes
 *              | 11110000 u32, bytes
 *              | 11110001 i16 | 11110010 i24 | 11110011 i32 | 11110100 i64
 *              followed by the size of all that: seven bits a byte, the lowest last, all but the first byte marked
 *
 * Not here: what the elements mean. Invariants: an element is a number exactly where its bytes are how redis prints one of 64 bits;
 * a reader looks at nothing outside of its bytes, and throws `RdbFormatError`.
 */
import { ByteWriter } from "../../../../base/bytes.ts";
import { parseBigInteger, parseInteger } from "../numbers.ts";
import { RdbFormatError, type RdbElements } from "./types.ts";

const headerBytes = 6;
const countUnknown = 0xffff;
const endMark = 0xff;
const integerTextMax = 20;

export class ListpackWriter {
  readonly out = new ByteWriter(512);
  #count = 0;

  /** Begins another one. */
  begin(): void {
    this.out.length = 0;
    this.out.reserve(headerBytes);
    this.#count = 0;
  }

  get count(): number {
    return this.#count;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const { out } = this;
    const from = out.length;
    if (end - start > integerTextMax || !addInteger(out, bytes, start, end)) addBytes(out, bytes, start, end);
    addBackLength(out, out.length - from);
    this.#count++;
  }

  /** Ends it: it is in `out` then. */
  finish(): void {
    const { out } = this;
    out.uint8(endMark);
    out.buffer.writeUInt32LE(out.length, 0);
    out.buffer.writeUInt16LE(Math.min(this.#count, countUnknown), 4);
  }
}

function addInteger(out: ByteWriter, bytes: Uint8Array, start: number, end: number): boolean {
  const value = parseInteger(bytes, start, end);
  if (Number.isNaN(value)) return false;
  if (value >= 0 && value < 0x80) out.uint8(value);
  else if (value >= -0x1000 && value < 0x1000) out.uint8(0xc0 | ((value >> 8) & 0x1f)).uint8(value);
  else if (value >= -0x8000 && value < 0x8000) little(out.uint8(0xf1), value, 2);
  else if (value >= -0x80_0000 && value < 0x80_0000) little(out.uint8(0xf2), value, 3);
  else if (value === (value | 0)) little(out.uint8(0xf3), value, 4);
  else {
    const at = out.uint8(0xf4).reserve(8);
    out.buffer.writeBigInt64LE(parseBigInteger(bytes, start, end)!, at);
  }
  return true;
}

function little(out: ByteWriter, value: number, size: number): void {
  for (let i = 0; i < size; i++) out.uint8(value >> (8 * i));
}

function addBytes(out: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  const size = end - start;
  if (size < 0x40) out.uint8(0x80 | size);
  else if (size < 0x1000) out.uint8(0xe0 | (size >> 8)).uint8(size);
  else little(out.uint8(0xf0), size, 4);
  out.bytes(bytes, start, end);
}

function addBackLength(out: ByteWriter, size: number): void {
  for (let left = backLengthBytes(size) - 1; left >= 0; left--)
    out.uint8(((size >>> (7 * left)) & 0x7f) | (left === backLengthBytes(size) - 1 ? 0 : 0x80));
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
  readonly count: number;
  bytes: Buffer;
  start = 0;
  end = 0;
  /** Digits of this element, and of the one before. */
  #digits = Buffer.alloc(integerTextMax);
  #digitsBefore = Buffer.alloc(integerTextMax);

  /** Of the listpack that is all of `buffer[start, end)`. */
  constructor(buffer: Buffer, start: number, end: number) {
    const size = end - start;
    if (size < headerBytes + 1 || buffer.readUInt32LE(start) !== size || buffer[end - 1] !== endMark)
      throw new RdbFormatError("a listpack that is damaged");
    this.#buffer = buffer;
    this.bytes = buffer;
    this.#at = start + headerBytes;
    this.#end = end - 1;
    const count = buffer.readUInt16LE(start + 4);
    this.count = count === countUnknown ? -1 : count;
  }

  /** False at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const from = this.#at;
    const first = this.#buffer[from]!;
    if (first < 0x80) this.#isInteger(first, 1);
    else if (first < 0xc0) this.#isBytes(1, first & 0x3f);
    else if (first < 0xe0) this.#isInteger((((first & 0x1f) << 27) >> 19) | this.#byte(1), 2);
    else if (first < 0xf0) this.#isBytes(2, ((first & 0x0f) << 8) | this.#byte(1));
    else if (first === 0xf0) this.#isBytes(5, this.#unsigned32(1));
    else if (first >= 0xf1 && first <= 0xf4) this.#isFixed(first);
    else throw new RdbFormatError("a listpack with an element of unknown form");
    const behind = backLengthBytes(this.#at - from);
    this.#need(behind);
    this.#at += behind;
    return true;
  }

  #need(size: number): void {
    if (this.#at + size > this.#end) throw new RdbFormatError("a listpack with an element that is cut off");
  }

  #byte(offset: number): number {
    this.#need(offset + 1);
    return this.#buffer[this.#at + offset]!;
  }

  #unsigned32(offset: number): number {
    this.#need(offset + 4);
    return this.#buffer.readUInt32LE(this.#at + offset);
  }

  #isBytes(header: number, size: number): void {
    this.#need(header + size);
    this.bytes = this.#buffer;
    this.start = this.#at + header;
    this.end = this.start + size;
    this.#at = this.end;
  }

  #isFixed(first: number): void {
    const size = first === 0xf4 ? 8 : first - 0xef;
    this.#need(1 + size);
    const from = this.#at + 1;
    this.#isInteger(
      size === 8 ? this.#buffer.readBigInt64LE(from) : this.#buffer.readIntLE(from, size),
      1 + size,
    );
  }

  #isInteger(value: number | bigint, size: number): void {
    this.#need(size);
    [this.#digits, this.#digitsBefore] = [this.#digitsBefore, this.#digits];
    this.bytes = this.#digits;
    this.start = 0;
    this.end = this.#digits.latin1Write(String(value), 0);
    this.#at += size;
  }
}
