/** A run of a log's frames that left the journal for a file of its own: immutable, named by its log and offsets. */
import type { EntryId } from "../../message/entry-id.ts";
import type { FrameLocation } from "../journal/frame-store.ts";

export interface Segment {
  readonly logId: number;
  /** It holds every record of `[baseOffset, endOffset)` that was not gone when it was written. */
  readonly baseOffset: number;
  readonly endOffset: number;
  /** Bytes of its frames. */
  readonly bytes: number;
  /** Newest record, ms. */
  readonly maxTimestamp: number;
  /** Negative, 0 or positive, as the first record's entry id is below, at or above the given one. */
  compareFirstId(id: EntryId): number;
  /** Finds the frame that holds `offset`, its checksum verified. Throws CORRUPT. */
  locate(offset: number, location: FrameLocation): void;
  /** Like `locate` from the frame that `location` holds on: one step when it is the next one. False when it cannot. */
  locateAfter(offset: number, location: FrameLocation): boolean;
  /** Finds the first frame that ends above `offset`, wherever it starts; false when there is none. */
  locateFrom(offset: number, location: FrameLocation): boolean;
  /** An offset in the segment at or below the first record with an entry id at or above the given one. */
  offsetByEntryId(id: EntryId): number;
  /** An offset at or below the first record as new as `timestamp`, which must be at most `maxTimestamp`. */
  offsetByTimestamp(timestamp: number): number;
  /** The lowest frame start such that the frames from it on hold at most `bytes`, which is less than all of them. */
  offsetForBytes(bytes: number): number;
}
