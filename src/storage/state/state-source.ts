/**
 * A great many small values that their owner keeps in memory: the Redis keyspace.
 *
 * The owner gathers its changes as bytes; the storage writes what gathered in a tick as one frame, which costs one header
 * and one checksum however many keys changed. What the bytes say is the owner's business. Replaying all of them in order
 * gives the values again, also after the oldest were deleted, if all that stood below had been written again before.
 */
import type { ByteWriter } from "../../base/bytes.ts";

export interface StateSource {
  /** What changed and is not in the journal yet. The storage takes it and resets it. */
  readonly changes: ByteWriter;
  /** About how much all values would take if written again: the journal cannot become smaller than this. */
  readonly liveBytes: number;
  /** Recovery met changes: `buffer[start, end)`, which stand at `position` and are valid during the call only. */
  replayed(buffer: Buffer, start: number, end: number, position: number): void;
  /** Appends some values whose last full form stands below `position` to the journal again; says whether any are left. */
  rewriteBelow(position: number): boolean;
}
