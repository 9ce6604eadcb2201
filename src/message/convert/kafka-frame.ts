/**
 * Single records out of stored Kafka batches.
 *
 * A stored record of this envelope is "the i-th of the batch in [start, end)". Walking a batch record by record must not
 * start over each time, nor decompress it again; and many consumers read in turn. So `kafkaFrames`, the one cache of all
 * readers, keeps the batches that were read last, each with the place where its records start.
 *
 * Invariant: a batch is known again by place, base offset and checksum, since its buffer may hold other bytes by now.
 * Bounds: `framesMax` batches that keep `inflatedBytesKept` from being collected (in the buffer that they lie in, which is
 * larger than a chunk where a batch is, or decompressed), and the newest, whatever its size.
 */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { KafkaBatch } from "../kafka/batch.ts";
import { RecordCursor } from "../kafka/batch-records.ts";
import type { StoredRecord } from "../record.ts";

const framesMax = 16;
const startsLeast = 64;
const nothing = Buffer.alloc(0);
const shown = new KafkaBatch();

class KafkaFrames {
  readonly #frames: KafkaFrame[] = [new KafkaFrame()];
  #last = 0;
  #uses = 0;
  /** Bytes decompressed so far: readers compare it before and after to know their cost. */
  inflatedBytes = 0;

  /** The cursor, standing at the record and before its headers. Valid until the next call. */
  moveTo(record: StoredRecord): RecordCursor {
    if (!shown.reset(record.buffer, record.start, record.end).next()) throw misplaced(0, 0);
    return this.#frameOf(record).moveTo(record.indexInFrame);
  }

  /** Whether the record is in a compressed batch that is not kept. */
  inflates(record: StoredRecord): boolean {
    if (!shown.reset(record.buffer, record.start, record.end).next() || shown.codec === 0) return false;
    return !this.#frames.some((frame) => frame.isOf(record));
  }

  #frameOf(record: StoredRecord): KafkaFrame {
    const frames = this.#frames;
    const last = frames[this.#last]!;
    if (last.isOf(record)) return last;
    for (let i = 0; i < frames.length; i++) {
      if (!frames[i]!.isOf(record)) continue;
      this.#last = i;
      frames[i]!.usedAt = ++this.#uses;
      return frames[i]!;
    }
    const frame = this.#roomFor();
    frame.usedAt = ++this.#uses;
    frame.open(record);
    this.inflatedBytes += frame.inflatedBytes;
    this.#dropBeyond(limits.inflatedBytesKept);
    return frame;
  }

  /** An empty frame: a new one, or that of the batch that was not read for the longest time. */
  #roomFor(): KafkaFrame {
    const frames = this.#frames;
    let at = frames.findIndex(({ keptBytes }) => keptBytes === 0);
    if (at < 0 && frames.length < framesMax) at = frames.push(new KafkaFrame()) - 1;
    this.#last = at < 0 ? this.#oldest() : at;
    return frames[this.#last]!;
  }

  #dropBeyond(bytesMax: number): void {
    const frames = this.#frames;
    let total = 0;
    for (const { keptBytes } of frames) total += keptBytes;
    while (total > bytesMax) {
      const oldest = this.#oldest();
      if (oldest === this.#last) return;
      total -= frames[oldest]!.keptBytes;
      frames[oldest]!.close();
    }
  }

  /** Of those that keep something. */
  #oldest(): number {
    const frames = this.#frames;
    let oldest = this.#last;
    for (let i = 0; i < frames.length; i++) {
      if (frames[i]!.keptBytes > 0 && frames[i]!.usedAt < frames[oldest]!.usedAt) oldest = i;
    }
    return oldest;
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
  #starts = new Int32Array(startsLeast);
  #startsKnown = 0;
  #count = 0;
  #next = 0;

  /** Counts up with the uses of all frames. */
  usedAt = 0;
  inflatedBytes = 0;

  get keptBytes(): number {
    return this.#buffer.length + this.inflatedBytes + (this.#startsKnown > 0 ? this.#starts.byteLength : 0);
  }

  close(): void {
    this.#buffer = nothing;
    this.#cursor.close();
    this.#starts = new Int32Array(startsLeast);
    this.#startsKnown = 0;
    this.inflatedBytes = 0;
  }

  /** Whether this is the batch of the record, which `shown` stands at. */
  isOf(record: StoredRecord): boolean {
    if (this.#buffer !== record.buffer || this.#start !== record.start || this.#end !== record.end) {
      return false;
    }
    return shown.baseOffset === this.#baseOffset && shown.checksum === this.#checksum;
  }

  open(record: StoredRecord): void {
    this.close();
    this.#cursor.open(shown, limits.kafkaRequestBytesMax);
    if (shown.codec !== 0) this.inflatedBytes = this.#cursor.openedBytes;
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

export const kafkaFrames: KafkaFrames = new KafkaFrames();
