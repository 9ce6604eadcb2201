/**
 * A great many small values that their owner keeps in memory: the Redis keyspace, and what other owners add later.
 *
 * The owner gathers its changes as bytes; the storage writes what gathered in a tick as one frame for each source, which
 * costs one header and one checksum however many values changed. What the bytes say is the owner's business. Replaying all
 * frames of a source in order gives its values again, also after the oldest were deleted, if all that stood below had been
 * written again before. Invariant: an id names one kind of source for ever, since it stands in each of its frames.
 */
import type { ByteWriter } from "../../base/bytes.ts";

/** Every source that the journal may hold changes of. The next one takes the next number; none is used again. */
export const stateSourceId = { keyspace: 1, dedup: 2 } as const;

export type StateSourceId = (typeof stateSourceId)[keyof typeof stateSourceId];

const knownIds: ReadonlySet<number> = new Set(Object.values(stateSourceId));

export function isKnownSource(id: number): id is StateSourceId {
  return knownIds.has(id);
}

export interface StateSource {
  readonly sourceId: StateSourceId;
  /** What changed and is not in the journal yet. The storage takes it and resets it. */
  readonly changes: ByteWriter;
  /** About how much all values would take if written again: the journal cannot become smaller than this. */
  readonly liveBytes: number;
  /** Recovery met changes: `buffer[start, end)`, which stand at `position` and are valid during the call only. */
  replayed(buffer: Buffer, start: number, end: number, position: number): void;
  /**
   * Appends one slice of the values whose last full form stands below `position` to the journal again; says whether any
   * are left. Bounded: a slice is a fraction of a millisecond's work, whatever the source holds.
   */
  rewriteBelow(position: number): boolean;
}
