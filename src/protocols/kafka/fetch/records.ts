/**
 * A partition's records for a fetch response: stored batches as they are, and batches made of what other protocols
 * wrote.
 *
 * Collecting notes where bytes lie; they are copied once, into the connection's output. All of it happens in one turn,
 * as a reader's buffers demand. As in Kafka, the first batch may begin before the offset asked for, and the client
 * skips what it did not ask for.
 * Invariant: no record that is gone leaves.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { limits } from "../../../base/limits.ts";
import type { LogReader } from "../../../storage/logs.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { KafkaView } from "../../../message/convert/as-kafka.ts";
import { kafkaFrames } from "../../../message/convert/kafka-frame.ts";
import { envelope } from "../../../message/envelope.ts";
import { attributeBits } from "../../../message/kafka/batch.ts";
import { KafkaBatchBuilder } from "../../../message/kafka/batch-builder.ts";
import { controlTypes } from "../../../message/kafka/batch-records.ts";
import { leaderEpoch } from "../core/server.ts";
import { endFor } from "./isolation.ts";
import { BatchPlaces } from "./batch-places.ts";

/** A batch made of foreign records is closed at this size. */
export const madeBatchBytesMax = 256 << 10;

/** Where a batch says how many records it has. */
export const recordCountAt = 57;
const offsetDeltaMax = 0x7fff_ffff;
/** Version 0 of a control record that says commit, and of what goes with it: an epoch. */
const commitKey = Buffer.from([0, 0, 0, controlTypes.commit]);
const commitValue = Buffer.alloc(6);

const view = new KafkaView();
const builder = new KafkaBatchBuilder();

/** What the answer at hand has made anew: what was decompressed before it, and the bytes of batches that were built. */
let inflatedBefore = 0;
let builtBytes = 0;

/** An answer begins: it is made in one turn, so it makes a bounded part of its batches anew. */
export function beginAnswer(): void {
  inflatedBefore = kafkaFrames.inflatedBytes;
  builtBytes = 0;
}

/** Partitions that come after it find nothing, and are asked for again. */
export function isBudgetSpent(): boolean {
  return kafkaFrames.inflatedBytes - inflatedBefore + builtBytes >= limits.turnInflatedBytesMax;
}

export function countBuilt(bytes: number): void {
  builtBytes += bytes;
}

/** How much is collected, and whether only what is stable is. */
interface Extent {
  readonly bytesMax: number;
  readonly takesOne: boolean;
  readonly isStable: boolean;
}

export class FetchedRecords extends BatchPlaces {
  /** Behind the last record. */
  endOffset = 0;

  /**
   * Collects from `offset` on, at most `bytesMax` bytes; the first batch even if it is longer when `takesOne` says so. With
   * `isStable` it ends at the last stable offset.
   * Throws CORRUPT.
   */
  collect(queue: Queue, offset: number, { bytesMax, takesOne, isStable }: Extent): this {
    if (bytesMax <= 0 && !takesOne) return this;
    const reader = queue.reader(offset, !isStable);
    while (this.length < bytesMax || (takesOne && this.length === 0)) {
      if (!reader.nextFrame()) {
        const end = endFor(queue, isStable);
        if (this.length === 0 && offset < end) this.#addPassage(offset, end);
        break;
      }
      const isAsStored = isWholeBatch(reader);
      if (isAsStored) {
        const size = reader.recordsEnd - reader.recordsStart;
        if (this.length + size > bytesMax && !(takesOne && this.length === 0)) break;
        this.add(reader.buffer, reader.recordsStart, reader.recordsEnd, reader.frameOffset);
        this.endOffset = reader.frameEnd;
        this.recordCount += reader.buffer.readInt32BE(reader.recordsStart + recordCountAt);
      } else if (isBudgetSpent() || !this.#convert(reader, bytesMax, takesOne)) break;
    }
    return this;
  }

  /**
   * All records from `offset` on are gone, and a reader would stay short of the log's end for ever. What takes it there
   * is a control batch at the last offset, such as the end of a transaction leaves: every client passes over it. (An
   * empty batch, which compaction may leave, would do for some; kafkajs asks for it again and again.)
   */
  #addPassage(offset: number, end: number): void {
    const writer = new ByteWriter();
    const timestamp = 0;
    builder.begin(writer, {
      baseOffset: offset,
      baseTimestamp: timestamp,
      partitionLeaderEpoch: leaderEpoch,
      attributes: attributeBits.control,
    });
    builder.key(commitKey).value(commitValue);
    builder.record(Math.min(end - 1, offset + offsetDeltaMax), timestamp).finish();
    this.add(writer.buffer, 0, writer.length, offset);
  }

  /** Makes a batch of the records from the reader's on, up to the next stored batch. False when there is no room. */
  #convert(reader: LogReader, bytesMax: number, takesOne: boolean): boolean {
    const writer = new ByteWriter();
    const baseOffset = reader.offset;
    const room = bytesMax - this.length;
    const isFirstOfAll = takesOne && this.length === 0;
    // Not built only to be thrown away.
    if (!isFirstOfAll && reader.envelope !== envelope.kafka && reader.end - reader.start > room) return false;
    builder.begin(writer, { baseOffset, baseTimestamp: reader.timestamp, partitionLeaderEpoch: leaderEpoch });
    reader.seek(baseOffset);
    while (reader.next()) {
      const isEnough = writer.length >= Math.min(room, madeBatchBytesMax);
      if (builder.recordCount > 0 && (isEnough || isWholeBatch(reader))) {
        reader.seek(reader.offset);
        break;
      }
      view.append(builder, reader);
      if (builder.recordCount === 1 && writer.length > room && !isFirstOfAll) {
        builtBytes += writer.length;
        return false;
      }
    }
    builtBytes += writer.length;
    builder.finish();
    this.add(writer.buffer, 0, writer.length, baseOffset);
    this.endOffset = reader.position;
    this.recordCount += builder.recordCount;
    return true;
  }
}

/** Whether the reader's frame is a batch of Kafka's of which no record is gone but those at its front. */
export function isWholeBatch(reader: LogReader): boolean {
  if (reader.envelope !== envelope.kafka) return false;
  const { removed } = reader.log;
  if (removed.countAbove === 0) return true;
  return removed.countIn(Math.max(reader.frameOffset, removed.first), reader.frameEnd) === 0;
}
