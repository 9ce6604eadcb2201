/** How a record enters a stream without a client: what the broker asks of the protocol that knows how streams are made. */
import type { Envelope } from "../../message/envelope.ts";

/** A record in the form in which it is stored. */
export interface RecordBytes {
  readonly envelope: Envelope;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Appends a record to the stream of that name, which it may have to make; false where that cannot be now, and nothing has changed. */
export type EnterStream = (
  vhostName: string,
  name: string,
  record: RecordBytes,
  /** A Kafka group has given it up (retry/returned-records.ts). */
  isReturned?: boolean,
) => boolean;
