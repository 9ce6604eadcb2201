/**
 * What becomes of a record that a consumer of a queue has rejected: it comes again after its back-off where the queue's policy says so;
 * after as many deliveries as that allows, or without a policy, it is a dead letter, or gone.
 *
 * A record that no place takes as a dead letter, though it may not be lost, waits and is tried again; it is not delivered any more. Not here:
 * waiting (queue-retries.ts), how long (retry-policy.ts), the place (dead-queue.ts), entries of Redis's groups (groups/give-up.ts).
 */
import type { Queue } from "../queue/queue.ts";
import type { DeadLetterReason } from "./dead-queue.ts";
import { QueueRetries } from "./queue-retries.ts";
import { delayOf, retryDefaults, retryOf } from "./retry-policy.ts";

/** The place of dead letters is tried again after this, or after the back-off where that is longer. */
const buryAgainMs = 5000;

/** Without a policy any more: of what waits for its place since there was one. */
const usualPolicy = { ...retryDefaults, limit: 1 };

/** A consumer rejects a record that it holds. */
export function reject(queue: Queue, offset: number): void {
  const retry = retryOf(queue.policy);
  const deliveries = queue.cursor!.pending.countOf(offset);
  if (retry === null || deliveries >= retry.limit) return giveUp(queue, offset, "rejected");
  wait(queue, offset, delayOf(retry, deliveries, queue.vhost.broker.random));
}

/** A record that is held is delivered no more. */
export function giveUp(queue: Queue, offset: number, reason: DeadLetterReason): void {
  const { retention, random } = queue.vhost.broker;
  const deliveries = queue.cursor!.pending.countOf(offset);
  if (retention.discard(queue, offset, reason)) return;
  const delay = delayOf(retryOf(queue.policy) ?? usualPolicy, deliveries, random);
  wait(queue, offset, Math.max(delay, buryAgainMs));
}

function wait(queue: Queue, offset: number, delayMs: number): void {
  retriesOf(queue).wait(offset, queue.vhost.broker.clock.now() + delayMs);
}

function retriesOf(queue: Queue): QueueRetries {
  const { wallTimers } = queue.vhost.broker;
  return (queue.retries ??= new QueueRetries(queue.cursor!, wallTimers, (offset) =>
    comesAgain(queue, offset),
  ));
}

function comesAgain(queue: Queue, offset: number): void {
  const retry = retryOf(queue.policy);
  try {
    if (retry !== null && queue.cursor!.pending.countOf(offset) >= retry.limit)
      giveUp(queue, offset, "rejected");
    else giveBack(queue, offset);
  } catch (error) {
    // Such as a record that cannot be read: it was given back by who noticed.
    queue.failed(error);
  }
}

/** It is given out before new ones. */
function giveBack(queue: Queue, offset: number): void {
  queue.cursor!.requeue(offset);
  queue.readyBytes?.returned(offset);
  queue.schedule();
}

/** What waits in the queue is ready now. */
export function endWaiting(queue: Queue): void {
  queue.retries?.endAll((offset) => giveBack(queue, offset));
}

/** Start-up: what waited goes on waiting. */
export function resumeWaiting(queue: Queue): void {
  if (queue.cursor!.waitingCount > 0) queue.vhost.broker.work.run(retriesOf(queue).restore(), () => {});
}
