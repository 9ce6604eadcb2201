/** Whom a log tells of what happens to it: who reads it, and the storage that it belongs to. */
import type { Segment } from "../segment/segment.ts";
import type { Log } from "./log.ts";

/** Reads the log; is told at the end of the tick that records came. */
export interface LogOwner {
  appended(): void;
  /** Records `[from, to)`, which no reader has seen, are about to be removed: their transaction is aborted. */
  aborting(from: number, to: number): void;
}

export interface LogHost {
  /** The log has a change for `encodeChange` to write. Only called for durable logs. */
  logChanged(log: Log): void;
  /** No record of the segment is needed: its file is deleted once that is durable. */
  segmentUnneeded(segment: Segment): void;
}
