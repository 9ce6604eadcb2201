/**
 * A stream as a share group reads it (Kafka, KIP-932): consumers acquire records for a while, and say of each what is to become of it.
 *
 * It is the stream's group of that name: what is acquired is pending there, held by `troika.share.<member>`, so that Redis consumers of the
 * group share the work, and positions and deliveries are durable as theirs are. The locks are not: after a restart what members held
 * is given back (`giveBackLeft`). Not here: sessions and the wire (protocols/kafka/share/), what is not accepted (share-outcomes.ts).
 * Invariants: a record has one holder at a time; members hold `locksMax` at most; a record that a member holds has a lock.
 */
import { BrokerError } from "../../../base/errors.ts";
import type { Timer } from "../../../base/clock.ts";
import { type Job, Piece, type RunningJob } from "../../../base/turn-work.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { LogReader } from "../../../storage/index.ts";
import type { Queue } from "../../queue/queue.ts";
import type { GroupCursor } from "../group-cursor.ts";
import type { CursorOwner } from "../group-owners.ts";
import { passedMax } from "../retries.ts";
import { traceAcknowledged, traceGiven } from "../traced-group.ts";
import type { GroupShare } from "./group-share.ts";
import { type HoldsLock, RecordLocks } from "./record-locks.ts";
import { givenBack, isUsedUp, rejected, released, unitsOfOutcome } from "./share-outcomes.ts";
import { isShareOwner, shareOwnerName } from "./share-owner.ts";
import type { ShareSettings } from "./share-settings.ts";

const unitsOfLook = 0.1;
const id = new EntryId();

export const outcomes = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const;

/** Records of which a consumer says what is to become: one word for each offset, or one for all. */
export interface Acknowledged {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly acknowledgeTypes: readonly number[];
}

export interface AcquiredRange {
  readonly firstOffset: number;
  lastOffset: number;
  readonly deliveryCount: number;
}

/** Where the records go that are acquired. */
export interface RecordTaker {
  /** Takes the record that the reader is at; false where there is no room. Throws what reading throws. */
  take(record: LogReader): boolean;
}

export interface Wish {
  /** Up to the end of a stored batch it may be more, unless it `isStrict`. */
  readonly records: number;
  readonly isStrict: boolean;
}

export class SharePartition implements GroupShare {
  readonly cursor: GroupCursor;
  readonly #locks = new RecordLocks();
  /** Members that may acquire, by name. */
  readonly #members = new Map<string, CursorOwner>();
  /** Members whose session has ended, while what they held is being given back. */
  readonly #leaving = new Set<string>();
  #timer: Timer | null = null;
  #expiring: RunningJob | null = null;
  /** A member found all locks taken. */
  #isFull = false;
  #isClosed = false;

  constructor(cursor: GroupCursor) {
    this.cursor = cursor;
  }

  /** Null where no member has asked yet. */
  static find({ share }: GroupCursor): SharePartition | null {
    return share instanceof SharePartition ? share : null;
  }

  /** Of a stream's group. */
  static of(cursor: GroupCursor): SharePartition {
    const known = SharePartition.find(cursor);
    if (known !== null) return known;
    const made = new SharePartition(cursor);
    cursor.share = made;
    return made;
  }

