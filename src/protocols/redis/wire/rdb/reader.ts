/**
 * Reads what writer.ts writes, from bytes that nobody has checked.
 *
 * Not here: what a value consists of. Invariants: nothing outside of the bytes that were given is looked at; what is not of the format
 * throws `RdbFormatError`; a length that is read is not believed: nothing is allocated that the bytes cannot hold, or LZF expand to.
 */
import { decompressLzf } from "./lzf.ts";
import { type RdbElements, RdbFormatError } from "./types.ts";

/** LZF makes at most 264 bytes of three. */
const expandedMax = 88;
const noBytes = Buffer.alloc(0);

export class RdbReader {
  readonly buffer: Buffer;
  at: number;
  readonly end: number;
  /** The string that `string` has read: `bytes[start, stop)`. Valid until the next one. */
  bytes: Buffer = noBytes;
  start = 0;
  stop = 0;

  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer;
    this.at = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  uint8(): number {
    if (this.at >= this.end) throw new RdbFormatError("the bytes end too early");
    return this.buffer[this.at++]!;
  }

  /** Passes `size` bytes and returns where they begin. */
  skip(size: number): number {
    if (size > this.remaining) throw new RdbFormatError("the bytes end too early");
    const from = this.at;
    this.at += size;
    return from;
  }

  length(): number {
    const length = this.#lengthAfter(this.uint8());
    if (length < 0) throw new RdbFormatError("a length was expected");
    return length;
  }

  /** Of a length that begins with `first`; -1 where that begins a string in another form. */
  #lengthAfter(first: number): number {
    const kind = first >> 6;
    if (kind === 0) return first;
    if (kind === 1) return ((first & 0x3f) << 8) | this.uint8();
    if (kind === 3) return -1;
    if (first === 0x80) return this.buffer.readUInt32BE(this.skip(4));
    if (first !== 0x81) throw new RdbFormatError("a length of unknown form");
    const length = this.buffer.readBigUInt64BE(this.skip(8));
    if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new RdbFormatError("a length that cannot be");
    return Number(length);
  }

  /** Reads a string of any form. */
  string(): void {
    const first = this.uint8();
    const length = this.#lengthAfter(first);
    if (length < 0) return this.#encoded(first & 0x3f);
    this.start = this.skip(length);
    this.bytes = this.buffer;
    this.stop = this.at;
  }

  #encoded(form: number): void {
    if (form === 3) return this.#compressed();
    if (form > 2) throw new RdbFormatError("a string of unknown form");
    const size = 1 << form;
    const value = this.buffer.readIntLE(this.skip(size), size);
    this.bytes = Buffer.from(String(value), "latin1");
    this.start = 0;
    this.stop = this.bytes.length;
  }

  #compressed(): void {
    const compressed = this.length();
    const size = this.length();
    const from = this.skip(compressed);
    if (size > compressed * expandedMax) throw new RdbFormatError("a compressed string that cannot be");
    this.bytes = Buffer.allocUnsafeSlow(size);
    if (!decompressLzf(this.buffer, from, from + compressed, this.bytes))
      throw new RdbFormatError("a compressed string that is damaged");
    this.start = 0;
    this.stop = size;
  }
}

/** So many strings, one behind the other. */
export class StringElements implements RdbElements {
  readonly #reader: RdbReader;
  #left: number;
  bytes: Buffer = noBytes;
  start = 0;
  end = 0;

  constructor(reader: RdbReader, count: number) {
    this.#reader = reader;
    this.#left = count;
  }

  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    const reader = this.#reader;
    reader.string();
    this.bytes = reader.bytes;
    this.start = reader.start;
    this.end = reader.stop;
    return true;
  }
}

/** Elements in pairs: fields and values, or members and scores. */
export class ElementPairs {
  readonly #elements: RdbElements;
  /** The first of a pair: `firstBytes[firstStart, firstEnd)`. */
  firstBytes: Buffer = noBytes;
  firstStart = 0;
  firstEnd = 0;

  constructor(elements: RdbElements) {
    this.#elements = elements;
  }

  /** The second of a pair. */
  get second(): RdbElements {
    return this.#elements;
  }

  next(): boolean {
    const elements = this.#elements;
    if (!elements.next()) return false;
    this.firstBytes = elements.bytes;
    this.firstStart = elements.start;
    this.firstEnd = elements.end;
    if (!elements.next()) throw new RdbFormatError("a pair lacks its second half");
    return true;
  }
}
