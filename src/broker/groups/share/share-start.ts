/** How a share group comes to a stream: as the stream's group of its name, which begins where the group's setting says. */
import { EntryId } from "../../../message/entry-id.ts";
import type { Queue } from "../../queue/queue.ts";
import type { GroupCursor } from "../group-cursor.ts";
import { entriesUpTo, notKnown } from "../progress.ts";
import { createGroup } from "../stream-groups.ts";
import type { OffsetReset } from "./share-settings.ts";

const before = new EntryId();

/** The stream's group of that name, which a Redis client may have made; else one that is made now. */
export function enterStreamGroup(queue: Queue, group: string): GroupCursor {
  const known = queue.groups.get(group);
  if (known !== undefined) return known;
  const { broker, shareGroups } = queue.vhost;
  broker.storage.seal();
  const cursor = createGroup(queue, group);
  setStart(cursor, offsetFor(queue, shareGroups.settingsOf(group).reset));
  return cursor;
}

/** Has the group begin at an offset; what it holds stays held. */
function setStart(cursor: GroupCursor, wanted: number): void {
  const { log } = cursor;
  const end = log.stableEnd;
  const offset = log.removed.nextPresent(Math.max(wanted, log.firstOffset));
  if (offset >= end) log.readStableId(before);
  else before.copyFrom(log.entryIdOf(offset)).decrement();
  cursor.setGroupPosition(Math.min(offset, end), before, offset > 0 ? entriesUpTo(log, before) : notKnown);
}

function offsetFor({ log, vhost }: Queue, reset: OffsetReset): number {
  if (reset.from !== "age") return reset.from === "latest" ? log.stableEnd : log.firstOffset;
  const offset = log.offsetOfTimestamp(vhost.broker.clock.now() - reset.ms);
  return offset < 0 ? log.stableEnd : offset;
}
