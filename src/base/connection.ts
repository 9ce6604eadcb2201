/**
 * A connection as a session and the broker see it, and what a connection asks of the end of the tick.
 *
 * Implemented by `net/` and by the broker's ticker; here so that neither needs to know the other.
 */
import type { ByteWriter } from "./bytes.ts";
import type { BytesInFlight } from "./bytes-in-flight.ts";
import type { Timers } from "./clock.ts";
import { limits } from "./limits.ts";

export interface Address {
  host: string;
  port: number;
}

export interface Connection {
  /** Unique in this process. */
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  /** Whether it came over TLS. */
  readonly isEncrypted: boolean;
  /** The client's certificate (DER), which a trusted authority has signed; null: it has shown none. Read anew with each call. */
  peerCertificate(): Uint8Array | null;
  /** Wall time at which it was accepted, ms. */
  readonly openedAt: number;
  /** Replies are appended here. After appending, call `touch()`. */
  readonly output: ByteWriter;
  /** Bytes in `output` that have not left. Sessions that push (consumers, subscribers) bound themselves by it. */
  readonly outputBytes: number;
  readonly isClosed: boolean;
  bytesReceived: number;
  bytesSent: number;
  /** Has the output sent at the end of this tick. */
  touch(): void;
  /**
   * Output appended from here on leaves only when the journal is durable up to `position`. Output appended before leaves at once.
   * Replies stay in order; one call in a tick has the same effect as several. `at`: from there on, rather than from here: a place in
   * what was appended in this tick.
   */
  holdUntilDurable(position: number, at?: number): void;
  /**
   * What the session holds of this peer beyond the call: input that is not whole, what waits for a commit. Told with each
   * change; while all connections together hold too much, those that hold most are not read from (bytes-in-flight.ts).
   */
  holdInput(bytes: number): void;
  /** Too much is held by all connections together: what may be small should be. */
  readonly isMemoryShort: boolean;
  /**
   * Settled: who it is, is known, and it keeps its place. Before, and from `settle(false)` on, it may be ended for others
   * where no place is left.
   */
  settle(isSettled: boolean): void;
  /**
   * For what a session answers outside `onData`: while the journal takes nothing, only that leaves of which nothing is
   * unwritten. Take the mark when the request comes, and write its answer in `write`.
   */
  readonly answerMark: number;
  answerTo(mark: number, write: () => void): void;
  /** Stops and starts reading from the peer, for flow control. Counted: each pause needs its resume. */
  pauseReading(): void;
  resumeReading(): void;
  /** Sends what is in the output, then closes. What the peer still sends is thrown away. */
  end(): void;
  /** Closes now. */
  destroy(): void;
}

/** Whether a client that reads too little of what it gets unasked is to be disconnected: none of it is kept for anybody. */
export function isTooFarBehind(
  { isMemoryShort }: Pick<Connection, "isMemoryShort">,
  unsentBytes: number,
  bytesMax: number,
): boolean {
  if (unsentBytes <= limits.outputHighWaterBytes) return false;
  return unsentBytes > bytesMax || isMemoryShort;
}

/** Called by connections; implemented by the broker's ticker. */
export interface ConnectionHost {
  /** The output of this connection is to be flushed at the end of the tick. Called once until it was. */
  connectionTouched(connection: FlushableConnection): void;
  /** The connection has bytes that wait for the durable watermark. */
  connectionHeld(connection: FlushableConnection): void;
  /** The journal's durable watermark now. */
  readonly durablePosition: number;
  /** The position up to which the system has the journal: everything at or below it is in an ended group. */
  readonly writtenPosition: number;
  /** The journal cannot be written now: output that depends on unwritten data must not leave. */
  readonly isStuck: boolean;
  /** Another number after each change of what is kept, and after each look at what is not written yet. */
  readonly unwrittenMark: number;
  readonly timers: Timers;
  readonly inFlight: BytesInFlight;
}

export interface FlushableConnection {
  /** No output depends on unwritten data: it may leave while the journal cannot be written. */
  readonly mayLeave: boolean;
  /** Sends what may leave. */
  flush(): void;
}

/** A connection that the broker opens to another server: MIGRATE's. */
export interface Dialed {
  /** Bytes that were written and have not left. */
  readonly unsentBytes: number;
  /** The bytes must not change any more. */
  write(bytes: Uint8Array): void;
  /** Closes now, without a word to the other side. */
  destroy(): void;
}

/** `opened` comes first, once, or never; `closed` comes last, once; after it or `destroy` nothing comes. */
export interface DialEvents {
  opened(): void;
  /** The bytes are valid during the call. */
  received(bytes: Buffer): void;
  /** All that was written has left, after some of it had to wait. */
  drained(): void;
  /** By the other side, or since it could not be reached; `isFound`: there is a host of that name. */
  closed(isFound: boolean): void;
}

/** Calls none of `events` before it returns. */
export type Dial = (to: Address, events: DialEvents) => Dialed;
