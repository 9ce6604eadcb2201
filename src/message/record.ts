/** A stored record as its reader sees it (storage's LogReader is one): the bytes, who wrote them, and where they are. */
import type { EntryId } from "./entry-id.ts";
import type { Envelope } from "./envelope.ts";

export interface StoredRecord {
  readonly envelope: Envelope;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  /** Append time, ms. */
  readonly timestamp: number;
  readonly id: EntryId;
  /** Which record of the Kafka batch in `[start, end)` it is; 0 for other envelopes. */
  readonly indexInFrame: number;
}
