/**
 * The memory that connections hold for unfinished work: incomplete input, input that waits for a commit, and output that the peer
 * has not read. One account for all protocols; each connection has a share in it.
 *
 * While the total is above half of the bound (a buffer that grows doubles), a connection that holds more than its fair part is not
 * read from when it grows. The broker still reads from one of these at a time, in the order in which they came (it has the turn),
 * because only a request that becomes complete releases its memory. A connection that has the turn and does not use it is refused:
 * its session tells the client in its protocol. A connection is also refused, at any time, if it holds more than `shareBytesMax`,
 * or more than half of the bound beside its largest unfinished part: one connection with thousands of incomplete requests must not
 * fill the memory.
 *
 * When the total passes half of the bound, all connections are asked to release buffers that they keep for later input.
 *
 * Not here: what is counted (each session tells its connection), what a refused client is told (its session). Invariants: `total`
 * is the sum of all open shares and of what is kept; at most one held-back share has the turn; a closed share holds nothing.
 * Bound: `total` is at most `bytesMax`, one share's `shareBytesMax`, and what each connection may hold without being held back:
 * its fair part and one chunk of input, for which its buffer may double.
 */
import { assertInvariant, assertsAreOn } from "./assert.ts";
import type { Timers } from "./clock.ts";
import { limits } from "./limits.ts";

/** A connection, as the account sees it. */
export interface BytesHolder {
  /** Bytes that have come and gone; what stands still for a while is stuck. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** The broker reads from it: only the peer can make it go on. */
  readonly isReading: boolean;
  /** The broker works on its request: the peer does not keep it from going on. */
  readonly isAtWork: boolean;
  /** The largest part of what it holds that the protocol cannot make smaller: one body, one request. */
  readonly largestBytes: number;
  pauseReading(): void;
  resumeReading(): void;
  /** The connection holds too much: it is told so and closed. */
  refuse(): void;
  /** Memory is short: releases empty buffers that are kept for later. */
  giveBack(): void;
}

/** One connection's share of the account. */
export class BytesShare {
  readonly #account: BytesInFlight;
  readonly holder: BytesHolder;
  /** What it holds now. */
  bytes = 0;
  /** Of these, unsent output. */
  outputBytes = 0;
  isOpen = true;
  /** Progress at the last check, and during how many checks there was none. */
  sentSeen = 0;
  stuckLooks = 0;

  constructor(account: BytesInFlight, holder: BytesHolder) {
    this.#account = account;
    this.holder = holder;
  }

  /** Sets how many bytes are held now, in all and of output. */
  set(bytes: number, outputBytes: number): void {
    this.outputBytes = outputBytes;
    if (bytes !== this.bytes && this.isOpen) this.#account.change(this, bytes);
  }

  /** It is not read from because of this account. */
  get isHeldBack(): boolean {
    return this.#account.isHeldBack(this);
  }

  /** The connection is gone. */
  close(): void {
    if (!this.isOpen) return;
    this.set(0, 0);
    this.isOpen = false;
  }
}

export interface BytesInFlightOptions {
  /** 0 is no bound. */
  readonly bytesMax: number;
  readonly timers: Timers;
}

/** Held-back connections go on below this share of where holding back begins. */
const resumeShare = 7 / 8;

export class BytesInFlight {
  readonly bytesMax: number;
  /** One connection may hold the largest message there is, whatever the bound. */
  readonly shareBytesMax: number;
  total = 0;
  #kept = 0;
  /** Connections that were refused. */
  refused = 0;
  readonly #timers: Timers;
  readonly #holding = new Set<BytesShare>();
  /** Held back, longest first. */
  readonly #heldBack = new Set<BytesShare>();
  #turn: BytesShare | null = null;
  #turnReceived = 0;
  /** What it held when it got the turn, and the most since. */
  #turnBytesBefore = 0;
  #turnBytesMost = 0;
  /** It has had the turn for less than a whole time between two looks. */
  #isTurnNew = false;
  #isLookAwaited = false;
  /** Empty buffers were asked for since there was room. */
  #isGivingBack = false;

  constructor({ bytesMax, timers }: BytesInFlightOptions) {
    this.bytesMax = bytesMax === 0 ? Infinity : Math.max(bytesMax, limits.inFlightBytesLeast);
    this.shareBytesMax = Math.max(this.bytesMax, limits.amqpMessageBytesMax + limits.inFlightBytesLeast);
    this.#timers = timers;
  }

  open(holder: BytesHolder): BytesShare {
    return new BytesShare(this, holder);
  }

  /** Kept (or given back, below zero) for many connections, none of which could give it back: members of groups. */
  keep(bytes: number): void {
    this.total += bytes;
    this.#kept += bytes;
    if (assertsAreOn) this.#assertSum();
    this.#becameOver();
    if (this.#hasRoom) this.#releaseAll();
  }

  /**
   * Unused buffers must not hold other connections back. Later, since the connection that has grown may be in the middle of
   * something.
   */
  #becameOver(): void {
    if (this.#isGivingBack || !this.isOver) return;
    this.#isGivingBack = true;
    this.#timers.atTickEnd(() => {
      for (const { holder } of this.#holding) holder.giveBack();
      this.#isGivingBack = this.isOver;
    });
  }

  #releaseAll(): void {
    this.#turn = null;
    for (const each of this.#heldBack) this.#release(each);
  }

  get isOver(): boolean {
    return this.total > this.bytesMax / 2;
  }

