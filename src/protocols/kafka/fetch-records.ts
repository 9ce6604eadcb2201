/**
 * A partition's records for a fetch response: stored batches as they are, and batches made of what other protocols
 * wrote.
 *
 * Collecting notes where bytes lie; they are copied once, into the connection's output. All of it happens in one turn,
 * as a reader's buffers demand. As in Kafka, the first batch may begin before the offset asked for, and the client
 * skips what it did not ask for.
 * Invariant: every batch leaves with its place in this log; no record that is gone leaves.
 */
import { ByteWriter } from "../../base/bytes.ts";
import type { Queue } from "../../broker/queue.ts";
import { KafkaView } from "../../message/as-kafka.ts";
import { envelope } from "../../message/envelope.ts";
import { KafkaBatch } from "../../message/kafka-batch.ts";
import { KafkaBatchBuilder } from "../../message/kafka-batch-builder.ts";
import { leaderEpoch } from "./node.ts";
import type { RecordsSource } from "./wire/records-source.ts";

type LogReader = ReturnType<Queue["reader"]>;

/** A batch made of foreign records is closed at this size. */
const madeBatchBytesMax = 256 << 10;

const view = new KafkaView();
const builder = new KafkaBatchBuilder();
const placed = new KafkaBatch();

export class FetchedRecords implements RecordsSource {
  length = 0;
  readonly #buffers: Buffer[] = [];
  /** Start, end and base offset of each batch. */
  readonly #places: number[] = [];

  #add(buffer: Buffer, start: number, end: number, baseOffset: number): void {
    this.#buffers.push(buffer);
    this.#places.push(start, end, baseOffset);
    this.length += end - start;
  }

  writeTo(writer: ByteWriter): void {
    const buffers = this.#buffers;
    const places = this.#places;
    for (let i = 0; i < buffers.length; i++) {
      const at = writer.length;
      writer.bytes(buffers[i]!, places[i * 3], places[i * 3 + 1]);
      placed.reset(writer.buffer, at).setPlace(places[i * 3 + 2]!, leaderEpoch);
    }
  }

  /**
   * Collects from `offset` on, at most `bytesMax` bytes; the first batch even if it is longer when `takesOne` says so.
   * Throws CORRUPT.
   */
  collect(queue: Queue, offset: number, bytesMax: number, takesOne: boolean): this {
    if (bytesMax <= 0 && !takesOne) return this;
    const reader = queue.reader(offset);
    while (reader.nextFrame()) {
      const isAsStored = isWholeBatch(reader);
      if (isAsStored) {
        const size = reader.recordsEnd - reader.recordsStart;
        if (this.length + size > bytesMax && !(takesOne && this.length === 0)) break;
        this.#add(reader.buffer, reader.recordsStart, reader.recordsEnd, reader.frameOffset);
      } else if (!this.#convert(reader, bytesMax, takesOne)) break;
      if (this.length >= bytesMax) break;
    }
    return this;
  }

  /** Makes a batch of the records from the reader's on, up to the next stored batch. False when there is no room. */
  #convert(reader: LogReader, bytesMax: number, takesOne: boolean): boolean {
    const writer = new ByteWriter();
    const baseOffset = reader.offset;
    const room = bytesMax - this.length;
    builder.begin(writer, { baseOffset, baseTimestamp: reader.timestamp, partitionLeaderEpoch: leaderEpoch });
    reader.seek(baseOffset);
    while (reader.next()) {
      const isEnough = writer.length >= Math.min(room, madeBatchBytesMax);
      if (builder.recordCount > 0 && (isEnough || isWholeBatch(reader))) {
        reader.seek(reader.offset);
        break;
      }
      view.append(builder, reader);
      const isFirstOfAll = takesOne && this.length === 0;
      if (builder.recordCount === 1 && writer.length > room && !isFirstOfAll) return false;
    }
    builder.finish();
    this.#add(writer.buffer, 0, writer.length, baseOffset);
    return true;
  }
}

/** Whether the reader's frame is a batch of Kafka's of which no record is gone but those at its front. */
function isWholeBatch(reader: LogReader): boolean {
  if (reader.envelope !== envelope.kafka) return false;
  const { removed } = reader.log;
  if (removed.countAbove === 0) return true;
  for (let offset = Math.max(reader.frameOffset, removed.first); offset < reader.frameEnd; offset++) {
    if (removed.has(offset)) return false;
  }
  return true;
}
