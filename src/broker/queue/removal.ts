/**
 * Deletes many records of a queue or stream at once.
 *
 * Not here: bounds and age (retention.ts), one record (queue.ts). Invariant: a deleted record is held by no consumer afterwards,
 * and counts for no bound.
 */
import { noOwner } from "../cursor/pending-table.ts";
import { forgetWaiting } from "../retry/rejection.ts";
import type { Queue } from "./queue.ts";

/** All records below an offset, whoever holds them (XTRIM, DeleteRecords). */
export function removeBelow(queue: Queue, target: number): void {
  const { cursor, log } = queue;
  if (queue.trace !== null) queue.vhost.broker.tracer.removed(queue, log.firstOffset, target, "deleted");
  queue.readyBytes?.removing(log.firstOffset, target);
  if (cursor !== null && cursor.pending.size > 0) {
    const held: number[] = [];
    cursor.pending.visit(log.firstOffset, target, (offset) => held.push(offset) > 0);
    for (const offset of held) cursor.settle(offset);
  }
  log.removeBelow(target);
}

/** Deletes all ready records, and those that wait to be delivered again; returns how many there were. */
export function purge(queue: Queue): number {
  const { cursor, log } = queue;
  queue.returns.finishAll();
  log.store.seal();
  if (cursor !== null && cursor.waiting.count > 0) forgetWaiting(queue);
  const count = queue.readyCount;
  if (queue.trace !== null) tracePurge(queue);
  queue.readyBytes?.purged();
  if (cursor !== null && cursor.history !== null) {
    cursor.settleReady();
    queue.policies.change.purged();
  } else if (cursor === null || cursor.pending.size === 0) log.removeBelow(log.stableEnd);
  else {
    cursor.forgetRequeued();
    for (let offset = log.firstOffset; offset < log.stableEnd; offset++) {
      if (cursor.pending.ownerOf(offset) === noOwner) log.remove(offset);
    }
  }
  cursor?.order?.purged();
  return count;
}

/** What consumers hold stays. */
function tracePurge(queue: Queue): void {
  const { cursor, log, vhost } = queue;
  for (const [offset] of queue.trace!.within(0, log.stableEnd))
    if (cursor === null || cursor.pending.ownerOf(offset) === noOwner)
      vhost.broker.tracer.left(queue, offset, "purged");
}
