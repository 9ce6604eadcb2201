/**
 * What a protocol must offer and what it is given: the seam between `net/` and `protocols/`.
 *
 * A `Protocol` makes a `Session` for each connection; the session gets bytes in, appends bytes to the connection's
 * output, and never touches a socket. Everything runs on one thread, in ticks: input is handled, then queues deliver,
 * then the journal is written, then the outputs of all touched connections are sent.
 */
import type { ByteWriter } from "../base/bytes.ts";

export interface Address {
  host: string;
  port: number;
}

export interface Connection {
  /** Unique in this process. */
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
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
   * What is appended from here on leaves only when the journal is durable up to `position`. Bytes appended before
   * leave at once. Replies stay in order; one call in a tick is as good as many.
   */
  holdUntilDurable(position: number): void;
  /** Stops and starts reading from the peer, for flow control. Counted: each pause needs its resume. */
  pauseReading(): void;
  resumeReading(): void;
  /** Sends what is in the output, then closes. */
  end(): void;
  /** Closes now. */
  destroy(): void;
}

export interface Session {
  /** The peer sent bytes; valid during the call only. Must not throw: a protocol error ends the connection politely. */
  onData(bytes: Buffer): void;
  /** The output had been over `outputLowWaterBytes` and has drained below it: pushing may go on. */
  onWritable(): void;
  /** The connection is gone, whoever closed it. Called once. */
  onClosed(): void;
}

export interface Protocol {
  readonly name: "redis" | "amqp" | "kafka";
  createSession(connection: Connection): Session;
}

/** Called by connections; implemented by the broker's ticker. */
export interface ConnectionHost {
  /** The output of this connection is to be flushed at the end of the tick. Called once until it was. */
  connectionTouched(connection: FlushableConnection): void;
  /** The connection has bytes that wait for the durable watermark. */
  connectionHeld(connection: FlushableConnection): void;
  /** The journal's durable watermark now. */
  readonly durablePosition: number;
  /** What has been handed to the system: positions at or below it are in an ended group. */
  readonly writtenPosition: number;
}

export interface FlushableConnection {
  /** Sends what may leave. */
  flush(): void;
}
