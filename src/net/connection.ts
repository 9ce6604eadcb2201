/**
 * One connection's output: gathers replies, holds back what is not durable yet, and sends once a tick.
 *
 *   open --end()--> ending (the output leaves) --all has left--> lingering (half-closed) --peer ends--> gone
 *
 * While it ends and lingers, input is thrown away: a socket that is closed with input unread resets the peer, which may
 * then lose the last reply (RFC 9293 3.6.1). The session's life ends where lingering begins.
 * While the journal takes nothing, the output leaves all the same if nothing in it speaks of what is not written: it
 * answers requests during which nothing was changed, and nothing unwritten was looked at (`answerTo`).
 * Knows bytes and watermarks, no protocol. Invariants: `sent <= output.length`; bytes after a barrier leave only when
 * the journal is durable up to the barrier's position; a peer that does not read makes us stop reading from it; an ended
 * connection is gone once `lingerMsMax` passes without a byte leaving, or `lingerBytesMax` were thrown away.
 */
import { assertInvariant, assertsAreOn } from "../base/assert.ts";
import { ByteWriter } from "../base/bytes.ts";
import type { BytesHolder, BytesShare } from "../base/bytes-in-flight.ts";
import type { Timer } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import { sizes } from "../base/sizes.ts";
import type { Address, Connection, ConnectionHost, FlushableConnection } from "../base/connection.ts";
import type {
  ConnectionFacts,
  ConnectionState,
  OpenConnection,
  SessionFacts,
} from "../base/connection-facts.ts";
import type { Guest } from "./entrance.ts";
import type { Session } from "../protocols/contract.ts";

/** A socket of one of the runtimes. */
export interface Transport {
  readonly local: Address;
  readonly remote: Address;
  readonly isEncrypted?: boolean;
  /** The trusted certificate of the peer, in DER. */
  peerCertificate?(): Uint8Array | null;
  /** Bytes that `write` took and the system has not; none if absent. */
  readonly unsentBytes?: number;
  /** Takes bytes `[start, end)` and returns how many; the rest is offered again after `drained`. */
  write(bytes: Buffer, start: number, end: number): number;
  pause(): void;
  resume(): void;
  /** Tells the peer that nothing more comes after what `write` took. It may still send; once it has ended too, `closed`. */
  end(): void;
  destroy(): void;
  /** The broker stops: the next `end` is not caused by the session. */
  goingAway?(): void;
}

/** What a socket calls: a connection, or a transport that transforms the bytes. */
export interface TransportUser {
  /** Bytes came; valid during the call only. */
  received(bytes: Buffer): void;
  /** The socket takes bytes again. */
  drained(): void;
  /** The peer sends no more, but may still read. */
  peerEnded(): void;
  /** An error of the socket. */
  broke(): void;
  /** The socket is closed. */
  closed(): void;
}

/** Owns a connection's socket, and can give it another user. */
export interface SocketOwner {
  /** From now on the socket calls `user`, and its place belongs to `guest`. */
  standOn(user: TransportUser, guest: Guest): void;
}

interface Barrier {
  at: number;
  position: number;
}

const smallOutputBytes = 1024;
const noMark = -1;

/** The facts of a session that reports none, such as HTTP's, which knows no user beyond a request. */
const unknownFacts: SessionFacts = {
  user: "",
  vhost: null,
  clientName: "",
  clientProperties: {},
  isClosing: false,
  requests: null,
  messagesIn: null,
  messagesOut: null,
  channels: 0,
  subscriptions: 0,
  groups: [],
};

