/**
 * Reads one record of a stored Kafka batch into `MessageParts`.
 *
 * A stored record of this envelope is "the i-th of the batch in [start, end)". Walking a batch record by record must not
 * start over each time, nor decompress it again: `KafkaFrame` remembers the batch it last saw and where its records
 * start. It knows the batch again by place, base offset and checksum, since a buffer may meanwhile hold other bytes.
 */
import { BrokerError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { isReservedInKafka, propertyCode, propertyCodeOf, unescapedStart } from "./convert-names.ts";
import { type MessageParts, timestampMsMax } from "./convert-parts.ts";
import { fieldTag } from "./convert-values.ts";
import { KafkaBatch } from "./kafka-batch.ts";
import { RecordCursor } from "./kafka-batch-records.ts";
import type { StoredRecord } from "./record.ts";

const nothing = Buffer.alloc(0);

export class KafkaFrame {
  readonly #batch = new KafkaBatch();
  readonly #cursor = new RecordCursor();
  #buffer: Buffer = nothing;
  #start = -1;
  #end = -1;
  #baseOffset = -1;
  #checksum = -1;
  /** Where each record starts, as far as the batch has been walked. */
  #starts = new Int32Array(64);
  #startsKnown = 0;
  #count = 0;
  #next = 0;

  /** The cursor, standing at the record and before its headers. */
  moveTo(record: StoredRecord): RecordCursor {
    const index = record.indexInFrame;
    if (!this.#isOpen(record)) this.#open(record);
    const cursor = this.#cursor;
    if (index >= this.#count) throw misplaced(index, this.#count);
    if (index !== this.#next) {
      const known = Math.min(index, this.#startsKnown - 1);
      if (index < this.#next || known > this.#next) this.#seek(known);
    }
    while (this.#next <= index) this.#step();
    return cursor;
  }

  #isOpen(record: StoredRecord): boolean {
    if (this.#buffer !== record.buffer || this.#start !== record.start || this.#end !== record.end) {
      return false;
    }
    return this.#batch.baseOffset === this.#baseOffset && this.#batch.checksum === this.#checksum;
  }

  #open(record: StoredRecord): void {
    const batch = this.#batch.reset(record.buffer, record.start, record.end);
    this.#buffer = nothing;
    if (!batch.next()) throw misplaced(0, 0);
    this.#cursor.open(batch, limits.kafkaRequestBytesMax);
    this.#buffer = record.buffer;
    this.#start = record.start;
    this.#end = record.end;
    this.#baseOffset = batch.baseOffset;
    this.#checksum = batch.checksum;
    this.#count = batch.recordCount;
    this.#next = 0;
    this.#starts[0] = this.#cursor.nextRecordStart;
    this.#startsKnown = 1;
  }

  #seek(index: number): void {
    this.#cursor.seek(this.#starts[index]!, this.#count - index);
    this.#next = index;
  }

  #step(): void {
    const cursor = this.#cursor;
    if (!cursor.next()) throw misplaced(this.#next, this.#count);
    const next = ++this.#next;
    if (next < this.#startsKnown) return;
    if (next >= this.#starts.length) {
      const larger = new Int32Array(this.#starts.length * 2);
      larger.set(this.#starts);
      this.#starts = larger;
    }
    this.#starts[next] = cursor.nextRecordStart;
    this.#startsKnown = next + 1;
  }
}

export class KafkaPartsReader {
  readonly #frame = new KafkaFrame();

  read(record: StoredRecord, into: MessageParts): void {
    const cursor = this.#frame.moveTo(record);
    into.clear(cursor.buffer);
    into.keyStart = cursor.keyStart;
    into.keyEnd = cursor.keyEnd;
    into.bodyStart = cursor.valueStart;
    into.bodyEnd = cursor.valueEnd;
    while (cursor.nextHeader()) header(cursor, into);
    const timestamp = cursor.timestamp;
    into.timestamp = timestamp >= 0 && timestamp <= timestampMsMax ? timestamp : record.timestamp;
  }
}

function header(cursor: RecordCursor, into: MessageParts): void {
  const { buffer, headerKeyStart, headerKeyEnd, headerValueStart, headerValueEnd } = cursor;
  if (headerValueStart < 0) {
    into.addHeader(headerKeyStart, headerKeyEnd, fieldTag.nothing, 0, 0);
    return;
  }
  const code = propertyCodeOf(buffer, headerKeyStart, headerKeyEnd);
  if (code >= propertyCode.contentType && into.setPropertyFromText(code, headerValueStart, headerValueEnd)) {
    return;
  }
  const nameStart = unescapedStart(buffer, headerKeyStart, headerKeyEnd, isReservedInKafka);
  into.addHeader(nameStart, headerKeyEnd, fieldTag.text, headerValueStart, headerValueEnd);
}

function misplaced(index: number, count: number): BrokerError {
  return new BrokerError(
    "CORRUPT",
    `reads record ${index} of a stored batch of ${count}; run troikamq check`,
  );
}
