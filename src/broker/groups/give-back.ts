/**
 * A dead letter of a group goes home: the group that gave the entry up gets it again, before new ones, and its deliveries are counted from
 * the beginning. Other groups of the stream, which have had the entry or will have it, notice nothing.
 *
 * The entry is pending again as one that comes again (retries.ts), and its note (give-up-notes.ts) says by which operation and what its
 * dead letter said, so that it can be taken back while nobody has got it:
 *
 *     reason of the note = NUL operation SP deliveries SP reason
 *
 * Not here: finding and removing dead letters (operations/letters/). Invariant: an entry that the group holds, or that it will come to, is
 * not given back, or it would come twice.
 */
import { EntryId } from "../../message/entry-id.ts";
import { LogReader } from "../../storage/index.ts";
import { noOwner } from "../cursor/pending-table.ts";
import type { Queue } from "../queue/queue.ts";
import { deadLetter, retriesOf } from "./give-up.ts";
import { type GiveUpNote, markedReason, markOf } from "./give-up-notes.ts";
import type { GroupCursor } from "./group-cursor.ts";

/** What the dead letter said, and who brings it home. */
export interface Return {
  readonly operation: string;
  readonly id: EntryId;
  readonly deliveries: number;
  readonly note: GiveUpNote;
}

/** Where the entry is in the stream; -1: it is gone, or the group has it or will come to it. */
export function placeFor({ log }: Queue, cursor: GroupCursor, id: EntryId): number {
  const offset = log.offsetOfEntryId(id);
  if (offset >= log.stableEnd || log.entryIdOf(offset).compare(id) !== 0) return -1;
  const isHeld = cursor.pending.ownerOf(offset) !== noOwner;
  return isHeld || id.compare(cursor.lastId) > 0 ? -1 : offset;
}

/** Gives the entry at an offset that `placeFor` has found. False: the group remembers too many reasons now, and nothing has changed. */
export function giveBack(queue: Queue, cursor: GroupCursor, offset: number, given: Return): boolean {
  const { operation, id, deliveries, note } = given;
  const reason = markedReason({ operation, deliveries, reason: note.reason });
  if (cursor.notes !== null && !cursor.notes.takes(reason, note.consumer)) return false;
  const now = queue.vhost.broker.clock.now();
  retriesOf(queue, cursor).wait(offset, { at: now, now }, 0, id);
  cursor.noteGivenUp(offset, { ...note, reason });
  return true;
}

/** Whether an entry that is pending was given back by that operation, and nobody has got it since. */
export function isGivenBack(cursor: GroupCursor, offset: number, operation: string): boolean {
  return markOf(cursor.notes?.of(offset) ?? null)?.operation === operation;
}

/** Makes a dead letter of it again, as it was, in the stream `place`. False: that cannot take it now. */
export function takeBack(queue: Queue, cursor: GroupCursor, offset: number, place: string): boolean {
  const note = cursor.notes!.of(offset)!;
  const { deliveries, reason } = markOf(note)!;
  const reader = new LogReader(cursor.log, offset);
  // The entry itself is gone: there is nothing to deliver, and nothing to keep.
  if (!reader.next() || reader.offset !== offset) return cursor.settle(offset);
  const letter = { note: { ...note, reason }, deliveries, place };
  if (!deadLetter(queue, cursor, reader, letter)) return false;
  cursor.settle(offset);
  return true;
}
