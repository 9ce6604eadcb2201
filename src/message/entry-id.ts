/**
 * The entry id of a record, `ms-sequence`: two unsigned 64-bit numbers. A JS number is exact up to 2^53 only, so each is
 * two words of 32 bits: compared, counted and stored without an allocation, whatever its size (ADR 10).
 *
 * An id is a place that is written to, not a value: who keeps one copies it. Not here: how commands spell ids.
 * Ids that follow each other are neighbours in the 128 bits of both numbers, as Redis counts: after the greatest sequence
 * comes the next millisecond. Nothing follows the last id of all.
 * Invariant: every word is an integer in `[0, 2^32)`.
 */
import { assertInvariant, assertsAreOn } from "../base/assert.ts";
import type { ByteReader, ByteWriter } from "../base/bytes.ts";

const wordSize = 0x1_0000_0000;
const wordMax = 0xffff_ffff;
/** Bytes of a stored id: both numbers, big-endian. */
const entryIdBytes = 16;

export class EntryId {
  msHigh = 0;
  msLow = 0;
  sequenceHigh = 0;
  sequenceLow = 0;

  /** Both parts must be safe integers. */
  set(ms: number, sequence: number): this {
    this.msHigh = Math.floor(ms / wordSize);
    this.msLow = ms % wordSize;
    this.sequenceHigh = Math.floor(sequence / wordSize);
    this.sequenceLow = sequence % wordSize;
    if (assertsAreOn) this.#assertWords();
    return this;
  }

