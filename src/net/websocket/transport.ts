/**
 * A socket that speaks WebSocket, as one of the transports under a connection: what the connection sends leaves as
 * messages, what messages carry is what it receives. So holds, high water, bytes in flight and half-closing are the
 * connection's own (net/connection.ts), as over TCP.
 *
 *   open --peer's close or end--> the connection hears the end --its output has left--> our close, socket half-closed
 *   open --connection ends------> our close --peer's close or end--> socket half-closed
 *   open --fault of the peer----> the output leaves, our close with the code, socket half-closed
 *
 * Not here: frames (frames.ts), how a request becomes this (upgrade.ts).
 * Invariants: a frame that has begun is finished before another begins; of pings that wait for an answer only the latest
 * is answered (RFC 6455 5.5.3), so a peer that does not read makes nothing grow; nothing follows our close frame.
 */
import type { Timer, Timers } from "../../base/clock.ts";
import type { Address, Connection } from "../../base/connection.ts";
import { limits } from "../../base/limits.ts";
import type { WebSocketForm } from "../../protocols/contract.ts";
import type { Transport, TransportUser } from "../connection.ts";
import {
  closeCode,
  closeFrame,
  FrameReader,
  type FrameSink,
  pingFrame,
  pongFrame,
  serverHeaderBytesMax,
  WebSocketFault,
  writeHeader,
} from "./frames.ts";

/** Up to here header and payload go to the system in one write. */
const joinedBytesMax = 4096;
const scratch = Buffer.allocUnsafeSlow(serverHeaderBytesMax + joinedBytesMax);
const nothing = Buffer.alloc(0);

export class WebSocketTransport implements Transport, TransportUser, FrameSink {
  readonly local: Address;
  readonly remote: Address;
  readonly isEncrypted: boolean;
  readonly #under: Transport;
  readonly #timers: Timers;
  readonly #sends: WebSocketForm["sends"];
  readonly #reader: FrameReader;
  #user!: TransportUser & Pick<Connection, "end" | "destroy">;
  /** Bytes that leave before all else: the answer to the handshake, the rest of a header or of a control frame. */
  #first: Buffer;
  /** Payload of the frame that has begun and has still to be given. */
  #frameLeft = 0;
  /** The text message that has begun has a frame to come. */
  #isContinued = false;
  #pong: Buffer | null = null;
  #isPingDue = false;
  /** What our close frame says. */
  #closeCode: number = closeCode.normal;
  #closeReason = "";
  #closing: "open" | "due" | "sent" = "open";
  /** The peer has closed, ended or broken the protocol: our close is the last word. */
  #isPeerDone = false;
  #isUnderEnded = false;
  #isFailed = false;
  #isPaused = false;
  /** Something came since it was last looked at; and a ping waits for its answer since then. */
  #hasHeard = true;
  #isPingSent = false;
  #watch: Timer;

  peerCertificate(): Uint8Array | null {
    return this.#under.peerCertificate?.() ?? null;
  }

