/**
 * What a protocol must offer and what it is given: the seam between `net/` and `protocols/`.
 *
 * A `Protocol` makes a `Session` for each connection; the session gets bytes in, appends bytes to the connection's
 * output, and never touches a socket. Everything runs on one thread, in ticks: input is handled, then queues deliver,
 * then the journal is written, then the outputs of all touched connections are sent.
 */
import type { Connection } from "../base/connection.ts";
import type { SessionFacts } from "../base/connection-facts.ts";

export type { SessionFacts } from "../base/connection-facts.ts";
export type { Address, Connection } from "../base/connection.ts";

export interface Session {
  /** The peer sent bytes; valid during the call only. Must not throw: a protocol error ends the connection politely. */
  onData(bytes: Buffer): void;
  /** The output had been over `outputLowWaterBytes` and has drained below it: pushing may go on. */
  onWritable(): void;
  /** The peer has ended its side. Without this the connection ends once what was answered has left. */
  onPeerEnded?(): void;
  /** Of what the session holds of its input, the largest thing; all of it is one if absent. Asked for seldom. */
  readonly largestHeldBytes?: number;
  /** A request of it goes on in later turns, and those behind it wait; never if absent. */
  readonly isAtWork?: boolean;
  /** Memory is short: buffers that are kept for what may come next are given back. */
  onMemoryShort?(): void;
  /** The connection holds too much memory: tells the peer, if the protocol has words for it, and ends. */
  onRefused?(): void;
  /** The broker is stopping: a protocol that has words for it writes them to the output. */
  onShutdown?(): void;
  /** The session's description for an operator. Called seldom. */
  describe?(): SessionFacts;
  /** An operator ends the connection: it is told why, if the protocol has words for that. It just ends if absent. */
  closeFor?(reason: string): void;
  /** The connection is over, whichever side closed it: no more input comes, and no more output leaves. Called once. */
  onClosed(): void;
}

/**
 * How a protocol is spoken over WebSocket (RFC 6455): its bytes are a stream in messages, whose borders mean nothing to it.
 */
export interface WebSocketForm {
  /** Names for Sec-WebSocket-Protocol, the one to be chosen first. A client that offers some must offer one of these. */
  readonly names: readonly string[];
  /** A client must offer a name. */
  readonly isNameNeeded: boolean;
  /** What leaves in one turn is one message (binary), or one that may have several frames (text). */
  readonly sends: "binary" | "text";
  readonly takesText: boolean;
}

export interface Protocol {
  /** Of its listener (base/config/listeners.ts), if it has one; metrics and logs show it. */
  readonly name: string;
  /** What a connection is told that is one too many, before it is closed; most protocols have no words for it. */
  readonly refusal?: string;
  /** Absent: it is not spoken over WebSocket. */
  readonly webSocket?: WebSocketForm;
  createSession(connection: Connection): Session;
}