  get #queue(): Queue {
    return this.cursor.log.owner as Queue;
  }

  get settings(): ShareSettings {
    return this.#queue.vhost.shareGroups.settingsOf(this.cursor.name);
  }

  /** Records that members of the group hold. */
  get held(): number {
    let held = 0;
    for (const owner of this.#members.values()) held += owner.pending;
    return held;
  }

  readonly #holds: HoldsLock = (offset, owner, notedAt) => {
    const { pending } = this.cursor;
    return pending.ownerOf(offset) === owner && pending.timeOf(offset) === notedAt;
  };

  /** The stream or the group is gone. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#expiring?.cancel();
  }

  /** The member's consumer, made where it is not there. */
  #owner(name: string): CursorOwner {
    const { cursor } = this;
    const owner = cursor.owners.get(name) ?? cursor.addOwner(name, this.#queue.vhost.broker.clock.now());
    this.#members.set(name, owner);
    return owner;
  }

  /**
   * Gives the member what is to be had. Returns what it was given, in the order of the offsets. An error in reading is thrown only where
   * nothing was given before.
   */
  acquire(memberId: string, { records, isStrict }: Wish, taker: RecordTaker): AcquiredRange[] {
    const { cursor } = this;
    const queue = this.#queue;
    const { clock } = queue.vhost.broker;
    const ranges: AcquiredRange[] = [];
    const name = shareOwnerName(memberId);
    // What an earlier session held goes first: it must not take this one's with it.
    if (this.#leaving.has(name)) return ranges;
    const owner = this.#owner(name);
    const times = { notedAt: clock.now(), since: clock.monotonic() };
    owner.seenAt = times.notedAt;
    const room = this.settings.locksMax - this.held;
    let count = 0;
    let last = -1;
    let passed = 0;
    try {
      while (count < room && passed < passedMax && cursor.peek()) {
        const { record } = cursor;
        const { offset } = record;
        // The group was set back behind what comes again: the next request goes on there.
        if (offset <= last) break;
        const isOfLastBatch = offset === last + 1 && offset > record.frameOffset;
        if (count >= records && (isStrict || !isOfLastBatch)) break;
        const { givenBefore } = cursor;
        if (givenBefore > 0 && isUsedUp(queue, cursor, givenBefore)) {
          cursor.settle(offset);
          passed++;
          continue;
        }
        if (!taker.take(record)) break;
        cursor.give(owner.id, times.notedAt);
        if (queue.trace !== null) traceGiven(queue, cursor, offset);
        this.#locks.add(offset, owner.id, times, this.#holds);
        addTo(ranges, offset, cursor.deliveryCount);
        last = offset;
        count++;
      }
    } catch (error) {
      if (count === 0 || !(error instanceof BrokerError)) throw error;
    }
    // Who waits looks again in the next turn.
    if (passed === passedMax) queue.appended();
    if (count >= room) this.#isFull = true;
    if (count > 0) {
      owner.activeAt = times.notedAt;
      this.#arm();
    }
    return ranges;
  }

  /**
   * Does with the member's records what it says, or nothing where that is not whole: `INVALID_REQUEST` for what is no list of outcomes,
   * `INVALID_RECORD_STATE` where it does not hold one of them.
   */
  acknowledge(
    memberId: string,
    batches: readonly Acknowledged[],
  ): "INVALID_REQUEST" | "INVALID_RECORD_STATE" | null {
    const owner = this.cursor.owners.get(shareOwnerName(memberId));
    const fault = this.#faultOf(owner, batches);
    if (fault !== null || owner === undefined) return fault;
    for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
      const isForAll = acknowledgeTypes.length === 1;
      for (let offset = firstOffset; offset <= lastOffset; offset++)
        this.#settleBy(owner, offset, acknowledgeTypes[isForAll ? 0 : offset - firstOffset]!);
    }
    this.#gotRoom();
    return null;
  }

  /** Costs no more than what the member holds. */
  #faultOf(
    owner: CursorOwner | undefined,
    batches: readonly Acknowledged[],
  ): "INVALID_REQUEST" | "INVALID_RECORD_STATE" | null {
    let end = 0;
    for (const { firstOffset, lastOffset, acknowledgeTypes } of batches) {
      if (firstOffset < end || lastOffset < firstOffset) return "INVALID_REQUEST";
      const { length } = acknowledgeTypes;
      if (length !== 1 && length !== lastOffset - firstOffset + 1) return "INVALID_REQUEST";
      if (acknowledgeTypes.some((type) => type < outcomes.gap || type > outcomes.renew))
        return "INVALID_REQUEST";
      if (!this.settings.renews && acknowledgeTypes.includes(outcomes.renew)) return "INVALID_REQUEST";
      end = lastOffset + 1;
    }
    const { pending } = this.cursor;
    for (const { firstOffset, lastOffset } of batches) {
      if (owner === undefined || lastOffset - firstOffset >= owner.pending) return "INVALID_RECORD_STATE";
      for (let offset = firstOffset; offset <= lastOffset; offset++)
        if (pending.ownerOf(offset) !== owner.id) return "INVALID_RECORD_STATE";
    }
    return null;
  }

  #settleBy(owner: CursorOwner, offset: number, outcome: number): void {
    const { cursor } = this;
    switch (outcome) {
      case outcomes.release:
        return released(this.#queue, cursor, offset);
      case outcomes.reject:
        return rejected(this.#queue, cursor, offset);
      case outcomes.renew:
        return this.#renew(owner, offset);
      default:
        // A gap is a place without a record for a consumer, such as a control record.
        if (this.#queue.trace !== null) traceAcknowledged(this.#queue, cursor, offset);
        cursor.settle(offset);
    }
  }

  /** The record's lock begins anew; that is no delivery. */
  #renew(owner: CursorOwner, offset: number): void {
    const { cursor } = this;
    const { clock } = this.#queue.vhost.broker;
    const times = { notedAt: clock.now(), since: clock.monotonic() };
    const { pending } = cursor;
    cursor.assign(offset, owner.id, pending.countOf(offset), times.notedAt, pending.readId(offset, id));
    this.#locks.add(offset, owner.id, times, this.#holds);
  }

  /** Members that found all locks taken look again. */
  #gotRoom(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#queue.appended();
  }

  // Giving back

  #arm(): void {
    if (this.#timer !== null || this.#expiring !== null || this.#isClosed || this.#locks.size === 0) return;
    const { clock, timers } = this.#queue.vhost.broker;
    const endsAt = this.#locks.oldestSince + this.settings.lockMs;
    this.#timer = timers.after(Math.max(Math.ceil(endsAt - clock.monotonic()), 1), () => {
      this.#timer = null;
      if (!this.#isClosed) this.#expire();
    });
  }

  /** Gives back what was held too long. */
  #expire(): void {
    const { broker } = this.#queue.vhost;
    let isOver = false;
    const run = broker.work.run(this.#expired(), () => {
      isOver = true;
      this.#expiring = null;
      this.#arm();
    });
    if (!isOver) this.#expiring = run;
    broker.ticker.request();
  }

  *#expired(): Job<void> {
    const { clock } = this.#queue.vhost.broker;
    const piece = new Piece();
    while (!this.#isClosed && this.#locks.oldestSince + this.settings.lockMs <= clock.monotonic()) {
      const offset = this.#locks.shift(this.#holds);
      if (offset >= 0) givenBack(this.#queue, this.cursor, offset);
      this.#gotRoom();
      const due = piece.add(offset >= 0 ? unitsOfOutcome : unitsOfLook);
      if (due > 0) yield due;
    }
  }

  /** The member's session is over: what it holds is given back. */
  leave(memberId: string): void {
    const name = shareOwnerName(memberId);
    const owner = this.#members.get(name);
    if (owner === undefined || this.#isClosed) return;
    this.#members.delete(name);
    this.#giveBack([owner], this.#locks.heldBy(owner.id, this.#holds));
  }

  /** The same for what members held before a restart, or in the group that this one is a copy of: nobody has locks on it. */
  giveBackLeft(): void {
    const left = [...this.cursor.owners.values()].filter(({ name }) => isShareOwner(name));
    this.#giveBack(left, null);
  }

  /** `offsets`: what these members hold; null: it is to be looked for. */
  #giveBack(owners: readonly CursorOwner[], offsets: readonly number[] | null): void {
    for (const { name } of owners) this.#leaving.add(name);
    const { work, ticker } = this.#queue.vhost.broker;
    const ids = new Set(owners.map((owner) => owner.id));
    work.run(offsets === null ? this.#givingBackAll(ids) : this.#givingBack(ids, offsets), () => {
      if (this.#isClosed) return;
      for (const owner of owners) {
        this.#leaving.delete(owner.name);
        if (owner.pending === 0 && this.cursor.ownerById(owner.id) === owner) this.cursor.removeOwner(owner);
      }
      this.#isFull = false;
      this.#queue.appended();
    });
    ticker.request();
  }

  *#givingBack(ids: ReadonlySet<number>, offsets: readonly number[]): Job<void> {
    const piece = new Piece();
    for (const offset of offsets) {
      if (this.#isClosed) return;
      if (ids.has(this.cursor.pending.ownerOf(offset))) givenBack(this.#queue, this.cursor, offset);
      const due = piece.add(unitsOfOutcome);
      if (due > 0) yield due;
    }
  }

  *#givingBackAll(ids: ReadonlySet<number>): Job<void> {
    const piece = new Piece();
    const { pending } = this.cursor;
    for (let offset = pending.next(0); offset >= 0 && !this.#isClosed; offset = pending.next(offset + 1)) {
      const isTheirs = ids.has(pending.ownerOf(offset));
      if (isTheirs) givenBack(this.#queue, this.cursor, offset);
      const due = piece.add(isTheirs ? unitsOfOutcome : unitsOfLook);
      if (due > 0) yield due;
    }
  }
}

function addTo(ranges: AcquiredRange[], offset: number, deliveryCount: number): void {
  const open = ranges.at(-1);
  if (open !== undefined && open.lastOffset === offset - 1 && open.deliveryCount === deliveryCount)
    open.lastOffset = offset;
  else ranges.push({ firstOffset: offset, lastOffset: offset, deliveryCount });
}
