/**
 * What every large value can do, whatever its type: a table of elements (hash, set), one with an order (sorted set), a list.
 *
 * Not here: how its elements are found and changed, which is its type's. Invariant: `liveBytes` are counted in one usage.
 */

/** Live bytes of all large values of a database. */
export interface Usage {
  bytes: number;
}

export interface LargeValue {
  /** Elements. */
  readonly count: number;
  /** Bytes of what lives. */
  readonly liveBytes: number;
  /** Memory in blocks of the arena. */
  readonly heldBytes: number;
  /** What it holds counts for another database from now on; the one before counts it no more. */
  moveUsage(to: Usage): void;
  /** The same elements with the same ages, in memory of their own. */
  copy(usage: Usage): LargeValue;
  /**
   * Moves blocks out of chunks that are to be emptied (arena.ts), looking at up to `most` blocks from `cursor` on, which is 0 at first.
   * Returns the next cursor, or 0 at the end. Where the value changes meanwhile, some blocks may be passed over.
   */
  moveSome(cursor: number, most: number): number;
  /** Gives back up to `blocks` blocks of a value that nobody uses any more; returns how many, 0 when none is left. */
  freeSome(blocks: number): number;
}
