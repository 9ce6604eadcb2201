/** The rest of XINFO STREAM FULL: entries, groups with their pending entries, consumers with theirs. */
import { LogReader } from "../../broker/log-entries.ts";
import type { Queue } from "../../broker/queue.ts";
import type { CursorOwner, SharedCursor } from "../../broker/shared-cursor.ts";
import { EntryId } from "../../message/entry-id.ts";
import type { CommandContext } from "./context.ts";
import { sortedByName, writeProgress } from "./groups.ts";
import { writeStreamId } from "./stream-id.ts";
import { writeEntry } from "./stream-log.ts";

const id = new EntryId();

/** Shows at most `count` of each list; 0 is no bound. */
export function writeFullInfo(context: CommandContext, queue: Queue, count: number): void {
  const { reply } = context;
  const { log } = queue;
  reply.bulkLatin1("entries");
  const shown = count === 0 ? log.length : Math.min(count, log.length);
  reply.array(shown);
  const reader = new LogReader(log, log.firstOffset);
  for (let left = shown; left > 0 && reader.next(); left--) writeEntry(reply, reader);
  reply.bulkLatin1("groups");
  reply.array(queue.groups.size);
  for (const [name, cursor] of sortedByName(queue.groups)) writeGroup(context, queue, name, cursor, count);
}

function writeGroup(
  context: CommandContext,
  queue: Queue,
  name: string,
  cursor: SharedCursor,
  count: number,
): void {
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
  const offsets = heldBy(cursor, undefined, count);
  reply.array(offsets.length);
  for (const offset of offsets) {
    reply.array(4);
    writeStreamId(reply.out, pending.readId(offset, id));
    reply.bulkLatin1(cursor.ownerById(pending.ownerOf(offset))?.name ?? "");
    reply.integer(pending.timeOf(offset));
    reply.integer(pending.countOf(offset));
  }
  reply.bulkLatin1("consumers");
  reply.array(cursor.owners.size);
  for (const [, owner] of sortedByName(cursor.owners)) writeConsumer(context, cursor, owner, count);
}

/** Redis 7.2's form, with `active-time`. */
function writeConsumer(
  context: CommandContext,
  cursor: SharedCursor,
  owner: CursorOwner,
  count: number,
): void {
  const { reply } = context;
  const { pending } = cursor;
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
  const offsets = heldBy(cursor, owner, count);
  reply.array(offsets.length);
  for (const offset of offsets) {
    reply.array(3);
    writeStreamId(reply.out, pending.readId(offset, id));
    reply.integer(pending.timeOf(offset));
    reply.integer(pending.countOf(offset));
  }
}

function heldBy(cursor: SharedCursor, owner: CursorOwner | undefined, count: number): number[] {
  const { pending } = cursor;
  const offsets: number[] = [];
  const most = owner === undefined ? pending.size : owner.pending;
  if (most === 0) return offsets;
  pending.visit(0, Infinity, (offset) => {
    if (owner === undefined || pending.ownerOf(offset) === owner.id) offsets.push(offset);
    return offsets.length < most && (count === 0 || offsets.length < count);
  });
  return offsets;
}
