/**
 * Appends a producer's batch to a partition's log, as it came: the hot path. No record is made into an object.
 *
 * The place in the log is written into the batch when it is read (fetch/records.ts), since one batch may lie in
 * several logs. Not here: whether the batch is sound (`message/kafka/batch-validate.ts`).
 * Invariant: a batch and what is remembered of its producer are appended in the same tick or not at all.
 */
import { copyBytes } from "../../../base/bytes.ts";
import { producersOf } from "../../../broker/queue/producer-state.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { envelope } from "../../../message/envelope.ts";
import type { KafkaBatch } from "../../../message/kafka/batch.ts";
import type { KafkaErrorName } from "../wire/error-codes.ts";

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

/** Where the last batch lies that was appended, or had been before. */
export const appended = { baseOffset: -1 };

const faults = { outOfOrder: "OUT_OF_ORDER_SEQUENCE_NUMBER", oldEpoch: "INVALID_PRODUCER_EPOCH" } as const;

/**
 * What the producer's sequence says of a batch: null, and it is to be appended. It comes before all that may refuse the
 * batch for want of room: of a duplicate the producer is to learn that it is there.
 */
export function sequenceVerdict(queue: Queue, batch: KafkaBatch): "duplicate" | KafkaErrorName | null {
  const { producerId, producerEpoch, baseSequence } = batch;
  if (producerId < 0) return null;
  const producers = producersOf(queue);
  const verdict = producers.check(producerId, producerEpoch, baseSequence, lastSequenceOf(batch));
  if (verdict === "append") return null;
  if (verdict !== "duplicate") return faults[verdict];
  appended.baseOffset = producers.duplicateOffset;
  return "duplicate";
}

/** Appends to one partition a batch of which `sequenceVerdict` said nothing. */
export function appendToQueue(queue: Queue, batch: KafkaBatch, now: number): void {
  noteAppended(queue, batch, appendBatch(queue.log.group, batch, batch.recordCount), now);
}

/** The batch was taken at `baseOffset`: all of its sequences are used, also those of records that the queue's intake took. */
export function noteAppended(queue: Queue, batch: KafkaBatch, baseOffset: number, now: number): void {
  const { producerId, producerEpoch, baseSequence } = batch;
  appended.baseOffset = baseOffset;
  if (producerId < 0) return;
  const last = lastSequenceOf(batch);
  producersOf(queue).appended(producerId, producerEpoch, baseSequence, last, baseOffset, now);
}

function lastSequenceOf({ baseSequence, recordCount }: KafkaBatch): number {
  return (baseSequence + recordCount - 1) % sequences;
}
