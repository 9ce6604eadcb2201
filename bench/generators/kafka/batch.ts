/**
 * Record batches (magic 2) made ahead: what changes from one to the next is patched where it lies.
 *
 *     batch   int64 base offset, int32 length from here, int32 leader epoch, int8 magic, uint32 CRC-32C of what follows,
 *             int16 attributes, int32 last offset delta, int64 first time, int64 greatest time,
 *             int64 producer id, int16 producer epoch, int32 base sequence, int32 count, records
 *     record  varint length, int8 attributes, varint time delta, varint offset delta, varint key length (-1),
 *             varint value length, value, varint header count (0)
 *     value   uint32 sequence, uint32 partition, uint32 when it was sent or due (us of performance.now), filling
 *
 * Records are the same size whatever they say, so a batch of fewer records is the begin of the batch of all.
 */
import { crc32c } from "@node-rs/crc32";
import { writeInt64 } from "./wire.ts";

export const headerBytes = 61;
/** Where fields of a batch are. */
export const fieldAt = {
  baseOffset: 0,
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTime: 27,
  maxTime: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
} as const;

/** Where the parts of a value are; the bench's own, see record-check.ts for who reads them. */
export const valueField = { sequence: 0, partition: 4, sentMicroseconds: 8 } as const;
export const valueBytesMin = 12;

export interface BatchShape {
  readonly valueBytes: number;
  readonly recordsMax: number;
}

/** What is said by the records of one batch. */
export interface BatchContent {
  count: number;
  partition: number;
  firstSequence: number;
  firstSentMs: number;
  /** From one record to the next: 0 where all were sent at once. */
  stepMs: number;
}

/** The most records of this size that a batch of so many bytes takes. */
export function recordsFitting(valueBytes: number, batchBytes: number): number {
  // Offsets take a second byte from the 64th on; counting it for all is what the Java client's estimate does as well.
  const recordBytes = valueBytes + 2 * varintBytes(valueBytes) + 6;
  return Math.max(1, Math.floor((batchBytes - headerBytes) / recordBytes));
}

export class BatchTemplate {
  readonly #bytes: Uint8Array;
  /** Of a record: where its value begins, and where it ends, from the batch's begin. */
  readonly #valueAt: Uint32Array;
  readonly #endAt: Uint32Array;
  readonly recordsMax: number;

  constructor({ valueBytes, recordsMax }: BatchShape) {
    if (valueBytes < valueBytesMin) throw new RangeError(`a value has at least ${valueBytesMin} bytes`);
    this.recordsMax = recordsMax;
    this.#valueAt = new Uint32Array(recordsMax);
    this.#endAt = new Uint32Array(recordsMax);
    const bytes = new Uint8Array(headerBytes + recordsMax * (valueBytes + 20));
    const view = new DataView(bytes.buffer);
    view.setInt8(fieldAt.magic, 2);
    view.setInt32(fieldAt.magic - 4, -1);
    writeInt64(view, fieldAt.producerId, -1);
    view.setInt16(fieldAt.producerEpoch, -1);
    view.setInt32(fieldAt.baseSequence, -1);
    let at = headerBytes;
    for (let index = 0; index < recordsMax; index++) {
      const bodyBytes = 4 + varintBytes(index) + varintBytes(valueBytes) + valueBytes;
      at = writeVarint(bytes, at, bodyBytes);
      at = writeVarint(bytes, at + 2, index);
      at = writeVarint(bytes, at, -1);
      at = writeVarint(bytes, at, valueBytes);
      this.#valueAt[index] = at;
      for (let i = valueBytesMin; i < valueBytes; i++) bytes[at + i] = 97 + ((index + i) % 26);
      at += valueBytes + 1;
      this.#endAt[index] = at;
    }
    this.#bytes = bytes.subarray(0, at);
  }

  /** Of a batch of so many records. */
  bytesOf(count: number): number {
    return this.#endAt[count - 1]!;
  }

  /** Writes a whole batch at this place. @returns where it ends */
  write(bytes: Uint8Array, view: DataView, at: number, content: BatchContent): number {
    const { count, partition, firstSequence, firstSentMs, stepMs } = content;
    const size = this.bytesOf(count);
    bytes.set(size === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, size), at);
    view.setInt32(at + fieldAt.length, size - fieldAt.length - 4);
    view.setInt32(at + fieldAt.lastOffsetDelta, count - 1);
    view.setInt32(at + fieldAt.count, count);
    const now = Date.now();
    writeInt64(view, at + fieldAt.firstTime, now);
    writeInt64(view, at + fieldAt.maxTime, now);
    const valueAt = this.#valueAt;
    for (let index = 0; index < count; index++) {
      const place = at + valueAt[index]!;
      view.setUint32(place + valueField.sequence, firstSequence + index);
      view.setUint32(place + valueField.partition, partition);
      view.setUint32(place + valueField.sentMicroseconds, (firstSentMs + index * stepMs) * 1000);
    }
    const checked = bytes.subarray(at + fieldAt.attributes, at + size);
    view.setUint32(at + fieldAt.crc, crc32c(checked));
    return at + size;
  }
}

/** Signed numbers are zigzagged, then seven bits a byte. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

function varintBytes(value: number): number {
  return writeVarint(new Uint8Array(5), 0, value);
}
