/**
 * Hands a queue's ready records to its consumers, and one record to somebody who asks once.
 *
 * Not here: whose turn it is (consumers.ts), who holds what (cursor/), bounds (retention.ts).
 * Invariant: what is handed over was looked at for expiry and counts as taken for the bounds.
 */
import type { QueueCursor } from "../cursor/queue-cursor.ts";
import type { Queue } from "./queue.ts";
import type { QueueConsumer } from "./readers.ts";

export function deliverReady(queue: Queue, now: number): void {
  const cursor = queue.cursor!;
  const { retention, inflation } = queue.vhost.broker;
  const { consumers, returns, readyBytes, log } = queue;
  const { singleActiveConsumer } = queue.policy;
  for (let isServed = false; ; isServed = true) {
    const consumer = singleActiveConsumer ? consumers.nextActive() : consumers.next();
    if (consumer === null) return;
    if (returns.count > 0 && returns.isHead) return;
    if (queue.canExpire && !retention.expireHead(queue, false)) return;
    if (inflation.isSpent && cursor.peek() && inflation.isSpentFor(cursor.record)) {
      inflation.continueLater(queue, isServed);
      return;
    }
    if (consumer.isNoAck) {
      if (!cursor.take()) return;
      readyBytes?.taken(cursor.record);
      const offset = cursor.record.offset;
      consumer.deliver(queue, cursor);
      if (!queue.keepsHistory) log.remove(offset);
    } else {
      if (!cursor.acquire(consumer.id, now)) return;
      readyBytes?.taken(cursor.record);
      hand(queue, consumer, cursor);
    }
    consumers.served();
    queue.delivered++;
  }
}

/** What cannot be handed over is requeued, and goes out again when it can be. */
function hand(queue: Queue, consumer: QueueConsumer, cursor: QueueCursor): void {
  const { offset } = cursor.record;
  try {
    consumer.deliver(queue, cursor);
  } catch (error) {
    cursor.requeue(offset);
    queue.readyBytes?.returned(offset);
    throw error;
  }
}

/**
 * Takes the record at the head for somebody who asks once (basic.get); it is in the cursor's `record` then. `owner`
 * holds it, or, with `isNoAck`, it is settled at once and its bytes stay valid for this turn. "later": expired records
 * are before it, and this turn has dropped as many as it may.
 */
export function takeOnce(queue: Queue, isNoAck: boolean, owner: number): "taken" | "empty" | "later" {
  const cursor = queue.cursor!;
  const { clock, retention } = queue.vhost.broker;
  if (queue.returns.isHead) queue.returns.finishAll();
  queue.readyBytes?.countNew();
  if (queue.canExpire && !retention.expireHead(queue, true)) return "later";
  if (isNoAck ? !cursor.take() : !cursor.acquire(owner, clock.now())) return "empty";
  queue.readyBytes?.taken(cursor.record);
  if (isNoAck && !queue.keepsHistory) queue.log.remove(cursor.record.offset);
  queue.delivered++;
  return "taken";
}
