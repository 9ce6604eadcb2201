/**
 * Appends a producer's batch to a partition's log, as it came: the hot path. No record is made into an object.
 *
 * The place in the log is written into the batch when it is read (`fetch-records.ts`), since one batch may lie in
 * several logs. Not here: whether the batch is sound (`message/kafka-batch-validate.ts`).
 * Invariant: a batch and what is remembered of its producer are appended in the same tick or not at all.
 */
import { copyBytes } from "../../base/bytes.ts";
import { producersOf } from "../../broker/producer-state.ts";
import type { Queue } from "../../broker/queue.ts";
import { envelope } from "../../message/envelope.ts";
import type { KafkaBatch } from "../../message/kafka-batch.ts";
import type { KafkaErrorName } from "./wire/error-codes.ts";

type LogGroup = Queue["log"]["group"];

/** How many sequence numbers there are before they start again at 0. */
const sequences = 0x8000_0000;

/** Appends the batch, which holds `count` records, to all logs of the group; returns its first offset in the first. */
export function appendBatch(group: LogGroup, batch: KafkaBatch, count: number): number {
  const { store } = group.logs[0]!;
  // Time searches go by the newest record. A record without a time (-1) is older than all.
  const timestamp = Math.max(batch.maxTimestamp, 0);
  const at = store.reserveBatch(group, envelope.kafka, batch.sizeBytes, count, timestamp);
  copyBytes(store.tail, at, batch.buffer, batch.start, batch.end);
  return store.reservedOffset - count + 1;
}

/** The outcome of the last `appendToQueue` that found no fault. */
export const appended = { baseOffset: -1 };

/** Appends to one partition, unless the producer's sequence says that it must not be. */
export function appendToQueue(queue: Queue, batch: KafkaBatch, now: number): KafkaErrorName | null {
  const { producerId, recordCount } = batch;
  if (producerId < 0) {
    appended.baseOffset = appendBatch(queue.log.group, batch, recordCount);
    return null;
  }
  const { baseSequence, producerEpoch } = batch;
  const lastSequence = (baseSequence + recordCount - 1) % sequences;
  const producers = producersOf(queue);
  switch (producers.check(producerId, producerEpoch, baseSequence, lastSequence)) {
    case "duplicate":
      appended.baseOffset = producers.duplicateOffset;
      return null;
    case "outOfOrder":
      return "OUT_OF_ORDER_SEQUENCE_NUMBER";
    case "oldEpoch":
      return "INVALID_PRODUCER_EPOCH";
    default: {
      const baseOffset = appendBatch(queue.log.group, batch, recordCount);
      producers.appended(producerId, producerEpoch, baseSequence, lastSequence, baseOffset, now);
      appended.baseOffset = baseOffset;
      return null;
    }
  }
}
