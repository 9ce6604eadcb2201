/**
 * Entry ids on a log: from an id to the offset of the first record at or above it, and a reader for protocols.
 *
 * Ids only grow with the offset, so the place is found by bisection; the log's index narrows it first. What a reader
 * is to see must be sealed.
 */
import { type Log, LogReader } from "../storage/index.ts";

export { LogReader } from "../storage/index.ts";
export type { Log } from "../storage/index.ts";

/** Whether the record that the reader stopped at has an id at or above the given one. */
function isAtOrAbove(reader: LogReader, idMs: number, idSequence: number): boolean {
  return reader.idMs > idMs || (reader.idMs === idMs && reader.idSequence >= idSequence);
}

/** An offset at or below the wanted one, from what the log has in memory. */
function lowerBound(log: Log, idMs: number, idSequence: number): number {
  const found = log.index.offsetByEntryId(idMs, idSequence);
  if (found >= 0) return Math.max(found, log.firstOffset);
  for (let i = log.segments.length - 1; i >= 0; i--) {
    const segment = log.segments[i]!;
    if (segment.firstIdMs < idMs || (segment.firstIdMs === idMs && segment.firstIdSequence <= idSequence)) {
      return Math.max(segment.offsetByEntryId(idMs, idSequence), log.firstOffset);
    }
  }
  return log.firstOffset;
}

/** The offset of the first record that is there with an id at or above the given one; `nextOffset` without any. */
export function offsetOfEntryId(log: Log, reader: LogReader, idMs: number, idSequence: number): number {
  if (idMs > log.lastIdMs || (idMs === log.lastIdMs && idSequence > log.lastIdSequence))
    return log.nextOffset;
  let low = lowerBound(log, idMs, idSequence);
  let high = log.nextOffset;
  // Steps that double, from where the index points to; then halves.
  for (let step = 1; low < high; step *= 2) {
    const probe = Math.min(low + step - 1, high - 1);
    reader.seek(probe);
    if (!reader.next()) high = probe;
    else if (isAtOrAbove(reader, idMs, idSequence)) {
      high = probe;
      break;
    } else low = reader.offset + 1;
  }
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    reader.seek(middle);
    if (!reader.next() || isAtOrAbove(reader, idMs, idSequence)) high = middle;
    else low = reader.offset + 1;
  }
  reader.seek(low);
  return reader.next() ? reader.offset : log.nextOffset;
}
