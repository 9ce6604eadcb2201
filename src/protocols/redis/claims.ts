/** What XCLAIM and XAUTOCLAIM share: taking an entry over, and showing what was taken. */
import { LogReader } from "../../broker/log-entries.ts";
import type { CursorOwner, SharedCursor } from "../../broker/shared-cursor.ts";
import { EntryId } from "../../message/entry-id.ts";
import type { CommandContext } from "./context.ts";
import { writeStreamId } from "./stream-id.ts";
import { findEntry, writeEntry } from "./stream-log.ts";

const id = new EntryId();

/** Gives the pending entry at `offset` to a consumer; `count` and `time` become its delivery count and time. */
export function claim(
  cursor: SharedCursor,
  offset: number,
  owner: CursorOwner,
  { count, time, now }: { count: number; time: number; now: number },
): void {
  const { pending } = cursor;
  cursor.assign(offset, owner.id, count, time, pending.readId(offset, id));
  owner.activeAt = now;
}

/** A list of the entries at these offsets, or of their ids alone. They are all there. */
export function writeClaimed(
  context: CommandContext,
  cursor: SharedCursor,
  offsets: readonly number[],
  isIdOnly: boolean,
): void {
  const { reply } = context;
  const { pending } = cursor;
  reply.array(offsets.length);
  const reader = new LogReader(cursor.log);
  for (const offset of offsets) {
    pending.readId(offset, id);
    if (isIdOnly) writeStreamId(reply.out, id);
    else if (findEntry(reader, id)) writeEntry(reply, reader);
  }
}
