/** A run of a log's frames that left the journal for a file of its own: immutable, named by its first offset. */
import type { FrameLocation } from "./frame-store.ts";

export interface Segment {
  readonly logId: number;
  readonly baseOffset: number;
  readonly endOffset: number;
  /** Bytes of its frames. */
  readonly bytes: number;
  readonly firstIdMs: number;
  readonly firstIdSequence: number;
  /** Newest record, ms: below it nothing in the segment can be. */
  readonly maxTimestamp: number;
  /** Finds the frame that holds `offset`. Throws CORRUPT. */
  locate(offset: number, location: FrameLocation): void;
  /** An offset at or below the first record with an entry id at or above the given one. */
  offsetByEntryId(idMs: number, idSequence: number): number;
  /** An offset at or below the first record as new as `timestamp`. */
  offsetByTimestamp(timestamp: number): number;
}