export class NetConnection
  implements Connection, FlushableConnection, BytesHolder, TransportUser, OpenConnection
{
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  readonly isEncrypted: boolean;
  readonly openedAt: number;
  readonly output = new ByteWriter(smallOutputBytes, "shared");
  /** No more output leaves, and the session has been told; the socket may linger. */
  isClosed = false;
  bytesReceived = 0;
  bytesSent = 0;
  session!: Session;
  /** The name of the session's protocol. */
  protocol = "";
  /** Its place among the connections, if these are bounded. */
  guest: { settle(isSettled: boolean): void } | null = null;
  /** Null if the socket cannot have another user. */
  owner: SocketOwner | null = null;
  readonly #transport: Transport;
  readonly #host: ConnectionHost;
  readonly #onClosed: (connection: NetConnection) => void;
  #sent = 0;
  #barriers: Barrier[] = [];
  #isTouched = false;
  /** Everything appended since the last flush answers requests that changed nothing. Only known while the ticker is stuck. */
  #isClean = false;
  #isAnswering = false;
  #pauses = 0;
  #isOutputPaused = false;
  #wasFull = false;
  #isEnding = false;
  #isGone = false;
  readonly #share: BytesShare;
  #inputBytes = 0;
  /** Bytes of input that were discarded after the end. */
  #discardedBytes = 0;
  #linger: Timer | null = null;

  constructor(
    id: number,
    transport: Transport,
    host: ConnectionHost,
    openedAt: number,
    onClosed: (connection: NetConnection) => void,
  ) {
    this.id = id;
    this.#transport = transport;
    this.#host = host;
    this.openedAt = openedAt;
    this.#onClosed = onClosed;
    this.local = transport.local;
    this.remote = transport.remote;
    this.isEncrypted = transport.isEncrypted ?? false;
    this.#share = host.inFlight.open(this);
  }

  peerCertificate(): Uint8Array | null {
    return this.#transport.peerCertificate?.() ?? null;
  }

  get outputBytes(): number {
    return this.output.length - this.#sent;
  }

  touch(): void {
    if (!this.#isAnswering) this.#isClean = false;
    if (this.#isTouched || this.isClosed) return;
    this.#isTouched = true;
    this.#host.connectionTouched(this);
  }

  /** Output appended before was in a flush already: it has left or waits behind a barrier. */
  get mayLeave(): boolean {
    return this.#isClean || !this.#isTouched;
  }

  /** While the journal accepts writes, equal to no later mark: later output, until a write fails, may depend on anything. */
  get answerMark(): number {
    return this.#host.isStuck ? this.#host.unwrittenMark : noMark;
  }

  answerTo(mark: number, write: () => void): void {
    const host = this.#host;
    if (!host.isStuck || this.#isAnswering) return write();
    const { mayLeave } = this;
    this.#isAnswering = true;
    try {
      write();
    } finally {
      this.#isAnswering = false;
      const isUnchanged = host.unwrittenMark === mark;
      this.#isClean = mayLeave && isUnchanged;
      // The change may have no answer of its own (an acknowledgement): then all later answers wait for it.
      if (!isUnchanged) this.touch();
    }
  }

  holdUntilDurable(position: number, at: number = this.output.length): void {
    const host = this.#host;
    if (position <= host.durablePosition) return;
    const last = this.#barriers[this.#barriers.length - 1];
    // Both are in the group that this tick writes, so they become durable together.
    if (last !== undefined && (last.position > host.writtenPosition || last.position >= position)) {
      if (at < last.at) last.at = at;
      if (position > last.position && last.position > host.writtenPosition) last.position = position;
      return;
    }
    this.#barriers.push({ at, position });
    if (this.#barriers.length === 1) host.connectionHeld(this);
  }

  #sendable(): number {
    const barriers = this.#barriers;
    if (barriers.length === 0) return this.output.length;
    const durable = this.#host.durablePosition;
    let met = 0;
    while (met < barriers.length && barriers[met]!.position <= durable) met++;
    if (met > 0) barriers.splice(0, met);
    return barriers.length === 0 ? this.output.length : barriers[0]!.at;
  }

  flush(): void {
    this.#isTouched = false;
    if (this.isClosed) return;
    if (this.outputBytes > limits.outputLowWaterBytes) this.#wasFull = true;
    const end = this.#sendable();
    if (this.#sent < end) {
      const taken = this.#transport.write(this.output.buffer, this.#sent, end);
      this.#sent += taken;
      this.bytesSent += taken;
    }
    if (this.#barriers.length > 0) this.#host.connectionHeld(this);
    if (assertsAreOn) this.#assertSound();
    this.#settleOutput();
  }

  #assertSound(): void {
    assertInvariant(this.#sent <= this.output.length, "no more is sent than there is");
    let before: Barrier | null = null;
    for (const barrier of this.#barriers) {
      assertInvariant(barrier.at >= this.#sent, "nothing has left that waits for the disk");
      assertInvariant(
        before === null || (barrier.at >= before.at && barrier.position > before.position),
        "holds are in the order of their bytes and positions",
      );
      before = barrier;
    }
  }

  #settleOutput(): void {
    const output = this.output;
    if (this.#sent === output.length) {
      // A hold may be at the very end, before the bytes that it is for.
      for (const barrier of this.#barriers) barrier.at = 0;
      this.#sent = 0;
      const bytesKept = this.isMemoryShort ? smallOutputBytes : sizes.outputBytesKept;
      if (output.buffer.length > bytesKept) output.shrink(smallOutputBytes);
      else output.reset();
      if (this.#isEnding) return this.#halfClose();
    } else if (this.#sent > sizes.outputBytesKept && this.#sent * 2 > output.length) this.#compact();
    this.#settleShare();
    if (this.isClosed) return;
    this.#stopWhenFull();
    if (this.outputBytes <= limits.outputLowWaterBytes && this.#wasFull) {
      this.#wasFull = false;
      if (this.#isOutputPaused) {
        this.#isOutputPaused = false;
        this.resumeReading();
      }
      if (this.#host.isStuck) this.answerTo(this.answerMark, () => this.session.onWritable());
      else this.session.onWritable();
    }
  }

  #stopWhenFull(): void {
    if (this.#isOutputPaused || this.outputBytes <= limits.outputHighWaterBytes) return;
    this.#isOutputPaused = true;
    this.pauseReading();
  }

  #compact(): void {
    const shift = this.#sent;
    this.output.buffer.copyWithin(0, shift, this.output.length);
    this.output.length -= shift;
    for (const barrier of this.#barriers) barrier.at -= shift;
    this.#sent = 0;
  }

  settle(isSettled: boolean): void {
    this.guest?.settle(isSettled);
  }

  #settleShare(): void {
    const bytes = Math.max(this.output.buffer.length - smallOutputBytes, 0);
    this.#share.set(this.#inputBytes + bytes, bytes);
  }

  holdInput(bytes: number): void {
    if (bytes === this.#inputBytes || this.isClosed) return;
    this.#inputBytes = bytes;
    this.#settleShare();
  }

  get isMemoryShort(): boolean {
    return this.#host.inFlight.isOver;
  }

  get largestBytes(): number {
    return (this.session.largestHeldBytes ?? this.#inputBytes) + this.output.buffer.length;
  }

  get isReading(): boolean {
    return this.#pauses === 0;
  }

  get isAtWork(): boolean {
    return this.session.isAtWork ?? false;
  }

  giveBack(): void {
    if (this.isClosed) return;
    if (this.output.length === 0) this.output.shrink(smallOutputBytes);
    this.#settleShare();
    this.session.onMemoryShort?.();
  }

  /** The connection holds too much memory. */
  refuse(): void {
    if (this.isClosed) return;
    if (this.#isEnding || this.session.onRefused === undefined) this.destroy();
    else this.session.onRefused();
  }

  describe(): ConnectionFacts {
    const facts = this.session.describe?.() ?? unknownFacts;
    return {
      ...facts,
      id: this.id,
      protocol: this.protocol,
      remote: this.remote,
      local: this.local,
      isEncrypted: this.isEncrypted,
      openedAt: this.openedAt,
      bytesReceived: this.bytesReceived,
      bytesSent: this.bytesSent,
      outputBytes: this.outputBytes,
      heldBytes: this.#inputBytes,
      state: this.#stateOf(facts),
    };
  }

  #stateOf({ isClosing, user }: SessionFacts): ConnectionState {
    if (this.#isEnding || isClosing) return "closing";
    if (this.#share.isHeldBack) return "heldBack";
    if (this.#isOutputPaused) return "flow";
    return user === null ? "starting" : "running";
  }

  closeFor(reason: string): void {
    if (this.isClosed || this.#isEnding) return;
    if (this.session.closeFor === undefined) this.end();
    else this.session.closeFor(reason);
  }

  pauseReading(): void {
    if (this.#pauses++ === 0 && !this.#isEnding) this.#transport.pause();
  }

  resumeReading(): void {
    const pauses = --this.#pauses;
    if (assertsAreOn) assertInvariant(pauses >= 0, "reading goes on as often as it was paused");
    if (pauses === 0 && !this.#isEnding && !this.isClosed) this.#transport.resume();
  }

  end(): void {
    this.touch();
    if (this.#isEnding || this.isClosed) return;
    this.#isEnding = true;
    // Otherwise a peer that sends before it reads would never get to its last reply.
    if (this.#pauses > 0) this.#transport.resume();
    this.#lingerFrom(this.#bytesLeft);
  }

  /** Bytes that the system has taken. */
  get #bytesLeft(): number {
    return this.bytesSent - (this.#transport.unsentBytes ?? 0);
  }

  /** Closes the socket if the peer has taken nothing for a while. Output that waits for the disk may wait as long as that takes. */
  #lingerFrom(bytesLeft: number): void {
    this.#linger = this.#host.timers.after(limits.lingerMsMax, () => {
      const isOurTurn = !this.isClosed && (this.#isTouched || this.#barriers.length > 0);
      if (isOurTurn || this.#bytesLeft > bytesLeft) this.#lingerFrom(this.#bytesLeft);
      else this.destroy();
    });
  }

  /** All output has left: the peer gets the end of the stream, and the session is told. */
  #halfClose(): void {
    this.#transport.end();
    this.#endSession();
  }

  /** The broker is stopping: the session may send a message, then the output is sent and the connection ends. */
  shutdown(): void {
    if (this.isClosed) return;
    this.#transport.goingAway?.();
    this.answerTo(this.answerMark, () => {
      this.session.onShutdown?.();
      this.end();
    });
  }

  /** Its output can leave only after the next write to the disk. */
  get waitsForDisk(): boolean {
    return this.#host.isStuck && !this.mayLeave;
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#transport.destroy();
    this.closed();
  }

  received(bytes: Buffer): void {
    if (this.isClosed || this.#isEnding) return this.#discard(bytes.length);
    this.bytesReceived += bytes.length;
    if (this.#host.isStuck) this.answerTo(this.answerMark, () => this.session.onData(bytes));
    else {
      this.session.onData(bytes);
      // The session may have changed something without an answer. If the write of this tick fails, later answers wait for it.
      this.touch();
    }
    // Checked here too, not only when the output is sent: sending has to wait while the journal cannot be written.
    this.#stopWhenFull();
  }

  #discard(bytes: number): void {
    this.#discardedBytes += bytes;
    if (this.#discardedBytes > limits.lingerBytesMax) this.destroy();
  }

  peerEnded(): void {
    if (this.isClosed || this.#isEnding) return;
    this.answerTo(this.answerMark, () => {
      if (this.session.onPeerEnded === undefined) this.end();
      else this.session.onPeerEnded();
    });
  }

  drained(): void {
    const { mayLeave } = this;
    this.touch();
    this.#isClean = mayLeave;
  }

  broke(): void {
    this.destroy();
  }

  /**
   * Ends the connection and leaves its socket open for another user; `unsent` is what the peer must still get, in order. Holds are
   * lifted: only a caller that knows that nothing waits for the disk may do this.
   */
  handOver(): { readonly transport: Transport; readonly unsent: Buffer } {
    const unsent = Buffer.from(this.output.buffer.subarray(this.#sent, this.output.length));
    if (this.#pauses > 0) this.#transport.resume();
    this.closed();
    return { transport: this.#transport, unsent };
  }

  closed(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#linger?.cancel();
    this.#endSession();
    this.#onClosed(this);
  }

  #endSession(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#barriers = [];
    this.#share.close();
    // The session may ask how much has not left.
    this.session.onClosed();
    this.output.shrink(0);
  }
}
