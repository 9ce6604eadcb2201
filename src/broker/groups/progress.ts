/**
 * How far a Redis consumer group is: `entries-read`, the number of entries ever added up to its position, and `lag`.
 *
 * Redis 7 does not count exactly once entries have been deleted between first and last; it then says that it does not
 * know. So do we, by its rules, so that clients see the same numbers. -1 is "not known".
 */
import type { EntryId } from "../../message/entry-id.ts";
import { type Log, LogReader } from "../../storage/index.ts";

export const notKnown = -1;

/** Entries ever added, by redis's count; those of open transactions are not added yet. */
export function entriesAdded(log: Log): number {
  return log.stableEnd + log.entriesAddedShift;
}

/** The id of the first entry that is there against another one; the log must not be empty. */
function compareFirst(log: Log, id: EntryId): number {
  const reader = new LogReader(log, log.firstOffset);
  reader.next();
  return reader.id.compare(id);
}

/** Whether an entry has been deleted at or above the id, and not before the first one that is there. */
function hasTombstonesFrom(log: Log, id: EntryId): boolean {
  const { maxDeletedId } = log;
  if (log.length === 0 || maxDeletedId.isZero) return false;
  if (id.compare(maxDeletedId) > 0) return false;
  return compareFirst(log, maxDeletedId) <= 0;
}

/** How many entries were added up to the id, where that can be told without counting. */
export function entriesUpTo(log: Log, id: EntryId): number {
  const added = entriesAdded(log);
  if (added === 0) return 0;
  const last = id.compare(log.lastId);
  if (log.length === 0 && last <= 0) return added;
  if (last === 0) return added;
  if (last > 0) return notKnown;
  const { maxDeletedId } = log;
  const hasNoTombstone = maxDeletedId.isZero || compareFirst(log, maxDeletedId) > 0;
  if (!hasNoTombstone) return notKnown;
  const first = compareFirst(log, id);
  if (first > 0) return added - log.length;
  return first === 0 ? added - log.length + 1 : notKnown;
}

/** A group's entries-read once it has got the entry with that id. */
export function entriesReadAt(log: Log, entriesRead: number, id: EntryId): number {
  if (entriesRead !== notKnown && !hasTombstonesFrom(log, id)) return entriesRead + 1;
  return entriesAdded(log) > 0 ? entriesUpTo(log, id) : entriesRead;
}

/** Entries that a group at that position has still to get; NaN when not known (it may be negative, after XGROUP SETID). */
export function groupLag(log: Log, entriesRead: number, lastId: EntryId): number {
  const added = entriesAdded(log);
  if (added === 0) return 0;
  if (entriesRead !== notKnown && !hasTombstonesFrom(log, lastId)) return added - entriesRead;
  const read = entriesUpTo(log, lastId);
  return read === notKnown ? NaN : added - read;
}
