/**
 * The parts that all values in Redis's RDB format are made of, version 10 (redis 7.0): lengths, strings, times.
 *
 *     length = 00 and 6 bits | 01 and 14 bits | 0x80 u32 | 0x81 u64                      big-endian
 *     string = length, bytes | 0xc0 i8 | 0xc1 i16 | 0xc2 i32 | 0xc3 length, length, LZF   integers little-endian, read as decimals
 *     time   = i64 ms, little-endian
 *
 * Strings are written as they are; all of the forms are read. Not here: what a type consists of. Bytes that are no RDB, or cut, throw
 * `BadData`; a declared size is held against what the bytes can hold before memory is taken.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import { limits } from "../../../base/limits.ts";

/** The format's version that is written, and the highest that is read. */
export const rdbVersion = 10;

export const rdbType = {
  string: 0,
  hash: 4,
  hashListpack: 16,
  streamListpacks2: 19,
} as const;

export class BadData extends Error {
  constructor(what: string) {
    super(`serialized value: ${what}`);
  }
}

const wordSize = 2 ** 32;
/** What a byte of LZF becomes at most; so much is never reached. */
const lzfRatioMax = 100;

export function writeLength(out: ByteWriter, value: number): void {
  if (value < 1 << 6) out.uint8(value);
  else if (value < 1 << 14) out.uint8(0x40 | (value >> 8)).uint8(value & 0xff);
  else if (value < wordSize) out.uint8(0x80).uint32(value);
  else writeLongLength(out, Math.floor(value / wordSize), value % wordSize);
}

/** 64 bits, as two words. */
export function writeLongLength(out: ByteWriter, high: number, low: number): void {
  if (high === 0) return writeLength(out, low);
  out.uint8(0x81).uint32(high).uint32(low);
}

export function writeString(out: ByteWriter, bytes: Uint8Array, start = 0, end: number = bytes.length): void {
  writeLength(out, end - start);
  out.bytes(bytes, start, end);
}

export function writeTime(out: ByteWriter, ms: number): void {
  const at = out.reserve(8);
  out.buffer.writeBigInt64LE(BigInt(Math.trunc(ms)), at);
}

export class RdbReader {
  readonly buffer: Buffer;
  position: number;
  readonly #end: number;
  /** Of all compressed strings, which a value of few bytes may have many of. */
  #inflatedBytes = 0;
  /** The words of the length that was read last. */
  high = 0;
  low = 0;
  /** The string that was read last: `[start, end)` of `bytes`, valid as long as the reader's buffer. */
  bytes: Buffer;
  start = 0;
  end = 0;

  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer;
    this.bytes = buffer;
    this.position = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.position;
  }

  /** Passes `size` bytes and returns where they begin. */
  skip(size: number): number {
    if (size > this.remaining) throw new BadData("is cut");
    const at = this.position;
    this.position += size;
    return at;
  }

  #byte(): number {
    return this.buffer[this.skip(1)]!;
  }

  /** Not exact above 2^53: then see `high` and `low`. */
  length(): number {
    const first = this.#byte();
    this.#lengthAfter(first);
    return this.high * wordSize + this.low;
  }

  #lengthAfter(first: number): void {
    this.high = 0;
    if (first < 0x40) this.low = first;
    else if (first < 0x80) this.low = ((first & 0x3f) << 8) | this.#byte();
    else if (first === 0x80) this.low = this.buffer.readUInt32BE(this.skip(4));
    else if (first === 0x81) {
      this.high = this.buffer.readUInt32BE(this.skip(4));
      this.low = this.buffer.readUInt32BE(this.skip(4));
    } else throw new BadData(`a length begins with ${first}`);
  }

  /** The number of things of at least `size` bytes that follow. */
  count(size: number): number {
    const count = this.length();
    if (count * size > this.remaining) throw new BadData(`${count} things in ${this.remaining} bytes`);
    return count;
  }

  /** Reads a string: `bytes[start, end)`. */
  string(): void {
    const first = this.#byte();
    if (first < 0xc0) {
      this.#lengthAfter(first);
      const size = this.high * wordSize + this.low;
      this.#found(this.buffer, this.skip(size), size);
    } else if (first === 0xc0) this.#decimal(this.buffer.readInt8(this.skip(1)));
    else if (first === 0xc1) this.#decimal(this.buffer.readInt16LE(this.skip(2)));
    else if (first === 0xc2) this.#decimal(this.buffer.readInt32LE(this.skip(4)));
    else if (first === 0xc3) this.#compressed();
    else throw new BadData(`a string begins with ${first}`);
  }

  text(): string {
    this.string();
    return this.bytes.latin1Slice(this.start, this.end);
  }

  #found(bytes: Buffer, start: number, size: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = start + size;
  }

  #decimal(value: number): void {
    const text = Buffer.from(String(value));
    this.#found(text, 0, text.length);
  }

  #compressed(): void {
    const packed = this.length();
    const size = this.length();
    this.#inflatedBytes += size;
    if (
      packed > this.remaining ||
      size > packed * lzfRatioMax ||
      this.#inflatedBytes > limits.redisReplyBytesMax
    )
      throw new BadData("a compressed string");
    const start = this.skip(packed);
    this.#found(inflateLzf(this.buffer, start, start + packed, size), 0, size);
  }

  time(): number {
    return Number(this.buffer.readBigInt64LE(this.skip(8)));
  }
}

/**
 * LZF: `000LLLLL` and L + 1 bytes as they are, or `LLLOOOOO [L] O` for L + 2 bytes (7: and a byte more) from O + 1 bytes back.
 */
function inflateLzf(bytes: Uint8Array, start: number, end: number, size: number): Buffer {
  const out = Buffer.allocUnsafe(size);
  let to = 0;
  let at = start;
  while (at < end) {
    const control = bytes[at++]!;
    let length = control >> 5;
    if (length === 0) {
      length = control + 1;
      if (at + length > end || to + length > size) throw new BadData("a compressed string");
      for (let i = 0; i < length; i++) out[to++] = bytes[at++]!;
      continue;
    }
    if (length === 7) length += bytes[at++]!;
    const from = to - ((control & 0x1f) << 8) - bytes[at++]! - 1;
    length += 2;
    if (at > end || from < 0 || to + length > size) throw new BadData("a compressed string");
    for (let i = 0; i < length; i++) out[to++] = out[from + i]!;
  }
  if (to !== size) throw new BadData("a compressed string");
  return out;
}
