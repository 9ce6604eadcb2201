/**
 * Consumers of a group that the broker pushes to: their names, and what becomes of what they held once they are gone.
 *
 * Their names in the group begin with `memberPrefix`, so that after a kill everybody knows that nobody holds their entries any more. Not here:
 * whose turn it is (group-feed.ts), giving up (give-up.ts). Invariant: a member's entries are given to others once it has gone, at the latest
 * after the next start.
 */
import type { Job } from "../../base/turn-work.ts";
import type { Queue } from "../queue/queue.ts";
import { waitAgain } from "./give-up.ts";
import type { GroupCursor } from "./group-cursor.ts";
import type { CursorOwner } from "./group-owners.ts";

export const memberPrefix = "troika.amqp:";

const lookedAtOnce = 64;
const unitsOfLooks = 32;
const unitsOfReturn = 2;

/**
 * An entry that a member held comes again at once, unless it was delivered as often as it may be. Nothing is read from the disk, so that it cannot
 * fail: an entry that is gone from the stream, or is to be a dead letter, is found when it is due.
 */
export function giveBack(queue: Queue, cursor: GroupCursor, offset: number): void {
  waitAgain(queue, cursor, offset, { reason: "maxdeliver", delayMs: 0 });
}

/** Members that are not there, since the broker was killed or the group is a copy: what they held comes again. In slices. */
export function* giveBackOfGone(queue: Queue, cursor: GroupCursor, gone: readonly CursorOwner[]): Job<void> {
  const { pending } = cursor;
  const ids = new Set(gone.map(({ id }) => id));
  let looked = 0;
  for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
    if (!isThere(queue, cursor)) return;
    const isHeld = ids.has(pending.ownerOf(offset));
    if (isHeld) giveBack(queue, cursor, offset);
    if (isHeld) yield unitsOfReturn;
    else if (++looked % lookedAtOnce === 0) yield unitsOfLooks;
  }
  for (const owner of gone)
    if (cursor.ownerById(owner.id) === owner && owner.pending === 0) cursor.removeOwner(owner);
}

export function isThere(queue: Queue, cursor: GroupCursor): boolean {
  return !queue.isDeleted && queue.groups.get(cursor.name) === cursor;
}

export function membersOf(cursor: GroupCursor): CursorOwner[] {
  return [...cursor.owners.values()].filter(({ name }) => name.startsWith(memberPrefix));
}