  #assertWords(): void {
    for (const word of [this.msHigh, this.msLow, this.sequenceHigh, this.sequenceLow])
      assertInvariant(word >= 0 && word === word >>> 0, "words of an entry id are 32 bits");
  }

  copyFrom(other: EntryId): this {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.sequenceHigh = other.sequenceHigh;
    this.sequenceLow = other.sequenceLow;
    return this;
  }

  setMax(): this {
    this.msHigh = this.msLow = this.sequenceHigh = this.sequenceLow = wordMax;
    return this;
  }

  get isZero(): boolean {
    return this.msLow === 0 && this.sequenceLow === 0 && this.msHigh === 0 && this.sequenceHigh === 0;
  }

  get isMax(): boolean {
    return this.hasMsMax && this.hasSequenceMax;
  }

  get hasMsMax(): boolean {
    return this.msHigh === wordMax && this.msLow === wordMax;
  }

  get hasSequenceMax(): boolean {
    return this.sequenceHigh === wordMax && this.sequenceLow === wordMax;
  }

  /** The milliseconds as a number: exact below 2^53, which they reach in the year 287396; rounded above. */
  get ms(): number {
    return this.msHigh * wordSize + this.msLow;
  }

  hasMsOf(other: EntryId): boolean {
    return this.msLow === other.msLow && this.msHigh === other.msHigh;
  }

  /** Negative, 0 or positive, as this id is below, at or above the other. */
  compare(other: EntryId): number {
    if (this.msHigh !== other.msHigh) return this.msHigh - other.msHigh;
    if (this.msLow !== other.msLow) return this.msLow - other.msLow;
    if (this.sequenceHigh !== other.sequenceHigh) return this.sequenceHigh - other.sequenceHigh;
    return this.sequenceLow - other.sequenceLow;
  }

  equals(other: EntryId): boolean {
    return (
      this.sequenceLow === other.sequenceLow &&
      this.msLow === other.msLow &&
      this.sequenceHigh === other.sequenceHigh &&
      this.msHigh === other.msHigh
    );
  }

  /** How many ids on the other one is: exact up to 2^53, negative when it is below. */
  distanceTo(other: EntryId): number {
    let sequenceLow = other.sequenceLow - this.sequenceLow;
    let sequenceHigh = other.sequenceHigh - this.sequenceHigh;
    let msLow = other.msLow - this.msLow;
    let msHigh = other.msHigh - this.msHigh;
    if (sequenceLow < 0) {
      sequenceLow += wordSize;
      sequenceHigh--;
    }
    if (sequenceHigh < 0) {
      sequenceHigh += wordSize;
      msLow--;
    }
    if (msLow < 0) {
      msLow += wordSize;
      msHigh--;
    }
    return ((msHigh * wordSize + msLow) * wordSize + sequenceHigh) * wordSize + sequenceLow;
  }

  /** Moves `count` ids on, at most to the last one. */
  add(count: number): this {
    const low = this.sequenceLow + count;
    if (low < wordSize) this.sequenceLow = low;
    else this.#carry(low);
    if (assertsAreOn) this.#assertWords();
    return this;
  }

  #carry(low: number): void {
    const high = this.sequenceHigh + Math.floor(low / wordSize);
    const msLow = this.msLow + Math.floor(high / wordSize);
    const msHigh = this.msHigh + Math.floor(msLow / wordSize);
    if (msHigh > wordMax) {
      this.setMax();
      return;
    }
    this.sequenceLow = low % wordSize;
    this.sequenceHigh = high % wordSize;
    this.msLow = msLow % wordSize;
    this.msHigh = msHigh;
  }

  /** The next id; false, and nothing changed, at the very last one. */
  increment(): boolean {
    if (this.isMax) return false;
    this.add(1);
    return true;
  }

  /** The id before; false, and nothing changed, at 0-0. */
  decrement(): boolean {
    if (this.isZero) return false;
    if (this.sequenceLow > 0) this.sequenceLow--;
    else {
      this.sequenceLow = wordMax;
      if (this.sequenceHigh > 0) this.sequenceHigh--;
      else {
        this.sequenceHigh = wordMax;
        if (this.msLow > 0) this.msLow--;
        else {
          this.msLow = wordMax;
          this.msHigh--;
        }
      }
    }
    return true;
  }

  /** Reads the 16 bytes at `at`. */
  read(buffer: Uint8Array, at: number): this {
    this.msHigh = readWord(buffer, at);
    this.msLow = readWord(buffer, at + 4);
    this.sequenceHigh = readWord(buffer, at + 8);
    this.sequenceLow = readWord(buffer, at + 12);
    return this;
  }

  write(buffer: Uint8Array, at: number): void {
    if (assertsAreOn) this.#assertWords();
    writeWord(buffer, at, this.msHigh);
    writeWord(buffer, at + 4, this.msLow);
    writeWord(buffer, at + 8, this.sequenceHigh);
    writeWord(buffer, at + 12, this.sequenceLow);
  }

  decode(reader: ByteReader): this {
    return this.read(reader.buffer, reader.skip(entryIdBytes));
  }

  encode(writer: ByteWriter): void {
    const at = writer.reserve(entryIdBytes);
    this.write(writer.buffer, at);
  }

  /** The four words, in order, in an array of ids: index counts ids. */
  readWords(words: Uint32Array, index: number): this {
    const at = index * 4;
    this.msHigh = words[at]!;
    this.msLow = words[at + 1]!;
    this.sequenceHigh = words[at + 2]!;
    this.sequenceLow = words[at + 3]!;
    return this;
  }

  writeWords(words: Uint32Array, index: number): void {
    const at = index * 4;
    words[at] = this.msHigh;
    words[at + 1] = this.msLow;
    words[at + 2] = this.sequenceHigh;
    words[at + 3] = this.sequenceLow;
  }

  /** For people: errors and tests. Replies are written without a string (protocols/redis/stream/id.ts). */
  toString(): string {
    return `${bigOf(this.msHigh, this.msLow)}-${bigOf(this.sequenceHigh, this.sequenceLow)}`;
  }
}

function bigOf(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

function readWord(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) >>> 0;
}

function writeWord(buffer: Uint8Array, at: number, word: number): void {
  buffer[at] = word >>> 24;
  buffer[at + 1] = word >>> 16;
  buffer[at + 2] = word >>> 8;
  buffer[at + 3] = word;
}
