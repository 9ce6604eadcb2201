/**
 * Writes an uncompressed record batch: how the messages of other protocols are served to Kafka consumers. It appends
 * to the caller's writer, so a fetch response needs no buffer in between.
 *
 *     builder.begin(writer, { baseOffset, baseTimestamp, partitionLeaderEpoch });
 *     builder.key(key).value(body).header("traceparent", value).record(offset, timestamp); ...
 *     builder.finish(lastOffset);
 *
 * Offsets may have gaps, as those of a queue whose entries were consumed have.
 * Invariant: between `begin` and `finish` nobody else appends to the writer; offsets ascend.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { nativeCrc32c } from "../../base/checksum/crc32c-native.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";
import { batchHeaderBytes, batchMagic, batchPrefixBytes } from "./batch.ts";
import { putInt32, putInt64, varintSize, writeVarint } from "./varint.ts";

export interface BatchStart {
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  readonly partitionLeaderEpoch: number;
  /** See `attributeBits`; the codec stays 0. */
  readonly attributes?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
}

const offsetDeltaMax = 0x7fff_ffff;
const nothing = new ByteWriter(0);

export class KafkaBatchBuilder {
  recordCount = 0;
  #writer: ByteWriter = nothing;
  #start = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  #lastOffset = 0;
  /** Where the writer stood after what we appended last; for an assertion. */
  #end = 0;
  #key: Uint8Array | null = null;
  #keyStart = 0;
  #keyEnd = 0;
  #value: Uint8Array | null = null;
  #valueStart = 0;
  #valueEnd = 0;
  /** The next record's headers, encoded. */
  readonly #headers = new ByteWriter();
  #headerCount = 0;

  /** Writes the header of a batch, to be completed by `finish`. */
  begin(writer: ByteWriter, start: BatchStart): this {
    this.#writer = writer;
    this.#baseOffset = start.baseOffset;
    this.#baseTimestamp = start.baseTimestamp;
    this.#maxTimestamp = start.baseTimestamp;
    this.#lastOffset = start.baseOffset - 1;
    this.recordCount = 0;
    this.#clearRecord();
    const at = writer.reserve(batchHeaderBytes);
    this.#start = at;
    this.#end = at + batchHeaderBytes;
    const buffer = writer.buffer;
    putInt64(buffer, at, start.baseOffset);
    putInt32(buffer, at + 12, start.partitionLeaderEpoch);
    buffer[at + 16] = batchMagic;
    const attributes = start.attributes ?? 0;
    buffer[at + 21] = attributes >>> 8;
    buffer[at + 22] = attributes;
    putInt64(buffer, at + 27, start.baseTimestamp);
    putInt64(buffer, at + 43, start.producerId ?? -1);
    const producerEpoch = start.producerEpoch ?? -1;
    buffer[at + 51] = producerEpoch >>> 8;
    buffer[at + 52] = producerEpoch;
    putInt32(buffer, at + 53, start.baseSequence ?? -1);
    return this;
  }

  /** Bytes of the batch so far. */
  get sizeBytes(): number {
    return this.#writer.length - this.#start;
  }

  /** Adds a header to the record that comes next. */
  header(
    name: string,
    value: Uint8Array | null,
    valueStart = 0,
    valueEnd: number = value?.length ?? 0,
  ): this {
    const headers = this.#headers;
    writeVarint(headers, Buffer.byteLength(name));
    headers.utf8(name);
    writeNullableBytes(headers, value, valueStart, valueEnd);
    this.#headerCount++;
    return this;
  }

  /** The same with the name as bytes, for headers that are copied. */
  headerOfBytes(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array | null,
    valueStart: number,
    valueEnd: number,
  ): this {
    const headers = this.#headers;
    writeVarint(headers, nameEnd - nameStart);
    headers.bytes(name, nameStart, nameEnd);
    writeNullableBytes(headers, value, valueStart, valueEnd);
    this.#headerCount++;
    return this;
  }

  /** Sets the key of the record that comes next; null if never called. The bytes are copied by `record`. */
  key(bytes: Uint8Array | null, start = 0, end: number = bytes?.length ?? 0): this {
    this.#key = bytes;
    this.#keyStart = start;
    this.#keyEnd = end;
    return this;
  }

  /** Sets the value of the record that comes next; null if never called, a tombstone. */
  value(bytes: Uint8Array | null, start = 0, end: number = bytes?.length ?? 0): this {
    this.#value = bytes;
    this.#valueStart = start;
    this.#valueEnd = end;
    return this;
  }

  /** Appends a record with the key, value and headers given before. */
  record(offset: number, timestamp: number): this {
    const offsetDelta = offset - this.#baseOffset;
    if (offset <= this.#lastOffset || offsetDelta > offsetDeltaMax) {
      throw new BrokerError("INVALID", `record offset ${offset} after ${this.#lastOffset} in one batch`);
    }
    const timestampDelta = timestamp - this.#baseTimestamp;
    const keyLength = this.#key === null ? -1 : this.#keyEnd - this.#keyStart;
    const valueLength = this.#value === null ? -1 : this.#valueEnd - this.#valueStart;
    const size =
      1 +
      varintSize(timestampDelta) +
      varintSize(offsetDelta) +
      varintSize(keyLength) +
      Math.max(keyLength, 0) +
      varintSize(valueLength) +
      Math.max(valueLength, 0) +
      varintSize(this.#headerCount) +
      this.#headers.length;
    const writer = this.#writer;
    if (assertsAreOn)
      assertInvariant(writer.length === this.#end, "nobody else appends to the writer of a batch");
    writeVarint(writer, size);
    writer.uint8(0);
    writeVarint(writer, timestampDelta);
    writeVarint(writer, offsetDelta);
    writeNullableBytes(writer, this.#key, this.#keyStart, this.#keyEnd);
    writeNullableBytes(writer, this.#value, this.#valueStart, this.#valueEnd);
    writeVarint(writer, this.#headerCount);
    if (this.#headerCount > 0) writer.bytes(this.#headers.buffer, 0, this.#headers.length);
    this.#end = writer.length;
    this.#clearRecord();
    this.#lastOffset = offset;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    this.recordCount++;
    return this;
  }

  #clearRecord(): void {
    this.#key = null;
    this.#value = null;
    this.#headers.reset();
    this.#headerCount = 0;
  }

  /**
   * Completes the batch and returns its size. A `lastOffset` beyond the last record tells consumers where to go on
   * when the offsets that follow have no records.
   */
  finish(lastOffset: number = this.#lastOffset): number {
    if (this.recordCount === 0) throw new BrokerError("INVALID", "a record batch needs a record");
    const buffer = this.#writer.buffer;
    const at = this.#start;
    const end = this.#writer.length;
    if (assertsAreOn) assertInvariant(end === this.#end, "nobody else appends to the writer of a batch");
    putInt32(buffer, at + 8, end - at - batchPrefixBytes);
    putInt32(buffer, at + 23, Math.max(lastOffset, this.#lastOffset) - this.#baseOffset);
    putInt64(buffer, at + 35, this.#maxTimestamp);
    putInt32(buffer, at + 57, this.recordCount);
    putInt32(buffer, at + 17, nativeCrc32c(buffer.subarray(at + 21, end)));
    this.#writer = nothing;
    return end - at;
  }
}

function writeNullableBytes(writer: ByteWriter, bytes: Uint8Array | null, start: number, end: number): void {
  if (bytes === null) {
    writeVarint(writer, -1);
    return;
  }
  writeVarint(writer, end - start);
  writer.bytes(bytes, start, end);
}
