/**
 * Which offsets of a log should have a place after replay, in a segment or in the journal, and have none: a file is missing.
 *
 * Not here: what is done about it (log.ts throws, repair gives them up).
 */
import { BrokerError } from "../../base/errors.ts";
import type { FrameIndex } from "./frame-index.ts";
import type { OffsetSet } from "./offset-set.ts";

export interface OffsetRange {
  readonly baseOffset: number;
  readonly endOffset: number;
}

/** What replay met of one log. */
export interface Replayed {
  /** Offsets between which it met nothing, in pairs. */
  gaps: number[];
  /** Where what it met ends. */
  end: number;
}

interface ReplayedLog {
  readonly removed: OffsetSet;
  readonly index: FrameIndex;
  readonly nextOffset: number;
}

/** Ranges of offsets in pairs; those that are gone need no place. */
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
