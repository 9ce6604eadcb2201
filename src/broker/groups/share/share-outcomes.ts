/**
 * What becomes of a record that a share consumer has not accepted: it comes again, or its deliveries are used up.
 *
 *                  no retry policy                        with one (of the group, or of its stream)
 *     released     again at once, `deliveryLimit` times   again after the back-off, then a dead letter
 *     rejected     settled                                again after the back-off, then a dead letter
 *     given back   again at once, `deliveryLimit` times   again at once, then a dead letter
 *
 * Given back is what a consumer held whose lock, session or process ended. Without a policy a record whose deliveries are used up is settled,
 * as in Kafka: it stays in its stream and is no dead letter. Not here: waiting and dead letters (../give-up.ts).
 */
import type { Queue } from "../../queue/queue.ts";
import { giveUp, retryPolicyOf, waitAgain } from "../give-up.ts";
import type { GroupCursor } from "../group-cursor.ts";
import { traceRejected } from "../traced-group.ts";

/** What one of these costs, in units of work. */
export const unitsOfOutcome = 4;

/** Why a dead letter is one whose consumer has not rejected it, as XREADGROUP's are. */
const usedUp = "maxdeliver";

/** Whether it was delivered as often as a group may without a policy. */
export function isUsedUp(queue: Queue, cursor: GroupCursor, deliveries: number): boolean {
  return (
    deliveries >= queue.vhost.shareGroups.settingsOf(cursor.name).deliveryLimit &&
    retryPolicyOf(queue, cursor) === null
  );
}

export function released(queue: Queue, cursor: GroupCursor, offset: number): void {
  if (isUsedUp(queue, cursor, cursor.pending.countOf(offset))) settle(queue, cursor, offset, usedUp);
  else giveUp(queue, cursor, offset, { reason: usedUp, delayMs: -1 });
}

export function rejected(queue: Queue, cursor: GroupCursor, offset: number): void {
  if (retryPolicyOf(queue, cursor) === null) settle(queue, cursor, offset, "rejected");
  else giveUp(queue, cursor, offset, { reason: "rejected", delayMs: -1 });
}

/** Nothing is read from the disk, so that it cannot fail: nobody would give it back again. */
export function givenBack(queue: Queue, cursor: GroupCursor, offset: number): void {
  if (isUsedUp(queue, cursor, cursor.pending.countOf(offset))) settle(queue, cursor, offset, usedUp);
  else waitAgain(queue, cursor, offset, { reason: usedUp, delayMs: 0 });
}

/** It is done with for the group, and no dead letter. */
function settle(queue: Queue, cursor: GroupCursor, offset: number, reason: string): void {
  if (queue.trace !== null) traceRejected(queue, cursor, offset, reason);
  cursor.settle(offset);
}
