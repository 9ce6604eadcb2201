/**
 * The cursor of a queue: competing consumers on one log. Each record is held by one consumer at a time until it is settled
 * (acknowledged) or requeued; requeued records go out again first, in offset order unless `keepReturnOrder` was asked for. With
 * priorities (`sortByPriority`), what waits goes out in the order of priority-order.ts. Records that have just come are not filed
 * there yet: they go out behind all that waits, as they came, to consumers that have room, and the queue files the rest.
 *
 * It decides who holds what; removing settled records from the log is the queue's business. A queue that keeps its history
 * also remembers here what was settled (`history`), since the log still has it. Not here: Redis's groups (groups/group-cursor.ts).
 * Durable: `next`, the delivery counts of records that were given back, which of these wait and until when, and the history; with
 * priorities, in which no offset says what was given out, each record that was given out. Who holds a record is not: after a restart it
 * is given out again, marked as redelivered.
 * Invariants: a record at or above `next` is held by nobody, but may wait since before the last start; `pending.size` counts held,
 * waiting and requeued records; a held record has an owner above 0.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import {
  type DurableState,
  type Log,
  LogReader,
  type StateHandle,
  type Storage,
} from "../../storage/index.ts";
import { change, CursorChanges } from "./cursor-changes.ts";
import { decodeQueuePosition, encodeNoted, encodeQueuePosition, encodeReturned } from "./cursor-form.ts";
import { EarlierDeliveries } from "./earlier-deliveries.ts";
import { HistoryMarks } from "../queue/history-marks.ts";
import { isWaitingOwner, noOwner, PendingTable, requeuedOwner } from "./pending-table.ts";
import { PriorityOrder } from "./priority-order.ts";
import { priorityOf } from "./record-view.ts";
import { RequeuedRecords } from "./requeued-records.ts";
import { WaitingRecords } from "./waiting-records.ts";

/** Holds a record for a moment only. */
const passingOwner = 1;
/** While changes are replayed, records that are gone from the log are forgotten each time that so many more are noted. */
const notedBeforeSweep = 4096;

export class QueueCursor implements DurableState {
  readonly log: Log;
  readonly pending = new PendingTable();
  readonly #requeued: RequeuedRecords;
  readonly #news: LogReader;
  readonly #again: LogReader;
  /** null: records have no priorities. */
  order: PriorityOrder | null = null;
  readonly #filed: LogReader;
  /** The record that `acquire` gave; valid until the next call or the end of the tick. */
  record: LogReader;
  /** How often the record that `acquire` gave has been given out, this time included. */
  deliveryCount = 0;
  readonly #earlier = new EarlierDeliveries();
  handle: StateHandle | null = null;
  /** What was settled and is still in the log; null unless the queue keeps its history. */
  history: HistoryMarks | null = null;
  readonly waiting = new WaitingRecords(this.pending);
  readonly #storage: Storage;
  readonly #changes = new CursorChanges();
  #savedNext = 0;
  #sweepAt = notedBeforeSweep;

  constructor(log: Log, storage: Storage) {
    this.log = log;
    this.#storage = storage;
    this.#requeued = new RequeuedRecords(log, this.pending);
    this.#news = new LogReader(log);
    this.#again = new LogReader(log);
    this.#filed = new LogReader(log);
    this.record = this.#news;
  }

  /** Requeued records go out in the order in which they were given back. Before anything was. */
  keepReturnOrder(): void {
    this.#requeued.keepOrder();
  }

  /** What waits goes out by priority, of which `max` is the highest. Before anything is there. */
  sortByPriority(max: number): void {
    this.order = new PriorityOrder(max, this.log, this.pending);
    this.#requeued.sortBy(this.order);
  }

  /** Offset of the first record never given out; with priorities, of the first that is not filed. */
  get next(): number {
    return this.#news.position;
  }

  /** How often a record that is in the queue has been given out; for those who only look. */
  deliveriesOf(offset: number): number {
    const { pending } = this;
    return pending.ownerOf(offset) === noOwner ? this.#earlier.countOf(offset) : pending.countOf(offset);
  }

  /** Records held by consumers. */
  get heldCount(): number {
    return this.pending.size - this.#requeued.count - this.waiting.count;
  }

  /** Whether a record that was given back comes next, whatever else will be given back. */
  get hasRequeued(): boolean {
    return this.order === null && this.#requeued.isReady;
  }

