/**
 * What must be true of a queue after its deliveries and bounds were applied, for asserts (base/assert.ts). If there are few
 * records, they are checked one by one.
 */
import { assertInvariant } from "../../base/assert.ts";
import type { Log } from "../../storage/index.ts";
import type { QueueCursor } from "../cursor/queue-cursor.ts";
import { isWaitingOwner, noOwner } from "../cursor/pending-table.ts";
import type { ReadyBytes } from "./ready-bytes.ts";

const recordsMax = 256;

interface CheckedQueue {
  readonly log: Log;
  readonly cursor: QueueCursor | null;
  readonly readyBytes: ReadyBytes | null;
  readonly readyCount: number;
  readonly returns: { readonly count: number };
  readonly settledTo: number;
}

export function assertQueue(queue: CheckedQueue): void {
  const { log, cursor, readyBytes, readyCount, settledTo } = queue;
  assertInvariant(settledTo <= log.nextOffset, "a queue has looked at no record that is not there");
  if (cursor === null) return;
  assertInvariant(readyCount >= 0, "a queue has no fewer than 0 ready records");
  if (readyBytes !== null) {
    const { total, isCounting } = readyBytes;
    assertInvariant(total >= 0, "ready records have no fewer than 0 bytes");
    assertInvariant(isCounting || readyCount > 0 || total === 0, "where nothing is ready, it has no bytes");
  }
  if (log.stableEnd - log.firstOffset > recordsMax) return;
  let ready = queue.returns.count;
  for (let offset = log.firstOffset; offset < log.stableEnd; offset++) {
    const isGone = log.removed.has(offset) || (cursor.history !== null && cursor.history.has(offset));
    const owner = cursor.pending.ownerOf(offset);
    const isHeld = owner > noOwner;
    assertInvariant(!(isGone && isHeld), "a record that is gone is held by nobody");
    if (!isGone && !isHeld) ready++;
    const isKnown = offset < cursor.next || (isHeld && !isWaitingOwner(owner));
    if (!isGone && cursor.order !== null && isKnown)
      assertInvariant(cursor.order.levelOf(offset) >= 0, "a record that is held or waits has a priority");
  }
  assertInvariant(ready === readyCount, "each record of a queue is ready, held, waiting or gone");
}
