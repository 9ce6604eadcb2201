/**
 * Finds offsets of a log that should be in a segment or in the journal after replay, and are not: a file is missing.
 *
 * Not here: what follows (log.ts throws, repair marks them as deleted).
 */
import { BrokerError } from "../../base/errors.ts";
import type { FrameIndex } from "./frame-index.ts";
import type { OffsetSet } from "./offset-set.ts";

export interface OffsetRange {
  readonly baseOffset: number;
  readonly endOffset: number;
}

/** What replay found of one log. */
export interface Replayed {
  /** Pairs of offsets between which it found nothing. */
  gaps: number[];
  /** The end of what it found. */
  end: number;
}

interface ReplayedLog {
  readonly removed: OffsetSet;
  readonly index: FrameIndex;
  readonly nextOffset: number;
}

/** Ranges of offsets in pairs. Deleted records need no place. */
export function uncovered(log: ReplayedLog, segments: readonly OffsetRange[], replayed: Replayed): number[] {
  const missing: number[] = [];
  const need = (from: number, to: number): void => {
    if (from < to && !log.removed.hasAll(from, to)) missing.push(from, to);
  };
  let covered = 0;
  for (const segment of segments) {
    need(covered, segment.baseOffset);
    covered = segment.endOffset;
  }
  if (log.index.length > 0) {
    need(covered, log.index.firstOffset);
    const { gaps, end } = replayed;
    for (let i = 0; i < gaps.length; i += 2) need(Math.max(gaps[i]!, covered), gaps[i + 1]!);
    covered = Math.max(covered, end);
  }
  need(covered, log.nextOffset);
  return missing;
}

/** Throws CORRUPT unless every record that should be there has a place. */
export function assertCovered(
  log: ReplayedLog & { readonly id: number; readonly segments: readonly OffsetRange[] },
  replayed: Replayed,
): void {
  const [from, to] = uncovered(log, log.segments, replayed);
  if (from === undefined || to === undefined) return;
  throw new BrokerError(
    "CORRUPT",
    `log ${log.id}: offsets ${Math.max(from, log.removed.first)} to ${to - 1} are missing: a journal file is gone, or from another time; restore it`,
  );
}
