/**
 * Entries of a range of a stream, written in slices: what XRANGE, XREAD and XINFO STREAM FULL share.
 *
 * What is deleted meanwhile is not shown, what comes behind the range neither. Invariant: an entry is written whole.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { LogReader } from "../../../storage/logs.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { writeEntry, workBytes } from "./stream.ts";

/** Finding an entry and writing its frame of lengths. */
const unitsOfEntry = 0.5;

export interface EntryRange {
  readonly queue: Queue;
  readonly from: number;
  /** Left out. */
  readonly to: number;
  readonly isReverse: boolean;
}

/** The offset that comes first; outside of the range when nothing is in it. */
export function firstOf({ queue, from, to, isReverse }: EntryRange): number {
  const { removed } = queue.log;
  return isReverse ? removed.previousPresent(to - 1) : removed.nextPresent(from);
}

export function nextOf({ queue, isReverse }: EntryRange, offset: number): number {
  const { removed } = queue.log;
  return isReverse ? removed.previousPresent(offset - 1) : removed.nextPresent(offset + 1);
}

/** Writes at most `most` entries and returns how many they were. */
export function* writeRange(
  { reply }: CommandContext,
  parts: PartedReply,
  range: EntryRange,
  most: number,
): Job<number> {
  const { queue, from, to } = range;
  const { log } = queue;
  const piece = new Piece();
  const reader = new LogReader(log);
  let count = 0;
  let offset = firstOf(range);
  while (count < most && offset >= Math.max(from, log.firstOffset) && offset < to) {
    const before = workBytes(parts.bytes);
    reader.seek(offset);
    reader.next();
    writeEntry(reply, reader);
    count++;
    const due = piece.add(unitsOfEntry + unitsOfBytes(workBytes(parts.bytes) - before));
    if (due > 0) yield due;
    offset = nextOf(range, offset);
  }
  return count;
}
