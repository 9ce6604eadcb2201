/**
 * What becomes of a record that a consumer of a queue has rejected: it comes again after its back-off where the queue's policy says so;
 * after as many deliveries as that allows, or without a policy, it is a dead letter, or gone.
 *
 * A record that no place takes as a dead letter, though it may not be lost, waits and is tried again; it is not delivered any more. Not here:
 * waiting (queue-retries.ts), how long (retry-policy.ts), the place (dead-queue.ts), entries of Redis's groups (groups/give-up.ts).
 */
import { exhaustedOwner, rejectedOwner, waitingOwner } from "../cursor/pending-table.ts";
import type { Queue } from "../queue/queue.ts";
import type { WallTimers } from "../schedule/timers.ts";
import { deadLetterPlace } from "./dead-queue.ts";
import { QueueRetries } from "./queue-retries.ts";
import { delayOf, retryDefaults, retryOf } from "./retry-policy.ts";

/** Why a record is delivered no more. */
type GiveUpReason = "rejected" | "delivery_limit";

/** The place of dead letters is tried again after this, or after the back-off where that is longer. */
const buryAgainMs = 5000;

/** Without a policy any more: of what waits for its place since there was one. */
const usualPolicy = { ...retryDefaults, limit: 1 };

/** A consumer rejects a record that it holds. */
export function reject(queue: Queue, offset: number): void {
  const retry = retryOf(queue.policy);
  const deliveries = queue.cursor!.pending.countOf(offset);
  if (queue.trace !== null) queue.vhost.broker.tracer.rejected(queue, offset);
  if (retry === null || deliveries >= retry.limit) return giveUp(queue, offset, "rejected");
  wait(queue, offset, delayOf(retry, deliveries, queue.vhost.broker.random), waitingOwner);
}

/** Whether a record that a consumer gives back was delivered as often as a policy allows. */
export function isExhausted({ policy, cursor }: Queue, offset: number): boolean {
  const { deliveryLimit, retryLimit } = policy;
  if (deliveryLimit === undefined && retryLimit === undefined) return false;
  const deliveries = cursor!.pending.countOf(offset);
  return deliveries > (deliveryLimit ?? Infinity) || deliveries >= (retryLimit ?? Infinity);
}

/** A record that is held is delivered no more. */
export function giveUp(queue: Queue, offset: number, reason: GiveUpReason): void {
  const { retention, random } = queue.vhost.broker;
  const deliveries = queue.cursor!.pending.countOf(offset);
  if (retention.discard(queue, offset, reason)) return;
  const delay = delayOf(retryOf(queue.policy) ?? usualPolicy, deliveries, random);
  wait(queue, offset, Math.max(delay, buryAgainMs), reason === "rejected" ? rejectedOwner : exhaustedOwner);
}

function wait(queue: Queue, offset: number, delayMs: number, owner: number): void {
  const { clock, wallTimers, tracer } = queue.vhost.broker;
  const until = clock.now() + delayMs;
  retriesOf(queue, wallTimers).wait(offset, until, owner);
  if (queue.trace !== null) tracer.waits(queue, offset, until, queue.cursor!.pending.countOf(offset));
}

function retriesOf(queue: Queue, timers: WallTimers): QueueRetries {
  const again = (offset: number, owner: number): void => comesAgain(queue, offset, owner);
  return (queue.retries ??= new QueueRetries(queue.cursor!, timers, again));
}

function comesAgain(queue: Queue, offset: number, owner: number): void {
  const reason = owner === exhaustedOwner ? "delivery_limit" : "rejected";
  try {
    // Without a place, since the policy that gave it one is gone, it goes out again rather than nowhere.
    if (owner !== waitingOwner && deadLetterPlace(queue, reason) !== null) giveUp(queue, offset, reason);
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

/** What waits in the queue is ready now, and about to be deleted with all that is. */
export function forgetWaiting(queue: Queue): void {
  queue.cursor!.waiting.forget();
  queue.retries?.close();
  queue.retries = null;
}

/** Start-up: what waited goes on waiting. */
export function resumeWaiting(queue: Queue): void {
  const { work, wallTimers } = queue.vhost.broker;
  if (queue.cursor!.waiting.count > 0) work.run(retriesOf(queue, wallTimers).restore(), () => {});
}
