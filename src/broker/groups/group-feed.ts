/**
 * Gives the entries of a group to consumers that the broker pushes to: whose turn it is, and what happens to what they held.
 *
 * Redis's consumers ask for entries (XREADGROUP), and share the group with these. Who is pushed to has a name in the group that begins
 * with `memberPrefix`, so that after a kill everybody knows that nobody holds its entries any more. Not here: the protocol's delivery
 * (protocols/amqp/channel/group-consumer.ts), giving up (give-up.ts).
 * Invariants: a member's entries are given to others once it has gone, at the latest after the next start; no two members have one name.
 */
import type { Job } from "../../base/turn-work.ts";
import { QueueConsumers, type TakesTurns } from "../queue/consumers.ts";
import type { Queue } from "../queue/queue.ts";
import type { FeedPart } from "./cursor-parts.ts";
import { giveUp } from "./give-up.ts";
import type { GroupCursor } from "./group-cursor.ts";
import type { CursorOwner } from "./group-owners.ts";

export const memberPrefix = "troika.amqp:";

const lookedAtOnce = 64;
const unitsOfLooks = 32;
const unitsOfReturn = 2;

export interface GroupMember extends TakesTurns {
  /** Writes the entry at which `cursor.peek` has just stopped, and gives it to itself. Where it throws it has not. */
  deliver(queue: Queue, cursor: GroupCursor): void;
}

export class GroupFeed implements FeedPart {
  readonly members = new QueueConsumers<GroupMember>();
  readonly #cursor: GroupCursor;

  constructor(cursor: GroupCursor) {
    this.#cursor = cursor;
  }

  /** Null: no consumer of the group is pushed to. */
  static present({ feed }: GroupCursor): GroupFeed | null {
    return feed instanceof GroupFeed ? feed : null;
  }

  static of(cursor: GroupCursor): GroupFeed {
    return GroupFeed.present(cursor) ?? (cursor.feed = new GroupFeed(cursor));
  }

  /** At the end of a tick: as much as the members have room for. */
  serve(queue: Queue): void {
    const cursor = this.#cursor;
    const { members } = this;
    const { inflation } = queue.vhost.broker;
    for (let isServed = false; ; isServed = true) {
      const member = members.next();
      if (member === null || !cursor.peek()) return;
      if (inflation.isSpentFor(cursor.record)) {
        inflation.continueLater(queue, isServed);
        return;
      }
      member.deliver(queue, cursor);
      members.served();
    }
  }
}

/** An entry that a member held comes again at once, unless it was delivered as often as it may be. */
export function giveBack(queue: Queue, cursor: GroupCursor, offset: number): void {
  giveUp(queue, cursor, offset, { reason: "maxdeliver", delayMs: 0 });
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
