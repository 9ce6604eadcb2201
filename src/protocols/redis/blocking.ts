/** A read that waits for entries. Being written. */
export interface BlockedRead {
  /** The connection is gone. */
  abandon(): void;
}
