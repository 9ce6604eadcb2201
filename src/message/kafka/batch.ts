/**
 * The header of Kafka record batches (format 2), read and patched where it lies. Batches are stored as they came, so
 * this is all that most of them ever meet.
 *
 *      0  int64   base offset               27  int64   base timestamp
 *      8  int32   length of what follows    35  int64   maximum timestamp
 *     12  int32   partition leader epoch    43  int64   producer id
 *     16  int8    magic, 2                  51  int16   producer epoch
 *     17  uint32  CRC-32C of 21 to the end  53  int32   base sequence
 *     21  int16   attributes                57  int32   record count
 *     23  int32   last offset delta         61  records, compressed as the attributes say
 *
 * Attributes: bits 0-2 codec, 3 log append time, 4 transactional, 5 control, 6 delete horizon in the base timestamp.
 * Base offset and leader epoch lie outside the checksum, so that a broker can set them without computing it again.
 *
 * Not here: what is in the records (batch-records.ts), whether a producer may send it (batch-validate.ts).
 * Invariant: after `next()` returned true, `buffer[start, end)` is one batch of which the whole header is there.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { nativeCrc32c } from "../../base/checksum/crc32c-native.ts";
import { BrokerError } from "../../base/errors.ts";
import { int32At, int64At, putInt32, putInt64 } from "./varint.ts";

export const batchHeaderBytes = 61;
/** Base offset and length: what a batch has beyond its length field's value. */
export const batchPrefixBytes = 12;
export const batchMagic = 2;
const checksumStart = 21;
/** The least a length field may hold: the overhead of the oldest message format. */
const lengthMin = 14;

export const attributeBits = {
  codec: 0b111,
  logAppendTime: 1 << 3,
  transactional: 1 << 4,
  control: 1 << 5,
} as const;

const nothing = Buffer.alloc(0);

/** A view that walks over consecutive batches in one buffer. */
export class KafkaBatch {
  buffer: Buffer = nothing;
  start = 0;
  end = 0;
  #next = 0;
  #limit = 0;

  /** Points this view before the first batch of `buffer[start, limit)`. */
  reset(buffer: Buffer, start = 0, limit: number = buffer.length): this {
    this.buffer = buffer;
    this.start = start;
    this.end = start;
    this.#next = start;
    this.#limit = limit;
    return this;
  }

  /**
   * Moves to the next whole batch. False at the end, or before a batch that is cut off: a fetch response may end in
   * one, and `truncatedBytes` then tells its size. A length that no batch can have throws MALFORMED.
   */
  next(): boolean {
    const at = this.#next;
    const available = this.#limit - at;
    if (available < batchPrefixBytes) return false;
    const length = int32At(this.buffer, at + 8);
    if (length < lengthMin) throw malformed(at, length);
    if (available < batchPrefixBytes + length) return false;
    // Older formats have their magic at the same place, and shorter headers: they are let through to be refused.
    if (this.buffer[at + 16] === batchMagic && length < batchHeaderBytes - batchPrefixBytes) {
      throw malformed(at, length);
    }
    this.start = at;
    this.end = at + batchPrefixBytes + length;
    this.#next = this.end;
    if (assertsAreOn)
      assertInvariant(this.end > at && this.end <= this.#limit, "a batch lies whole before the limit");
    return true;
  }

  /** After `next()` returned false: bytes of a batch that is not whole. */
  get truncatedBytes(): number {
    return this.#limit - this.#next;
  }

  get sizeBytes(): number {
    return this.end - this.start;
  }

  get baseOffset(): number {
    return int64At(this.buffer, this.start);
  }

  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta;
  }

  get partitionLeaderEpoch(): number {
    return int32At(this.buffer, this.start + 12);
  }

  get magic(): number {
    return this.buffer[this.start + 16]!;
  }

  get checksum(): number {
    return int32At(this.buffer, this.start + 17) >>> 0;
  }

  get attributes(): number {
    return (this.buffer[this.start + 21]! << 8) | this.buffer[this.start + 22]!;
  }

  get codec(): number {
    return this.buffer[this.start + 22]! & attributeBits.codec;
  }

  get isLogAppendTime(): boolean {
    return (this.buffer[this.start + 22]! & attributeBits.logAppendTime) !== 0;
  }

  get isTransactional(): boolean {
    return (this.buffer[this.start + 22]! & attributeBits.transactional) !== 0;
  }

  /** Holds a transaction marker instead of records; `controlTypeOf` reads it. */
  get isControl(): boolean {
    return (this.buffer[this.start + 22]! & attributeBits.control) !== 0;
  }

  get lastOffsetDelta(): number {
    return int32At(this.buffer, this.start + 23);
  }

  get baseTimestamp(): number {
    return int64At(this.buffer, this.start + 27);
  }

  get maxTimestamp(): number {
    return int64At(this.buffer, this.start + 35);
  }

  /** -1 without an idempotent producer. */
  get producerId(): number {
    return int64At(this.buffer, this.start + 43);
  }

  get producerEpoch(): number {
    return ((this.buffer[this.start + 51]! << 24) >> 16) | this.buffer[this.start + 52]!;
  }

  get baseSequence(): number {
    return int32At(this.buffer, this.start + 53);
  }

  get recordCount(): number {
    return int32At(this.buffer, this.start + 57);
  }

  get recordsStart(): number {
    return this.start + batchHeaderBytes;
  }

  hasValidChecksum(): boolean {
    return this.#computeChecksum() === this.checksum;
  }

  #computeChecksum(): number {
    return nativeCrc32c(this.buffer.subarray(this.start + checksumStart, this.end));
  }

  /** Gives the batch its place in the log. The checksum does not cover it. */
  setPlace(baseOffset: number, partitionLeaderEpoch: number): void {
    putInt64(this.buffer, this.start, baseOffset);
    putInt32(this.buffer, this.start + 12, partitionLeaderEpoch);
  }

  /** For topics with `message.timestamp.type=LogAppendTime`: one time for all records. Computes the checksum again. */
  setLogAppendTime(timestamp: number): void {
    this.buffer[this.start + 22]! |= attributeBits.logAppendTime;
    putInt64(this.buffer, this.start + 35, timestamp);
    putInt32(this.buffer, this.start + 17, this.#computeChecksum());
  }
}

function malformed(at: number, length: number): BrokerError {
  return new BrokerError("MALFORMED", `record batch at ${at} has length ${length}, too short for its header`);
}