  get #hasRoom(): boolean {
    return this.total <= (this.bytesMax / 2) * resumeShare;
  }

  /** Connections that are not read from because of this account. */
  get heldBackCount(): number {
    return this.#heldBack.size;
  }

  /** For `BytesShare` alone. */
  isHeldBack(share: BytesShare): boolean {
    return this.#heldBack.has(share);
  }

  /** What a connection may hold without being held back while there is too much in all. */
  get fairBytes(): number {
    const fair = this.bytesMax / (2 * Math.max(this.#holding.size, 1));
    return Math.min(Math.max(fair, limits.fairShareBytesLeast), limits.fairShareBytesMost);
  }

  /** For `BytesShare` alone. */
  change(share: BytesShare, bytes: number): void {
    const hasGrown = bytes > share.bytes;
    this.total += bytes - share.bytes;
    share.bytes = bytes;
    if (bytes === 0) this.#holding.delete(share);
    else this.#holding.add(share);
    if (assertsAreOn) this.#assertSum();
    if (!hasGrown) return this.#shrunk(share);
    this.#becameOver();
    if (share === this.#turn) this.#turnBytesMost = Math.max(this.#turnBytesMost, bytes);
    if (bytes > this.bytesMax / 2 && this.#isTooMuch(share)) return this.#refuse(share);
    if (this.isOver && bytes > this.fairBytes && share !== this.#turn) this.#holdBack(share);
  }

  #assertSum(): void {
    let sum = this.#kept;
    for (const { bytes } of this.#holding) sum += bytes;
    assertInvariant(sum === this.total && this.#kept >= 0, "the account is the sum of its shares");
  }

  #isTooMuch({ bytes, holder }: BytesShare): boolean {
    return bytes > this.shareBytesMax || bytes - holder.largestBytes > this.bytesMax / 2;
  }

  #holdBack(share: BytesShare): void {
    if (this.#heldBack.has(share)) return;
    this.#heldBack.add(share);
    share.holder.pauseReading();
    if (this.#turn === null) this.#nextTurn();
  }

  #release(share: BytesShare): void {
    if (this.#heldBack.delete(share)) share.holder.resumeReading();
  }

  #nextTurn(): void {
    this.#turn = null;
    const [next] = this.#heldBack;
    if (next !== undefined) {
      this.#turn = next;
      this.#turnReceived = next.holder.bytesReceived;
      this.#isTurnNew = true;
      this.#turnBytesBefore = this.#turnBytesMost = next.bytes;
      this.#release(next);
    }
    this.#lookLater();
  }

  /** A request became whole, a peer took its output, or a connection is gone. */
  #shrunk(share: BytesShare): void {
    if (!this.isOver) this.#isGivingBack = false;
    if (this.#hasRoom) return this.#releaseAll();
    const isFair = share.bytes <= this.fairBytes;
    if (isFair) this.#release(share);
    // A part of a frame comes and goes: what became whole was most of it.
    if (share === this.#turn && (isFair || share.bytes < this.#turnBytesMost / 2)) this.#passTurn(share);
  }

  #passTurn(share: BytesShare): void {
    this.#nextTurn();
    if (share.bytes > this.fairBytes) this.#holdBack(share);
  }

  #lookLater(): void {
    if (this.#isLookAwaited) return;
    this.#isLookAwaited = true;
    this.#timers.after(limits.bytesLookMs, () => this.#lookAround());
  }

  /** Whether those who could make room do: looked at every `bytesLookMs` while the total is above the bound. */
  #lookAround(): void {
    this.#isLookAwaited = false;
    if (this.#hasRoom) return;
    this.#judgeTurn();
    this.#judgeOutputs();
    if (!this.#hasRoom) this.#lookLater();
  }

  #judgeTurn(): void {
    const share = this.#turn;
    if (share === null) return;
    if (this.#isTurnNew) {
      this.#isTurnNew = false;
      return;
    }
    const { holder } = share;
    const received = holder.bytesReceived - this.#turnReceived;
    this.#turnReceived = holder.bytesReceived;
    if (received >= limits.turnBytesLeast) {
      // It finishes one small thing after the other: others have their turn too.
      if (share.bytes <= this.#turnBytesBefore) this.#passTurn(share);
      return;
    }
    // Flow control keeps it from being read, its request is being worked on, or it has to take its output first: another
    // one may do better.
    const isHindered = !holder.isReading || holder.isAtWork || share.outputBytes > this.fairBytes;
    if (isHindered) this.#passTurn(share);
    else this.#refuse(share);
  }

  /** Of those that leave much output untaken for long, the largest is refused: one at a look. */
  #judgeOutputs(): void {
    const fair = this.fairBytes;
    let worst: BytesShare | null = null;
    for (const share of this.#holding) {
      const { bytesSent } = share.holder;
      const isStuck = share.outputBytes > fair && bytesSent === share.sentSeen;
      share.stuckLooks = isStuck ? share.stuckLooks + 1 : 0;
      share.sentSeen = bytesSent;
      if (share.stuckLooks < limits.outputStuckLooksMax) continue;
      if (worst === null || share.outputBytes > worst.outputBytes) worst = share;
    }
    if (worst !== null && this.isOver) this.#refuse(worst);
  }

  #refuse(share: BytesShare): void {
    this.refused++;
    this.#release(share);
    if (share === this.#turn) this.#nextTurn();
    share.holder.refuse();
  }
}
