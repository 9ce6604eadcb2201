/** What XCLAIM and XAUTOCLAIM share: taking an entry over, and showing what was taken. */
import type { LogReader } from "../../../../storage/logs.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import type { CursorOwner } from "../../../../broker/groups/group-owners.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import { writeStreamId } from "../id.ts";
import { writeEntry } from "../stream.ts";
import type { ReplyWriter } from "../../wire/reply-writer.ts";

const id = new EntryId();

/** Gives the pending entry at `offset` to a consumer; `count` and `time` become its delivery count and time. */
export function claim(
  cursor: GroupCursor,
  offset: number,
  owner: CursorOwner,
  { count, time, now }: { count: number; time: number; now: number },
): void {
  const { pending } = cursor;
  cursor.assign(offset, owner.id, count, time, pending.readId(offset, id));
  owner.activeAt = now;
}

/** Shows an entry that was taken, at which the reader has stopped, or its id alone. */
export function writeClaimed(
  reply: ReplyWriter,
  reader: LogReader,
  isIdOnly: boolean,
  entryId: EntryId,
): void {
  if (isIdOnly) writeStreamId(reply.out, entryId);
  else writeEntry(reply, reader);
}
