/**
 * Single records out of stored Kafka batches.
 *
 * A stored record of this envelope is "the i-th of the batch in [start, end)". Walking a batch record by record must not
 * start over each time, nor decompress it again; and a view serves many consumers in turn. So `KafkaFrames` keeps the
 * batches it saw last, each with the place where its records start.
 *
 * Invariant: a batch is known again by place, base offset and checksum, since its buffer may hold other bytes by now.
 * Bounds: `framesMax` batches, and only one of those that keep more than `keptBytesMax` from being collected: in the buffer
 * that they lie in (larger than a chunk where a batch is), or decompressed.
 */
import { BrokerError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { KafkaBatch } from "./kafka-batch.ts";
import { RecordCursor } from "./kafka-batch-records.ts";
import type { StoredRecord } from "./record.ts";

const framesMax = 8;
const keptBytesMax = 1 << 20;
const nothing = Buffer.alloc(0);
const shown = new KafkaBatch();

export class KafkaFrames {
  readonly #frames: KafkaFrame[] = [new KafkaFrame()];
  #last = 0;

  /** The cursor, standing at the record and before its headers. Valid until the next call. */
  moveTo(record: StoredRecord): RecordCursor {
    if (!shown.reset(record.buffer, record.start, record.end).next()) throw misplaced(0, 0);
    return this.#frameOf(record).moveTo(record.indexInFrame);
  }

  #frameOf(record: StoredRecord): KafkaFrame {
    const frames = this.#frames;
    const last = frames[this.#last]!;
    if (last.isOf(record)) return last;
    for (let i = 0; i < frames.length; i++) {
      if (!frames[i]!.isOf(record)) continue;
      this.#last = i;
      return frames[i]!;
    }
    // A large batch makes room for the next one at once.
    if (!last.isLarge) this.#last = (this.#last + 1) % framesMax;
    if (this.#last === frames.length) frames.push(new KafkaFrame());
    const frame = frames[this.#last]!;
    frame.open(record);
    return frame;
  }
}

class KafkaFrame {
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

  get isLarge(): boolean {
    return this.#buffer.length > keptBytesMax || this.#cursor.buffer.length > keptBytesMax;
  }

  /** Whether this is the batch of the record, which `shown` stands at. */
  isOf(record: StoredRecord): boolean {
    if (this.#buffer !== record.buffer || this.#start !== record.start || this.#end !== record.end) {
      return false;
    }
    return shown.baseOffset === this.#baseOffset && shown.checksum === this.#checksum;
  }

  open(record: StoredRecord): void {
    this.#buffer = nothing;
    this.#cursor.open(shown, limits.kafkaRequestBytesMax);
    this.#buffer = record.buffer;
    this.#start = record.start;
    this.#end = record.end;
    this.#baseOffset = shown.baseOffset;
    this.#checksum = shown.checksum;
    this.#count = shown.recordCount;
    this.#next = 0;
    this.#starts[0] = this.#cursor.nextRecordStart;
    this.#startsKnown = 1;
  }

  moveTo(index: number): RecordCursor {
    if (index >= this.#count) throw misplaced(index, this.#count);
    if (index !== this.#next) {
      const known = Math.min(index, this.#startsKnown - 1);
      if (index < this.#next || known > this.#next) this.#seek(known);
    }
    while (this.#next <= index) this.#step();
    return this.#cursor;
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

function misplaced(index: number, count: number): BrokerError {
  return new BrokerError(
    "CORRUPT",
    `reads record ${index} of a stored batch of ${count}; run troikamq check`,
  );
}
