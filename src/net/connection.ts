/**
 * One connection's output: gathers replies, holds back what is not durable yet, and sends once a tick.
 *
 * Knows bytes and watermarks, no protocol. Invariants: `sent <= output.length`; bytes after a barrier leave only when
 * the journal is durable up to the barrier's position; a peer that does not read makes us stop reading from it.
 */
import { ByteWriter } from "../base/bytes.ts";
import { limits } from "../base/limits.ts";
import type { Address, Connection, ConnectionHost, FlushableConnection } from "../base/connection.ts";
import type { Session } from "../protocols/contract.ts";

/** A socket of one of the runtimes. */
export interface Transport {
  readonly local: Address;
  readonly remote: Address;
  readonly isEncrypted?: boolean;
  /** Takes bytes `[start, end)` and returns how many; the rest is offered again after `drained`. */
  write(bytes: Buffer, start: number, end: number): number;
  pause(): void;
  resume(): void;
  /** Closes after what `write` took has been sent. */
  end(): void;
  destroy(): void;
}

interface Barrier {
  at: number;
  position: number;
}

const smallOutputBytes = 1024;

export class NetConnection implements Connection, FlushableConnection {
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  readonly isEncrypted: boolean;
  readonly openedAt: number;
  readonly output = new ByteWriter(smallOutputBytes, "shared");
  isClosed = false;
  bytesReceived = 0;
  bytesSent = 0;
  session!: Session;
  readonly #transport: Transport;
  readonly #host: ConnectionHost;
  readonly #onClosed: (connection: NetConnection) => void;
  #sent = 0;
  #barriers: Barrier[] = [];
  #isTouched = false;
  #pauses = 0;
  #isOutputPaused = false;
  #wasFull = false;
  #isEnding = false;

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
  }

  get outputBytes(): number {
    return this.output.length - this.#sent;
  }

  touch(): void {
    if (this.#isTouched || this.isClosed) return;
    this.#isTouched = true;
    this.#host.connectionTouched(this);
  }

  holdUntilDurable(position: number): void {
    const host = this.#host;
    if (position <= host.durablePosition) return;
    const last = this.#barriers[this.#barriers.length - 1];
    // Both in the group that this tick writes: they become durable together.
    if (last !== undefined && (last.position > host.writtenPosition || last.position >= position)) {
      if (position > last.position && last.position > host.writtenPosition) last.position = position;
      return;
    }
    this.#barriers.push({ at: this.output.length, position });
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
    this.#settleOutput();
  }

  #settleOutput(): void {
    const output = this.output;
    if (this.#sent === output.length) {
      // A hold may stand at the very end, before the bytes that it is for.
      for (const barrier of this.#barriers) barrier.at = 0;
      this.#sent = 0;
      if (output.buffer.length > limits.outputBytesKept) output.shrink(smallOutputBytes);
      else output.reset();
      if (this.#isEnding) return this.#transport.end();
    } else if (this.#sent > limits.outputBytesKept && this.#sent * 2 > output.length) this.#compact();
    this.#stopWhenFull();
    if (this.outputBytes <= limits.outputLowWaterBytes && this.#wasFull) {
      this.#wasFull = false;
      if (this.#isOutputPaused) {
        this.#isOutputPaused = false;
        this.resumeReading();
      }
      this.session.onWritable();
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

  pauseReading(): void {
    if (this.#pauses++ === 0) this.#transport.pause();
  }

  resumeReading(): void {
    if (--this.#pauses === 0 && !this.isClosed) this.#transport.resume();
  }

  end(): void {
    this.#isEnding = true;
    this.touch();
  }

  /** The broker is stopping: the session may say so, then what is in the output is sent and the connection ends. */
  shutdown(): void {
    if (this.isClosed) return;
    this.session.onShutdown?.();
    this.end();
  }

  destroy(): void {
    if (this.isClosed) return;
    this.#transport.destroy();
    this.closed();
  }

  /** The transport has bytes. */
  received(bytes: Buffer): void {
    if (this.isClosed || this.#isEnding) return;
    this.bytesReceived += bytes.length;
    this.session.onData(bytes);
    // Not only when the output is sent: that has to wait while the journal cannot be written.
    this.#stopWhenFull();
  }

  /** The peer sends no more, but may still read. */
  peerEnded(): void {
    if (this.isClosed || this.#isEnding) return;
    if (this.session.onPeerEnded === undefined) this.end();
    else this.session.onPeerEnded();
  }

  /** The transport takes bytes again. */
  drained(): void {
    this.touch();
  }

  /** The transport is gone. */
  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#barriers = [];
    this.session.onClosed();
    this.#onClosed(this);
  }
}
