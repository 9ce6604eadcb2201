/**
 * Delivers a queue's ready records to its consumers, and one record to basic.get.
 *
 * Not here: whose turn it is (consumers.ts), which consumer holds what (cursor/), bounds (retention.ts). Invariant: a delivered
 * record was checked for expiry, and no longer counts for the bounds.
 */
import type { QueueCursor } from "../cursor/queue-cursor.ts";
import type { Queue } from "./queue.ts";
import type { QueueConsumer } from "./readers.ts";

export function deliverReady(queue: Queue, now: number): void {
  const cursor = queue.cursor!;
  const { broker } = queue.vhost;
  const { consumers } = queue;
  for (let isServed = false; ; isServed = true) {
    const consumer = queue.policy.singleActiveConsumer ? consumers.nextActive() : consumers.next();
    if (consumer === null) return;
    if (queue.returns.isHead) return;
    if (queue.canExpire && !broker.retention.expireHead(queue, false)) return;
    if (broker.inflation.isSpent && cursor.peek() && broker.inflation.isSpentFor(cursor.record)) {
      broker.inflation.continueLater(queue, isServed);
      return;
    }
    if (consumer.isNoAck) {
      if (!cursor.take()) return;
      queue.readyBytes?.taken(cursor.record);
      const offset = cursor.record.offset;
      consumer.deliver(queue, cursor);
      if (!queue.keepsHistory) queue.log.remove(offset);
    } else {
      if (!cursor.acquire(consumer.id, now)) return;
      queue.readyBytes?.taken(cursor.record);
      hand(queue, consumer, cursor);
    }
    consumers.served();
    queue.delivered++;
  }
}

/** A record that cannot be delivered (its bytes cannot be read) is requeued, and delivered again later. */
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
 * Takes the record at the head for basic.get; the record is then in the cursor's `record`. `owner` holds it, or, with `isNoAck`,
 * it is settled at once and its bytes stay valid for this turn. "later": expired records are in front of it, and this turn has
 * dropped as many as it may.
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
