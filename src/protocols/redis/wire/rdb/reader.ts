/**
 * Reads what writer.ts writes, from bytes that nobody has checked.
 *
 * Not here: what a value consists of. Invariants: nothing outside of the bytes that were given is looked at; what is not of the format
 * throws `BadData`; a length that is read is not believed: nothing is allocated that the bytes cannot hold or expand to.
 */
import { limits } from "../../../../base/limits.ts";
import { parseFloatStrict } from "../numbers.ts";
import { decompressLzf } from "./lzf.ts";
import { BadData, CutOff, type RdbElements } from "./types.ts";

/** LZF makes at most 264 bytes of three. */
const expandedMax = 88;
const wordSize = 2 ** 32;
/** In place of the length of a score's text. */
export const scoreMark = { notNumber: 253, infinite: 254, negativeInfinite: 255 } as const;

export class RdbReader {
  buffer: Buffer;
  position: number;
  limit: number;
  /** Of all compressed strings, of which a value of few bytes may have many. */
  #expandedBytes = 0;
  /** The words of the length that was read last. */
  high = 0;
  low = 0;
  /** The string that was read last: `bytes[start, end)`, valid as long as the reader's buffer. */
  bytes: Buffer;
  start = 0;
  end = 0;

  /** Of `buffer[start, end)`. */
  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer;
    this.bytes = buffer;
    this.position = start;
    this.limit = end;
  }

  /** Goes on in other bytes, `buffer[start, end)`: those of a file come window by window. */
  slide(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.position = start;
    this.limit = end;
    this.#expandedBytes = 0;
  }

  get remaining(): number {
    return this.limit - this.position;
  }

  /** Passes `size` bytes and returns where they begin. */
  skip(size: number): number {
    if (size > this.remaining) throw new CutOff(size - this.remaining);
    const at = this.position;
    this.position += size;
    return at;
  }

  uint8(): number {
    return this.buffer[this.skip(1)]!;
  }

  /** Not exact above 2^53: then see `high` and `low`. */
  length(): number {
    return this.#lengthAfter(this.uint8());
  }

  #lengthAfter(first: number): number {
    this.high = 0;
    if (first < 0x40) this.low = first;
    else if (first < 0x80) this.low = ((first & 0x3f) << 8) | this.uint8();
    else if (first === 0x80) this.low = this.buffer.readUInt32BE(this.skip(4));
    else if (first === 0x81) {
      this.high = this.buffer.readUInt32BE(this.skip(4));
      this.low = this.buffer.readUInt32BE(this.skip(4));
    } else throw new BadData(`a length begins with ${first}`);
    return this.high * wordSize + this.low;
  }

  /** The number of things of at least `size` bytes that follow. */
  count(size: number): number {
    const count = this.length();
    if (count * size > this.remaining) throw new BadData(`${count} things in ${this.remaining} bytes`);
    return count;
  }

  /** Reads a string of any form. */
  string(): void {
    const first = this.uint8();
    if (first < 0xc0) {
      const size = this.#lengthAfter(first);
      this.#found(this.buffer, this.skip(size), size);
    } else if (first === 0xc3) this.#compressed();
    else if (first <= 0xc2) {
      const size = 1 << (first & 3);
      const text = Buffer.from(String(this.buffer.readIntLE(this.skip(size), size)), "latin1");
      this.#found(text, 0, text.length);
    } else throw new BadData(`a string begins with ${first}`);
  }

  /** Passes a string of any form; returns how many bytes it stands for where it is compressed, else 0. */
  passString(): number {
    const first = this.uint8();
    if (first < 0xc0) this.skip(this.#lengthAfter(first));
    else if (first === 0xc3) {
      const packed = this.length();
      const size = this.length();
      this.skip(packed);
      return size;
    } else if (first <= 0xc2) this.skip(1 << (first & 3));
    else throw new BadData(`a string begins with ${first}`);
    return 0;
  }

  /** Reads the head of a string of any form; returns how many bytes follow it. */
  stringHead(): number {
    const first = this.uint8();
    if (first < 0xc0) return this.#lengthAfter(first);
    if (first <= 0xc2) return 1 << (first & 3);
    if (first !== 0xc3) throw new BadData(`a string begins with ${first}`);
    const packed = this.length();
    this.length();
    return packed;
  }

  /** A score as redis before 4.0 has it: its digits. May be NaN. */
  textScore(): number {
    const size = this.uint8();
    if (size === scoreMark.infinite) return Infinity;
    if (size === scoreMark.negativeInfinite) return -Infinity;
    if (size === scoreMark.notNumber) return NaN;
    const at = this.skip(size);
    return parseFloatStrict(this.buffer, at, at + size);
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

  #compressed(): void {
    const packed = this.length();
    const size = this.length();
    const from = this.skip(packed);
    this.#expandedBytes += size;
    if (size > packed * expandedMax || this.#expandedBytes > limits.redisReplyBytesMax)
      throw new BadData("a compressed string of a size that cannot be");
    const text = Buffer.allocUnsafeSlow(size);
    if (!decompressLzf(this.buffer, from, from + packed, text)) throw new BadData("a compressed string");
    this.#found(text, 0, size);
  }

  time(): number {
    return Number(this.buffer.readBigInt64LE(this.skip(8)));
  }
}

/** So many strings, one behind the other. */
export class StringElements implements RdbElements {
  readonly #reader: RdbReader;
  #left: number;

  constructor(reader: RdbReader, count: number) {
    this.#reader = reader;
    this.#left = count;
  }

  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    this.#reader.string();
    return true;
  }

  get bytes(): Buffer {
    return this.#reader.bytes;
  }

  get start(): number {
    return this.#reader.start;
  }

  get end(): number {
    return this.#reader.end;
  }
}

/**
 * Gives `count` strings, as often as it is called. The first time the reader passes them.
 */
export function stringsAgain(reader: RdbReader, count: number): () => StringElements {
  const from = reader.position;
  let strings = reader;
  return () => {
    const elements = new StringElements(strings, count);
    strings = new RdbReader(reader.buffer, from, reader.limit);
    return elements;
  };
}

/** Elements in pairs: fields and values, or members and scores. */
export class ElementPairs {
  /** The second of a pair is the element that was read last. */
  readonly second: RdbElements;
  /** The first of a pair: `firstBytes[firstStart, firstEnd)`. */
  firstBytes: Buffer;
  firstStart = 0;
  firstEnd = 0;

  constructor(elements: RdbElements) {
    this.second = elements;
    this.firstBytes = elements.bytes;
  }

  next(): boolean {
    const elements = this.second;
    if (!elements.next()) return false;
    this.firstBytes = elements.bytes;
    this.firstStart = elements.start;
    this.firstEnd = elements.end;
    if (!elements.next()) throw new BadData("a pair lacks its second half");
    return true;
  }
}
