/**
 * What a partition's queue says to a batch that is produced to it, before it is appended: a bounded queue may have no room, and its intake
 * (broker/intake) may take some of the records.
 *
 * A batch of which the intake takes nothing is stored as it came. Otherwise the records that are left are stored one by one. Not here: the
 * sequences of idempotent producers, for which the whole batch counts as written (log.ts).
 * Invariant: a batch is taken whole or refused whole.
 */
import type { OutgoingMessage } from "../../../broker/exchange/outgoing-message.ts";
import type { Copies } from "../../../broker/intake/intake.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { KafkaBatch } from "../../../message/kafka/batch.ts";
import { appendBatch } from "./log.ts";
import { forEachRecord, message, singleBatch, withRecords } from "./records.ts";

/** What a record costs the turn that is stored, or waits, by itself. */
const unitsOfRecord = 2;

/** Whether the queue has room for the batch. What it refuses goes to its dead-letter exchange if `x-overflow` says so. */
export function isTakenBy(queue: Queue, batch: KafkaBatch, decompressedBytesMax: number): boolean {
  const { vhost, policy } = queue;
  if (policy.overflow === "drop-head") return true;
  const { retention } = vhost.broker;
  if (retention.hasRoom(queue, batch.recordCount, batch.sizeBytes)) return true;
  const { intake } = queue;
  if (intake === null && policy.overflow !== "reject-publish-dlx") return false;
  return withRecords(batch, decompressedBytesMax, () => {
    if (intake !== null) {
      let count = 0;
      let bytes = 0;
      forEachRecord(() => {
        if (intake.concerns(message)) return;
        count++;
        bytes += message.bodyBytes;
      });
      if (count < batch.recordCount && (count === 0 || retention.hasRoom(queue, count, bytes))) return true;
    }
    // What is none of the dead-letter exchange's is passed over there.
    forEachRecord(() => vhost.publication.refuse(queue, message));
    return false;
  });
}

/** Takes some records before the queue's log does: its intake, or what has the records of a retry topic wait. */
export interface BatchTaker {
  takes(message: OutgoingMessage): boolean;
  /** The message was not taken, and is in the log at that offset. */
  appended(offset: number): void;
  readonly copies: Copies | null;
}

/**
 * Offers the batch to the queue's intake, or to what stands in its place. Null: it takes none of the records, and the batch is to be appended as it came. Otherwise the
 * others have been appended; the result is the offset of the first. Where there is none it is that of the message that the first record is a
 * copy of, else the log's end.
 */
export function offer(
  queue: Queue,
  batch: KafkaBatch,
  intake: BatchTaker,
  decompressedBytesMax: number,
): number | null {
  const { log } = queue;
  /** Of the first record that is stored; then of the one that the first copy is a copy of. */
  let baseOffset = -1;
  let firstOffset = -1;
  let isSplit = false;
  const append = (): number => {
    const offset = appendBatch(log.group, singleBatch(), 1);
    if (baseOffset < 0) baseOffset = offset;
    return offset;
  };
  const next = log.nextOffset + log.store.openCountOf(log);
  withRecords(batch, decompressedBytesMax, () => {
    let before = -1;
    forEachRecord((index) => {
      if (before >= 0) return;
      if (intake.takes(message)) {
        before = index;
        firstOffset = intake.copies?.offsetOfFirst ?? -1;
      } else intake.appended(next + index);
    });
    if (before < 0) return;
    isSplit = true;
    forEachRecord((index) => {
      if (index < before) append();
      else if (index > before && !intake.takes(message)) {
        intake.appended(append());
      }
    });
  });
  if (!isSplit) return null;
  queue.vhost.broker.work.spend(Math.ceil(batch.recordCount * unitsOfRecord));
  if (baseOffset >= 0) return baseOffset;
  if (firstOffset >= 0) return firstOffset;
  log.store.seal();
  return log.nextOffset;
}
