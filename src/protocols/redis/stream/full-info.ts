/**
 * The rest of XINFO STREAM FULL: entries, groups with their pending entries, consumers with theirs. In slices: what is
 * deleted or acknowledged meanwhile is not shown, counts are those of the moment when they are written.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { noOwner } from "../../../broker/cursor/pending-table.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import type { CursorOwner } from "../../../broker/groups/group-owners.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../core/context.ts";
import { sortedByName, writeProgress } from "./groups/groups.ts";
import type { PartedReply } from "../core/parted-reply.ts";

import { writeRange } from "./entries.ts";
import { writeStreamId } from "./id.ts";

const id = new EntryId();
const unitsOfPending = 0.4;
const unitsOfLook = 0.1;
const unitsOfConsumer = 3;

/** Shows at most `count` of each list; 0 is no bound. */
export function* writeFullInfo(
  context: CommandContext,
  parts: PartedReply,
  queue: Queue,
  count: number,
): Job<void> {
  const { reply } = context;
  const { firstOffset: from, stableEnd: to } = queue.log;
  reply.bulkLatin1("entries");
  const list = parts.openList();
  const range = { queue, from, to, isReverse: false };
  parts.closeList(list, yield* writeRange(context, parts, range, count === 0 ? Infinity : count));
  reply.bulkLatin1("groups");
  const groups = yield* sortedByName(queue.groups);
  reply.array(groups.length);
  for (const [name, cursor] of groups) yield* writeGroup(context, parts, { queue, name, cursor, count });
}

function* writeGroup(
  context: CommandContext,
  parts: PartedReply,
  { queue, name, cursor, count }: { queue: Queue; name: string; cursor: GroupCursor; count: number },
): Job<void> {
  const { reply } = context;
  const { pending } = cursor;
  reply.map(7);
  reply.bulkLatin1("name");
  reply.bulkLatin1(name);
  reply.bulkLatin1("last-delivered-id");
  writeStreamId(reply.out, cursor.lastId);
  writeProgress(reply, queue.log, cursor);
  reply.bulkLatin1("pel-count");
  reply.integer(pending.size);
  reply.bulkLatin1("pending");
  const held = yield* heldOf(cursor, count);
  yield* writePending(context, parts, cursor, held.ofGroup, true);
  reply.bulkLatin1("consumers");
  const owners = yield* sortedByName(cursor.owners);
  reply.array(owners.length);
  const piece = new Piece();
  for (const [, owner] of owners) {
    yield* writeConsumer(context, parts, cursor, owner, held.ofOwner.get(owner.id) ?? []);
    const due = piece.add(unitsOfConsumer);
    if (due > 0) yield due;
  }
}

/** Redis 7.2's form, with `active-time`. */
function* writeConsumer(
  context: CommandContext,
  parts: PartedReply,
  cursor: GroupCursor,
  owner: CursorOwner,
  held: readonly number[],
): Job<void> {
  const { reply } = context;
  reply.map(5);
  reply.bulkLatin1("name");
  reply.bulkLatin1(owner.name);
  reply.bulkLatin1("seen-time");
  reply.integer(owner.seenAt);
  reply.bulkLatin1("active-time");
  reply.integer(owner.activeAt);
  reply.bulkLatin1("pel-count");
  reply.integer(owner.pending);
  reply.bulkLatin1("pending");
  yield* writePending(context, parts, cursor, held, false);
}

function* writePending(
  { reply }: CommandContext,
  parts: PartedReply,
  cursor: GroupCursor,
  offsets: readonly number[],
  hasOwner: boolean,
): Job<void> {
  const { pending } = cursor;
  const piece = new Piece();
  const list = parts.openList();
  let count = 0;
  for (const offset of offsets) {
    const owner = pending.ownerOf(offset);
    if (owner === noOwner) continue;
    count++;
    reply.array(hasOwner ? 4 : 3);
    writeStreamId(reply.out, pending.readId(offset, id));
    if (hasOwner) reply.bulkLatin1(cursor.ownerById(owner)?.name ?? "");
    reply.integer(pending.timeOf(offset));
    reply.integer(pending.countOf(offset));
    const due = piece.add(unitsOfPending);
    if (due > 0) yield due;
  }
  parts.closeList(list, count);
}

interface Held {
  readonly ofGroup: number[];
  readonly ofOwner: Map<number, number[]>;
}

/** The offsets that the group and each of its consumers hold, at most `count` of each: one walk for all of them. */
function* heldOf({ pending }: GroupCursor, count: number): Job<Held> {
  const held: Held = { ofGroup: [], ofOwner: new Map() };
  const most = count === 0 ? Infinity : count;
  const piece = new Piece();
  for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
    const owner = pending.ownerOf(offset);
    if (held.ofGroup.length < most) held.ofGroup.push(offset);
    const own = held.ofOwner.get(owner);
    if (own === undefined) held.ofOwner.set(owner, [offset]);
    else if (own.length < most) own.push(offset);
    const due = piece.add(unitsOfLook);
    if (due > 0) yield due;
  }
  return held;
}
