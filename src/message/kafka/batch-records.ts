/**
 * Walks over the records of a batch without an object for each: after `next()` the fields say where the current
 * record's key, value and headers lie in `buffer`.
 *
 *     record   varint length, int8 attributes, varlong timestamp delta, varint offset delta,
 *              varint key length (-1: null), key, varint value length (-1: null), value,
 *              varint header count, headers
 *     header   varint key length, key in UTF-8, varint value length (-1: null), value
 *
 * Compressed records are decompressed once, on `open`, within the bound that the caller gives.
 * Invariant: what does not fit this grammar throws `BrokerError` MALFORMED; positions lie within `buffer`.
 */
import { BrokerError } from "../../base/errors.ts";
import { decompress } from "./compression.ts";
import { batchHeaderBytes, batchMagic, type KafkaBatch } from "./batch.ts";
import { unzigzag } from "./varint.ts";

const nothing = Buffer.alloc(0);

export class RecordCursor {
  buffer: Buffer = nothing;
  offset = 0;
  timestamp = 0;
  /** A null key or value has start -1 and end -1. */
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  headerCount = 0;
  /** The current header, after `nextHeader()`. */
  headerKeyStart = 0;
  headerKeyEnd = 0;
  headerValueStart = -1;
  headerValueEnd = -1;

  #openedBytes = 0;
  #position = 0;
  #end = 0;
  #recordEnd = 0;
  #recordsLeft = 0;
  #headersLeft = 0;
  #headersStart = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  /** One time for all records, or -1. */
  #logAppendTime = -1;

  /** Stands before the first record of the batch that `batch` shows. */
  open(batch: KafkaBatch, decompressedBytesMax: number): this {
    if (batch.magic !== batchMagic) {
      throw new BrokerError(
        "MALFORMED",
        `record batch has magic ${batch.magic}, only ${batchMagic} is readable`,
      );
    }
    if (batch.codec === 0) {
      this.buffer = batch.buffer;
      this.#position = batch.recordsStart;
      this.#end = batch.end;
    } else {
      const compressed = batch.buffer.subarray(batch.start + batchHeaderBytes, batch.end);
      this.buffer = decompress(batch.codec, compressed, decompressedBytesMax);
      this.#position = 0;
      this.#end = this.buffer.length;
    }
    this.#openedBytes = this.#end - this.#position;
    this.#recordEnd = this.#position;
    this.#recordsLeft = batch.recordCount;
    this.#headersLeft = 0;
    this.#baseOffset = batch.baseOffset;
    this.#baseTimestamp = batch.baseTimestamp;
    this.#logAppendTime = batch.isLogAppendTime ? batch.maxTimestamp : -1;
    return this;
  }

  /** Lets go of the bytes, for a cursor that is kept. */
  close(): void {
    this.buffer = nothing;
    this.#recordsLeft = 0;
    this.#headersLeft = 0;
  }

  /** Bytes of the records that `open` was given, decompressed. */
  get openedBytes(): number {
    return this.#openedBytes;
  }

  /** Bytes behind the last record: none in a sound batch. */
  get bytesLeft(): number {
    return this.#end - this.#recordEnd;
  }

  /** Where the record that `next()` would move to starts, and how many there are from it on: what `seek` takes. */
  get nextRecordStart(): number {
    return this.#recordEnd;
  }

  get recordsLeft(): number {
    return this.#recordsLeft;
  }

  /** Stands again before a record that was passed, without decompressing the batch again. */
  seek(recordStart: number, recordsLeft: number): void {
    this.#recordEnd = recordStart;
    this.#recordsLeft = recordsLeft;
    this.#headersLeft = 0;
  }

