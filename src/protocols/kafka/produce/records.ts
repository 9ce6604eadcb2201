/**
 * The records of a batch one by one, each as an outgoing message: for batches that are not stored as they came.
 *
 * A record is stored as a batch of its own, which is made when it is asked for, and published to live subscribers as its value alone.
 * Invariant: `message` is valid within `forEachRecord`, until the next record.
 */
import type { LiveChannels } from "../../../broker/live/channels.ts";
import type { Publisher } from "../../../broker/look/unroutable.ts";
import type { OutgoingMessage } from "../../../broker/exchange/outgoing-message.ts";
import { ByteWriter } from "../../../base/bytes.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import { KafkaBatch } from "../../../message/kafka/batch.ts";
import { RecordCursor } from "../../../message/kafka/batch-records.ts";
import { kafkaIdOf } from "../../../message/identity/kafka-id.ts";
import { hasHeader, writeSingleRecord } from "../../../message/kafka/single-record.ts";
import { appendBatch } from "./log.ts";

/** A record that is not in a log yet has no id. */
const noId = new EntryId();
/** Stands at the record that `message` is. */
export const cursor = new RecordCursor();
const single = new KafkaBatch();
const writer = new ByteWriter();
const view = new AmqpView();
let isBuilt = false;
let isLogAppendTime = false;

/** The record at which the cursor stands, as a batch. */
export function singleBatch(): KafkaBatch {
  if (isBuilt) return single;
  isBuilt = true;
  writeSingleRecord(writer, cursor);
  single.reset(writer.buffer, 0, writer.length).next();
  if (isLogAppendTime) single.setLogAppendTime(cursor.timestamp);
  return single;
}

/** The record at which the cursor stands. */
export const message: OutgoingMessage & { publisher: (() => Publisher) | null } = {
  count: 1,
  publisher: null,
  canExpire: false,
  /** Records of other protocols than AMQP count whole, see ready-bytes.ts. */
  get bodyBytes(): number {
    return singleBatch().sizeBytes;
  },
  appendTo(group): void {
    appendBatch(group, singleBatch(), 1);
  },
  asAmqp(): AmqpRecordParts {
    const { buffer, start, end } = singleBatch();
    const place = { offset: 0, timestamp: cursor.timestamp, id: noId, indexInFrame: 0 };
    return view.show({ envelope: envelope.kafka, buffer, start, end, ...place });
  },
  idBy(by) {
    const id = kafkaIdOf(by, cursor);
    cursor.rewindHeaders();
    return id;
  },
  mayHaveHeader(name): boolean {
    return hasHeader(cursor, name);
  },
  asStored(): ReturnType<OutgoingMessage["asStored"]> {
    const { buffer, start, end } = singleBatch();
    return { envelope: envelope.kafka, buffer, start, end };
  },
  publishLive(live: LiveChannels): number {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor;
    const channel = [Math.max(keyStart, 0), Math.max(keyEnd, 0)] as const;
    return live.publish(buffer, ...channel, buffer, Math.max(valueStart, 0), Math.max(valueEnd, 0));
  },
};

/** Calls `work` with the cursor before the batch's first record; it is decompressed once, however often it is walked. */
export function withRecords<Result>(
  batch: KafkaBatch,
  decompressedBytesMax: number,
  work: () => Result,
): Result {
  cursor.open(batch, decompressedBytesMax);
  ({ isLogAppendTime } = batch);
  try {
    return work();
  } finally {
    cursor.close();
  }
}

/** Calls `each` with `message` being each record of the batch that is open. */
export function forEachRecord(each: (index: number) => void): void {
  const { nextRecordStart, recordsLeft } = cursor;
  for (let index = 0; cursor.next(); index++) {
    isBuilt = false;
    each(index);
  }
  cursor.seek(nextRecordStart, recordsLeft);
}
