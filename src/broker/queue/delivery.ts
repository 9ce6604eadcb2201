/**
 * Delivers a queue's ready records to its consumers, and one record to basic.get.
 *
 * Not here: whose turn it is (consumers.ts), which consumer holds what (cursor/), bounds (retention.ts). Invariant: a delivered
 * record was checked for expiry, and no longer counts for the bounds.
 */
import { consumerParty } from "../trace/party.ts";
import type { TraceParty } from "../../base/trace/trace-event.ts";
import type { QueueConsumer } from "./readers.ts";
import type { Queue } from "./queue.ts";

export function deliverReady(queue: Queue, now: number): void {
  const cursor = queue.cursor!;
  const { retention, inflation } = queue.vhost.broker;
  const { consumers, returns, readyBytes, log } = queue;
  const { singleActiveConsumer, retryKeepsOrder } = queue.policy;
  /** The record that is being handed over. */
  let offset = -1;
  try {
    for (let isServed = false; ; isServed = true) {
      const consumer = singleActiveConsumer ? consumers.nextActive() : consumers.next();
      if (consumer === null) return;
      if (returns.count > 0 && returns.isHead) return;
      if (queue.canExpire && !retention.expireHead(queue, false, now)) return;
      if (inflation.isSpent && cursor.peek() && inflation.isSpentFor(cursor.record)) {
        inflation.continueLater(queue, isServed);
        return;
      }
      if (retryKeepsOrder && cursor.isBehindWaiting) return;
      const { isNoAck } = consumer;
      if (isNoAck ? !cursor.take() : !cursor.acquire(consumer.id, now)) return;
      const { record } = cursor;
      readyBytes?.taken(record);
      offset = record.offset;
      consumer.deliver(queue, cursor);
      const delivered = offset;
      offset = -1;
      if (queue.trace !== null) traceDelivery(queue, delivered, consumer);
      if (isNoAck) {
        queue.deliveredNoAck++;
        // Not `drop`, since nobody holds the record.
        if (queue.keepsHistory) queue.drop(delivered);
        else {
          cursor.tookLast();
          log.remove(delivered);
        }
      }
      consumers.served();
      queue.delivered++;
    }
  } catch (error) {
    // A record that could not be handed over is requeued, and goes out again when it can be.
    if (offset >= 0) giveBack(queue, offset);
    throw error;
  }
}

function traceDelivery(queue: Queue, offset: number, consumer: QueueConsumer): void {
  const { tracer } = queue.vhost.broker;
  const count = queue.cursor!.deliveryCount;
  const partyIs = (): TraceParty => consumerParty(consumer.describe?.());
  tracer.delivered(queue, offset, { count, isNoAck: consumer.isNoAck, partyIs });
}

/** What was done with a record that its cursor gave has failed: it goes out again. */
export function giveBack(queue: Queue, offset: number): void {
  queue.cursor!.giveBack(offset);
  queue.readyBytes?.returned(offset);
}

/**
 * Takes the record at the head for somebody who asks once (basic.get); it is in the cursor's `record` then. `owner`
 * holds it until the caller has it leave the queue (`Queue.drop`), or gives it back. "later": expired records are before it,
 * and this turn has dropped as many as it may; or records are being filed.
 */
export function takeOnce(queue: Queue, owner: number): "taken" | "empty" | "later" {
  const cursor = queue.cursor!;
  const { clock, retention } = queue.vhost.broker;
  if (queue.returns.isHead) queue.returns.finishAll();
  queue.readyBytes?.countNew();
  if (queue.isFiling) {
    const { failure } = queue.filing!;
    if (failure !== null) throw failure;
    return "later";
  }
  if (queue.canExpire && !retention.expireHead(queue, true)) return "later";
  if (queue.policy.retryKeepsOrder && cursor.isBehindWaiting) return "empty";
  if (!cursor.acquire(owner, clock.now())) return "empty";
  queue.readyBytes?.taken(cursor.record);
  queue.delivered++;
  return "taken";
}