  /**
   * Files records that have come, `countMax` at most: they wait from now on. False where more may be left. `mustWait` says whether a
   * record cannot be read in this turn. Only with priorities.
   */
  fileNew(countMax: number, mustWait: (record: LogReader) => boolean): boolean {
    const news = this.#news;
    for (let left = countMax; left > 0; left--) {
      if (!this.#nextNew()) return true;
      const { offset } = news;
      // Until it is filed, it stays the one that comes next.
      news.seek(offset);
      if (mustWait(news)) return false;
      this.order!.file(offset, priorityOf(news));
      news.seek(offset + 1);
    }
    return false;
  }

  /** A record that is filed comes next, not one that was given back or has just come. */
  #isFiledNext(order: PriorityOrder): boolean {
    if (!order.isReady) return false;
    return !this.#requeued.isReady || order.isBefore(order.first, this.#requeued.first);
  }

  /** Leaves the filed record that comes next in `record`. Where it cannot be read, it stays the one that comes next. */
  #takeFiled(order: PriorityOrder): void {
    const offset = order.first;
    this.record = this.#filed;
    this.#filed.seek(offset);
    this.#filed.next();
    order.takeFirst();
    this.deliveryCount = this.#earlier.countNow(offset);
  }

  /** Stops `record` at the record that `acquire` would give, without giving it; false when there is none. */
  peek(): boolean {
    const { order } = this;
    if (order !== null && this.#isFiledNext(order)) {
      this.record = this.#filed;
      this.#filed.seek(order.first);
      return this.#filed.next();
    }
    if (this.#requeued.isReady) {
      this.record = this.#again;
      this.#again.seek(this.#requeued.first);
      return this.#again.next();
    }
    this.record = this.#news;
    if (!this.#nextNew()) return false;
    this.#news.seek(this.#news.offset);
    return true;
  }

  #nextNew(): boolean {
    const news = this.#news;
    while (news.next()) {
      if (this.history !== null && this.history.has(news.offset)) continue;
      if (news.offset >= this.waiting.waitedBelow || this.pending.ownerOf(news.offset) === noOwner)
        return true;
      if (this.order !== null) this.order.note(news.offset, priorityOf(news));
    }
    return false;
  }

  /** Gives the next record to `owner` (a number above 0) and leaves it in `record`; false when none is ready. */
  acquire(owner: number, now: number): boolean {
    if (this.order !== null) return this.#acquireByPriority(this.order, owner, now);
    if (this.#requeued.isReady) return this.#acquireAgain(owner, now);
    const news = this.#news;
    if (!this.#nextNew()) return false;
    this.record = news;
    this.deliveryCount = this.#earlier.countNow(news.offset);
    this.#hold(news.offset, owner, now);
    return true;
  }

  #hold(offset: number, owner: number, now: number): void {
    if (assertsAreOn) assertInvariant(this.pending.ownerOf(offset) === noOwner, "nobody holds a new record");
    this.pending.set(offset, owner, this.deliveryCount, now);
    this.#touch();
  }

  #acquireByPriority(order: PriorityOrder, owner: number, now: number): boolean {
    if (this.#isFiledNext(order)) this.#takeFiled(order);
    else {
      if (this.#requeued.isReady) return this.#acquireAgain(owner, now);
      const news = this.#news;
      if (!this.#nextNew()) return false;
      this.record = news;
      this.deliveryCount = this.#earlier.countNow(news.offset);
      order.note(news.offset, priorityOf(news));
    }
    const { offset } = this.record;
    // One that was given out before a restart is noted already.
    if (this.handle !== null && this.deliveryCount === 1) this.#changes.shown(offset);
    this.#hold(offset, owner, now);
    return true;
  }

  /** Where the record cannot be read, it stays the one that comes next. */
  #acquireAgain(owner: number, now: number): boolean {
    const offset = this.#requeued.first;
    this.record = this.#again;
    this.#again.seek(offset);
    this.#again.next();
    this.#requeued.take();
    this.deliveryCount = this.pending.countOf(offset) + 1;
    this.pending.set(offset, owner, this.deliveryCount, now);
    this.#touch();
    return true;
  }

  /**
   * Gives the next record to nobody (no-ack, a record that is dropped). The caller has done with it in this turn: `gone`, or
   * `giveBack` where it failed.
   */
  take(): boolean {
    const { order } = this;
    if (order !== null && this.#isFiledNext(order)) {
      this.#takeFiled(order);
      this.#touch();
      return true;
    }
    if (this.#requeued.isReady) {
      this.#acquireAgain(passingOwner, 0);
      this.pending.clear(this.record.offset);
      return true;
    }
    const news = this.#news;
    if (!this.#nextNew()) return false;
    this.record = news;
    this.deliveryCount = this.#earlier.countNow(news.offset);
    this.#touch();
    return true;
  }

  /** The record that `take` gave has left the queue. Only without a history. */
  tookLast(): void {
    // What was taken as it came was noted nowhere.
    if (this.order !== null && this.record !== this.#news) this.order.gone(this.record.offset);
  }

  /** What came of the record that was given or taken last has failed: it is the next to go out again. */
  giveBack(offset: number): void {
    if (this.pending.ownerOf(offset) === noOwner)
      this.pending.set(offset, passingOwner, this.deliveryCount, 0);
    // It was taken as it came, and is in the cursor's record still.
    if (this.order !== null && this.order.levelOf(offset) < 0)
      this.order.note(offset, priorityOf(this.record));
    this.requeue(offset);
  }

  /** The record is done with; says whether anybody held it. */
  settle(offset: number): boolean {
    const owner = this.pending.clear(offset);
    if (owner === noOwner) return false;
    if (owner === requeuedOwner) this.#requeued.count--;
    else if (isWaitingOwner(owner)) this.waiting.settled();
    if (this.order !== null) this.order.gone(offset);
    if (this.history !== null) this.#noteHistory(offset);
    if (assertsAreOn)
      assertInvariant(
        this.heldCount >= 0 && this.#requeued.count >= 0 && this.waiting.count >= 0,
        "what is pending is held, waits or is requeued",
      );
    return true;
  }

  /** The record is out of the queue, whoever holds it. */
  gone(offset: number): void {
    if (this.settle(offset)) return;
    if (this.order !== null) this.order.gone(offset);
    if (this.history !== null) this.#noteHistory(offset);
  }

  #noteHistory(offset: number): void {
    if (this.history!.add(offset) && this.handle !== null && this.#changes.settled(offset)) this.#touch();
  }

  /** From here on what is settled stays in the log; what is gone from it counts as settled. */
  keepHistory(): void {
    this.history = new HistoryMarks(this.log.removed);
    if (this.handle !== null) this.history.encode(this.#changes.begin(change.historyKept));
    this.#touch();
  }

  /** Nothing that was settled is in the log any more, and nothing stays there from here on. */
  dropHistory(): void {
    this.history = null;
    if (this.handle !== null) this.#changes.begin(change.historyDropped);
    this.#touch();
  }

  /** Settles whatever nobody holds (a purge of a queue that keeps its history). */
  settleReady(): void {
    this.forgetRequeued();
    const end = this.log.stableEnd;
    for (let offset = this.history!.first; offset < end; offset++) {
      if (this.pending.ownerOf(offset) === noOwner) this.#noteHistory(offset);
    }
  }

  /** The record is to be given out again, in its old place; its delivery count stays. */
  requeue(offset: number): void {
    const owner = this.pending.ownerOf(offset);
    if (owner === noOwner || owner === requeuedOwner) return;
    if (assertsAreOn) assertInvariant(!isWaitingOwner(owner), "what waits is not given back before its time");
    // It waited at the start, and has not been passed since.
    if (this.order !== null && this.order.levelOf(offset) < 0) this.#notePriority(offset, this.order);
    this.pending.set(offset, requeuedOwner, this.pending.countOf(offset), 0);
    this.#requeued.add(offset);
    this.#noteChange(offset);
  }

  /**
   * A held record waits until that wall time, in ms, and why is `owner`: to be given out again, or to be a dead letter. `endWait` is
   * called then.
   */
  wait(offset: number, at: number, owner: number): void {
    this.waiting.begin(offset, at, owner);
    this.#noteChange(offset);
  }

  /** The time has come: what becomes of the record is said next, in the same turn. Returns why it waited. */
  endWait(offset: number): number {
    return this.waiting.end(offset, passingOwner);
  }

  /** A record that is to be given out again stands before the one that `peek` stops at. Without priorities. */
  get isBehindWaiting(): boolean {
    const { waiting } = this;
    return waiting.count > 0 && this.peek() && waiting.isAnyBefore(this.record.offset);
  }

  #noteChange(offset: number): void {
    if (this.handle === null) return;
    encodeNoted(this.#changes.begin(change.noted), this.pending, offset);
    this.#touch();
  }

  #notePriority(offset: number, order: PriorityOrder): void {
    this.#again.seek(offset);
    if (this.#again.next() && this.#again.offset === offset) order.note(offset, priorityOf(this.#again));
  }

  /** Forgets what waits to be given out again: the ready records of the log are being purged. */
  forgetRequeued(): void {
    this.#requeued.forget();
  }

  #touch(): void {
    if (this.handle !== null) this.#storage.changed(this.handle);
  }

  // Durable forms

  /** What a restart must take for given out: more than `next` while that goes again over what was given before one. */
  get #givenBelow(): number {
    if (this.order !== null) return this.#earlier.below;
    return Math.max(this.next, this.#earlier.below);
  }

  #encodePosition(writer: ByteWriter): void {
    this.#savedNext = this.#givenBelow;
    encodeQueuePosition(writer, this.#savedNext);
  }

  #decodePosition(reader: ByteReader): void {
    this.#savedNext = decodeQueuePosition(reader);
    this.#news.seek(this.#savedNext);
  }

  #decodeNoted(reader: ByteReader): void {
    this.pending.set(reader.int64(), reader.int32(), reader.uint32(), reader.int64());
  }

  /** Given out once, unless it is noted that it was so more often. */
  #applyShown(from: number, to: number): void {
    const { pending, log } = this;
    for (let offset = from; offset < to; offset++) {
      if (pending.ownerOf(offset) === noOwner) pending.set(offset, requeuedOwner, 1, 0);
    }
    if (pending.size < this.#sweepAt) return;
    // Settled since: who acknowledges a record only removes it from the log.
    pending.visit(0, Infinity, (offset) => {
      if (log.removed.has(offset)) pending.clear(offset);
      return true;
    });
    this.#sweepAt = 2 * pending.size + notedBeforeSweep;
  }

  /** `change = { u8 kind, fields }`, in the order in which they happened; the position comes last. */
  encodeChange(writer: ByteWriter): void {
    this.#changes.moveTo(writer);
    if (this.#givenBelow === this.#savedNext) return;
    writer.uint8(change.position);
    this.#encodePosition(writer);
  }

  applyChange(reader: ByteReader): void {
    while (reader.remaining > 0) {
      switch (reader.uint8()) {
        case change.position:
          this.#decodePosition(reader);
          break;
        case change.settled:
          this.#applySettled(reader.int64(), reader.int64());
          break;
        case change.noted:
          this.#decodeNoted(reader);
          break;
        case change.shown:
          this.#applyShown(reader.int64(), reader.int64());
          break;
        case change.historyKept:
          this.history = new HistoryMarks();
          this.history.decode(reader);
          break;
        default:
          this.history = null;
      }
    }
  }

  #applySettled(from: number, to: number): void {
    for (let offset = from; offset < to; offset++) {
      this.pending.clear(offset);
      this.history?.add(offset);
    }
  }

  /** `full = position, u32 0, u32 noted, { noted }, [history]` */
  encodeFull(writer: ByteWriter): void {
    this.#changes.reset();
    this.#encodePosition(writer);
    writer.uint32(0);
    const countAt = writer.length;
    let noted = 0;
    writer.uint32(0);
    this.pending.visit(0, Infinity, (offset) => {
      const owner = this.pending.ownerOf(offset);
      if (owner === requeuedOwner || isWaitingOwner(owner)) encodeNoted(writer, this.pending, offset);
      else {
        // Who holds it is forgotten, and this delivery; not that it was given back before.
        const returns = this.pending.countOf(offset) - 1;
        if (returns === 0 && this.order === null) return true;
        encodeReturned(writer, offset, Math.max(returns, 1));
      }
      noted++;
      return true;
    });
    noted += this.#earlier.encode(writer, this.log);
    writer.patchUint32(countAt, noted);
    this.history?.encode(writer);
  }

  restoreFull(reader: ByteReader): void {
    this.pending.reset();
    this.#decodePosition(reader);
    reader.uint32();
    for (let left = reader.uint32(); left > 0; left--) this.#decodeNoted(reader);
    // Whatever the queue's policy says by now: a change of it may be behind this in the journal.
    this.history = reader.remaining > 0 ? new HistoryMarks() : null;
    this.history?.decode(reader);
  }

  /** After replay: whatever was held when the process ended is given out again, marked; what waited goes on waiting. */
  restored(): void {
    const { pending, log } = this;
    this.#earlier.restored(this.next, pending, log);
    this.waiting.restored(log);
    if (this.order !== null) this.order.notedBelow = this.waiting.waitedBelow;
    this.#news.seek(log.firstOffset);
  }
}