  /** Moves to the next record; false after the last. */
  next(): boolean {
    if (this.#recordsLeft <= 0) return false;
    this.#recordsLeft--;
    this.#position = this.#recordEnd;
    const recordEnd = this.#end;
    this.#recordEnd = recordEnd;
    const length = this.#varint();
    if (length < 0 || this.#position + length > recordEnd) throw this.#malformed("record length", length);
    this.#recordEnd = this.#position + length;

    this.#need(1);
    this.#position++;
    const timestampDelta = this.#varint();
    this.timestamp = this.#logAppendTime >= 0 ? this.#logAppendTime : this.#baseTimestamp + timestampDelta;
    this.offset = this.#baseOffset + this.#varint();

    const keyLength = this.#varint();
    this.keyStart = keyLength < 0 ? -1 : this.#take(keyLength);
    this.keyEnd = keyLength < 0 ? -1 : this.#position;
    const valueLength = this.#varint();
    this.valueStart = valueLength < 0 ? -1 : this.#take(valueLength);
    this.valueEnd = valueLength < 0 ? -1 : this.#position;

    const headerCount = this.#varint();
    // Every header has two bytes at least.
    if (headerCount < 0 || headerCount * 2 > this.#recordEnd - this.#position) {
      throw this.#malformed("header count", headerCount);
    }
    if (headerCount === 0 && this.#position !== this.#recordEnd) {
      throw this.#malformed("record length", length);
    }
    this.headerCount = headerCount;
    this.#headersLeft = headerCount;
    this.#headersStart = this.#position;
    return true;
  }

  /** Stands again before the current record's first header. */
  rewindHeaders(): void {
    this.#headersLeft = this.headerCount;
    this.#position = this.#headersStart;
  }

  /** Moves to the current record's next header; false after the last. */
  nextHeader(): boolean {
    if (this.#headersLeft <= 0) return false;
    this.#headersLeft--;
    const keyLength = this.#varint();
    if (keyLength < 0) throw this.#malformed("header key length", keyLength);
    this.headerKeyStart = this.#take(keyLength);
    this.headerKeyEnd = this.#position;
    const valueLength = this.#varint();
    this.headerValueStart = valueLength < 0 ? -1 : this.#take(valueLength);
    this.headerValueEnd = valueLength < 0 ? -1 : this.#position;
    return true;
  }

  #need(count: number): void {
    if (count > this.#recordEnd - this.#position) throw this.#malformed("field size", count);
  }

  #take(count: number): number {
    this.#need(count);
    const at = this.#position;
    this.#position = at + count;
    return at;
  }

  #varint(): number {
    const buffer = this.buffer;
    const end = this.#recordEnd;
    let at = this.#position;
    if (at >= end) throw this.#malformed("varint at", at);
    let byte = buffer[at++]!;
    if (byte < 0x80) {
      this.#position = at;
      return (byte >>> 1) ^ -(byte & 1);
    }
    let code = byte & 0x7f;
    let scale = 0x80;
    // Ten bytes hold 64 bits.
    for (let i = 1; i < 10; i++) {
      if (at >= end) throw this.#malformed("varint at", at);
      byte = buffer[at++]!;
      code += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#position = at;
        return unzigzag(code);
      }
      scale *= 0x80;
    }
    throw this.#malformed("varint longer than 10 bytes at", at);
  }

  #malformed(what: string, value: number): BrokerError {
    return new BrokerError(
      "MALFORMED",
      `record ${this.#recordsLeft + 1} before the batch's end: ${what} ${value}; the producer's encoder is broken`,
    );
  }
}

/** What a control record says of its producer's transaction, by the type in its key; other types are for later. */
export const controlTypes = { abort: 0, commit: 1 } as const;

/**
 * The type of the control record at which the cursor stands (in a batch with `isControl`).
 *
 *     key  int16 version, int16 type
 */
export function controlTypeOf(cursor: RecordCursor): number {
  if (cursor.keyEnd - cursor.keyStart < 4)
    throw new BrokerError("MALFORMED", "control record without a type in its key");
  return (cursor.buffer[cursor.keyStart + 2]! << 8) | cursor.buffer[cursor.keyStart + 3]!;
}