  constructor(under: Transport, form: WebSocketForm, timers: Timers, answer: Buffer) {
    this.#under = under;
    this.local = under.local;
    this.remote = under.remote;
    this.isEncrypted = under.isEncrypted ?? false;
    this.#timers = timers;
    this.#sends = form.sends;
    this.#first = answer;
    this.#reader = new FrameReader(this, {
      takesText: form.takesText,
      frameBytesMax: limits.webSocketFrameBytesMax,
    });
    this.#watch = this.#lookLater();
  }

  /** Begins, for the connection that stands on it. */
  start(user: TransportUser & Pick<Connection, "end" | "destroy">): void {
    this.#user = user;
    this.#flushControl();
  }

  // What the connection asks

  get unsentBytes(): number {
    return (this.#under.unsentBytes ?? 0) + this.#first.length;
  }

  write(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#flushControl()) {
      const isOpen = this.#frameLeft > 0;
      const taken = isOpen ? this.#continueFrame(bytes, at, end) : this.#beginFrame(bytes, at, end);
      if (taken === 0) break;
      at += taken;
    }
    // A frame that this ended may have had an answer wait behind it.
    if (at === end) this.#flushControl();
    return at - start;
  }

  #continueFrame(bytes: Buffer, start: number, end: number): number {
    const taken = this.#under.write(bytes, start, Math.min(end, start + this.#frameLeft));
    this.#frameLeft -= taken;
    return taken;
  }

  /** All that may leave now is one message; a text in several frames, since its characters must not be torn. */
  #beginFrame(bytes: Buffer, start: number, end: number): number {
    const size = Math.min(end - start, limits.webSocketSentFrameBytesMax);
    const isFinal = this.#sends === "binary" || size === end - start;
    const kind = this.#isContinued ? "continuation" : this.#sends;
    this.#isContinued = !isFinal;
    const payloadAt = writeHeader(scratch, 0, { kind, isFinal, size });
    this.#frameLeft = size;
    const joined = size <= joinedBytesMax ? size : 0;
    bytes.copy(scratch, payloadAt, start, start + joined);
    const taken = this.#under.write(scratch, 0, payloadAt + joined);
    if (taken < payloadAt) {
      this.#first = Buffer.from(scratch.subarray(taken, payloadAt));
      return 0;
    }
    this.#frameLeft -= taken - payloadAt;
    return joined === 0 ? this.#continueFrame(bytes, start, end) : taken - payloadAt;
  }

  /** Gives what stands before the next frame; false: the socket takes no more. */
  #flushControl(): boolean {
    for (;;) {
      if (this.#first.length > 0) {
        const taken = this.#under.write(this.#first, 0, this.#first.length);
        this.#first = taken === this.#first.length ? nothing : this.#first.subarray(taken);
        if (this.#first.length > 0) return false;
      }
      if (this.#frameLeft > 0) return true;
      const next = this.#nextControl();
      if (next === null) break;
      this.#first = next;
    }
    this.#endUnder();
    return true;
  }

  #nextControl(): Buffer | null {
    if (this.#closing === "sent") return null;
    if (this.#closing === "due") {
      this.#closing = "sent";
      return closeFrame(this.#closeCode, this.#closeReason);
    }
    const pong = this.#pong;
    this.#pong = null;
    if (pong !== null) return pong;
    const isPingDue = this.#isPingDue;
    this.#isPingDue = false;
    return isPingDue ? pingFrame : null;
  }

  #endUnder(): void {
    if (this.#closing !== "sent" || !this.#isPeerDone || this.#isUnderEnded) return;
    this.#isUnderEnded = true;
    this.#under.end();
  }

  pause(): void {
    this.#isPaused = true;
    this.#under.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#hasHeard = true;
    this.#under.resume();
  }

  goingAway(): void {
    if (this.#closeCode === closeCode.normal) this.#closeCode = closeCode.goingAway;
  }

  end(): void {
    if (this.#closing === "open") this.#closing = "due";
    this.#flushControl();
  }

  destroy(): void {
    this.#watch.cancel();
    this.#under.destroy();
  }

  // What the socket tells

  received(bytes: Buffer): void {
    this.#hasHeard = true;
    // Nothing may follow a close frame (RFC 6455 5.5.1); what follows a fault is thrown away, up to a bound.
    if (this.#isPeerDone) return this.#isFailed ? this.#user.received(bytes) : this.#user.destroy();
    try {
      this.#reader.push(bytes);
    } catch (error) {
      if (!(error instanceof WebSocketFault)) throw error;
      this.#fail(error);
    }
    this.#flushControl();
  }

  #fail({ code, message }: WebSocketFault): void {
    this.#isFailed = true;
    this.#isPeerDone = true;
    this.#closeCode = code;
    this.#closeReason = message;
    // What was answered before still leaves, also what waits for the disk.
    this.#user.end();
  }

  onPayload(bytes: Buffer): void {
    this.#user.received(bytes);
  }

  onPing(payload: Buffer): void {
    this.#pong = pongFrame(payload);
  }

  onClose(code: number): void {
    this.#isPeerDone = true;
    this.#closeCode = code;
    this.#user.peerEnded();
  }

  drained(): void {
    this.#flushControl();
    this.#user.drained();
  }

  /** The socket's other side has ended, with a close frame or without. */
  peerEnded(): void {
    if (!this.#isPeerDone) {
      this.#isPeerDone = true;
      this.#user.peerEnded();
    }
    this.#flushControl();
  }

  broke(): void {
    this.#user.destroy();
  }

  closed(): void {
    this.#watch.cancel();
    this.#user.closed();
  }

  /** A peer that is gone without a word is noticed by its silence: a ping, and the end if that is not answered either. */
  #lookLater(): Timer {
    return this.#timers.after(limits.webSocketSilenceMsMax, () => {
      // Who is not read from cannot be heard.
      const isSilent = !this.#hasHeard && !this.#isPaused;
      if (isSilent && this.#isPingSent) return this.#user.destroy();
      this.#isPingSent = this.#isPingDue = isSilent;
      this.#hasHeard = false;
      this.#watch = this.#lookLater();
      this.#flushControl();
    });
  }
}
