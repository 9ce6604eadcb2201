/**
 * The records that a share consumer is about to acquire, as batches for its answer: stored batches whole, since the answer says which of
 * their records are its own, and batches made of what other protocols wrote.
 *
 * All of it happens in one turn, as a reader's buffers demand. Invariants: what has been taken leaves; no record that is gone leaves.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import type { RecordTaker } from "../../../broker/groups/share/share-partition.ts";
import { KafkaView } from "../../../message/convert/as-kafka.ts";
import { envelope } from "../../../message/envelope.ts";
import { KafkaBatchBuilder } from "../../../message/kafka/batch-builder.ts";
import type { LogReader } from "../../../storage/logs.ts";
import { leaderEpoch } from "../core/server.ts";
import { BatchPlaces } from "../fetch/batch-places.ts";
import {
  countBuilt,
  isBudgetSpent,
  isWholeBatch,
  madeBatchBytesMax,
  recordCountAt,
} from "../fetch/records.ts";

const view = new KafkaView();
const builder = new KafkaBatchBuilder();

export class AcquiredRecords extends BatchPlaces implements RecordTaker {
  readonly #bytesMax: number;
  /** The first batch may be longer. */
  readonly #takesOne: boolean;
  /** Where the stored batch ends that was added last. */
  #addedTo = -1;
  /** The batch that is being made of single records. */
  #made: ByteWriter | null = null;
  #madeFrom = 0;

  constructor(bytesMax: number, takesOne: boolean) {
    super();
    this.#bytesMax = bytesMax;
    this.#takesOne = takesOne;
  }

  take(record: LogReader): boolean {
    if (record.offset < this.#addedTo) return true;
    return isWholeBatch(record) ? this.#takeBatch(record) : this.#takeRecord(record);
  }

  #fits(bytes: number): boolean {
    const before = this.length + (this.#made?.length ?? 0);
    return before + bytes <= this.#bytesMax || (this.#takesOne && before === 0);
  }

  #takeBatch(record: LogReader): boolean {
    if (!this.#fits(record.recordsEnd - record.recordsStart)) return false;
    this.finish();
    this.add(record.buffer, record.recordsStart, record.recordsEnd, record.frameOffset);
    this.recordCount += record.buffer.readInt32BE(record.recordsStart + recordCountAt);
    this.#addedTo = record.frameEnd;
    return true;
  }

  #takeRecord(record: LogReader): boolean {
    // A torn batch is opened for it.
    const isTorn = record.envelope === envelope.kafka;
    if (isBudgetSpent() || !this.#fits(isTorn ? 0 : record.end - record.start)) return false;
    if (this.#made !== null && this.#made.length >= madeBatchBytesMax) this.finish();
    if (this.#made === null) {
      this.#made = new ByteWriter();
      this.#madeFrom = record.offset;
      builder.begin(this.#made, {
        baseOffset: record.offset,
        baseTimestamp: record.timestamp,
        partitionLeaderEpoch: leaderEpoch,
      });
    }
    view.append(builder, record);
    return true;
  }

  /** Completes the batch that is being made. */
  finish(): this {
    const made = this.#made;
    if (made === null) return this;
    this.#made = null;
    // Its first record could not be read.
    if (builder.recordCount === 0) return this;
    builder.finish();
    countBuilt(made.length);
    this.add(made.buffer, 0, made.length, this.#madeFrom);
    this.recordCount += builder.recordCount;
    return this;
  }
}
