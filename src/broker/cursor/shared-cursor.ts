/**
 * The shared cursor: competing consumers on one log. Each record is held by one consumer at a time until it is settled
 * (acknowledged) or requeued; requeued records go out again first, in offset order unless `keepReturnOrder` was asked for.
 *
 * An AMQP queue has one; every Redis consumer group is one. It decides who holds what; removing settled records from
 * the log is the queue's business. Invariants: a record at or above `next` was never given out (or the cursor was set
 * back); `pending.size` counts held and requeued records; a held record has an owner above 0.
 *
 * A queue that keeps its history also remembers here what was settled (`history`), since the log still has it.
 *
 * Durable when it `tracksOwners` (a Redis group's pending entries survive a restart). Otherwise only `next` and the
 * delivery counts of records that were given back do, and whatever was held is given out again, marked as redelivered.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { EntryId } from "../../message/entry-id.ts";
import {
  type DurableState,
  type Log,
  LogReader,
  type StateHandle,
  type Storage,
} from "../../storage/index.ts";
import { change, CursorChanges } from "./cursor-changes.ts";
import { HistoryMarks } from "../queue/history-marks.ts";
import { entriesReadAt } from "../groups/progress.ts";
import { noOwner, PendingTable, requeuedOwner } from "./pending-table.ts";
import { RequeuedRecords } from "./requeued-records.ts";

/** The id that is read or restored. */
const scratchId = new EntryId();

/** A named consumer of a group that tracks owners (Redis). */
export interface CursorOwner {
  readonly id: number;
  readonly name: string;
  /** When it last asked, and when it last got something, ms. */
  seenAt: number;
  activeAt: number;
  pending: number;
}

export class SharedCursor implements DurableState {
  readonly log: Log;
  readonly tracksOwners: boolean;
  readonly pending: PendingTable;
  readonly #requeued: RequeuedRecords;
  readonly #news: LogReader;
  readonly #again: LogReader;
  /** The record that `acquire` gave; valid until the next call or the end of the tick. */
  record: LogReader;
  /** How often the record that `acquire` gave has been given out, this time included. */
  deliveryCount = 0;
  /** Records below were given out before a restart: they may have been seen. */
  redeliveredBelow = 0;
  /** Redis: entries-read and last-delivered-id of the group. */
  entriesRead = 0;
  readonly lastId = new EntryId();
  readonly owners = new Map<string, CursorOwner>();
  readonly #ownersById = new Map<number, CursorOwner>();
  #nextOwnerId = 1;
  handle: StateHandle | null = null;
  /** What was settled and is still in the log; null unless the queue keeps its history. */
  history: HistoryMarks | null = null;
  readonly #storage: Storage;
  readonly #changes = new CursorChanges();
  #savedNext = 0;
  #isMetaChanged = false;

  constructor(log: Log, storage: Storage, tracksOwners: boolean) {
    this.log = log;
    this.#storage = storage;
    this.tracksOwners = tracksOwners;
    this.pending = new PendingTable(tracksOwners);
    this.#requeued = new RequeuedRecords(log, this.pending);
    this.#news = new LogReader(log);
    this.#again = new LogReader(log);
    this.record = this.#news;
  }

  /** Requeued records go out in the order in which they were given back. Before anything was. */
  keepReturnOrder(): void {
    this.#requeued.keepOrder();
  }

  /** Offset of the first record never given out. */
  get next(): number {
    return this.#news.position;
  }

  /** Records held by somebody. */
  get heldCount(): number {
    return this.pending.size - this.#requeued.count;
  }

  /** Whether `acquire` would find something. Looks past records that are gone. */
  get hasReady(): boolean {
    if (this.#requeued.isReady) return true;
    return this.#news.position < this.log.nextOffset && this.peek();
  }

  /** Whether a record that was given back comes next. */
  get hasRequeued(): boolean {
    return this.#requeued.isReady;
  }

  /** Stops `record` at the record that `acquire` would give, without giving it; false when there is none. */
  peek(): boolean {
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
      if (!this.tracksOwners) {
        if (this.history === null || !this.history.has(news.offset)) return true;
        continue;
      }
      // A group may have been set to an id that no entry has reached yet.
      if (news.id.compare(this.lastId) > 0) return true;
    }
    return false;
  }

  /** Gives the next record to `owner` (a number above 0) and leaves it in `record`; false when none is ready. */
  acquire(owner: number, now: number): boolean {
    if (this.#requeued.isReady) return this.#acquireAgain(owner, now);
    const news = this.#news;
    if (!this.#nextNew()) return false;
    this.record = news;
    const offset = news.offset;
    if (this.tracksOwners) {
      const { id } = news;
      this.deliveryCount = 1;
      this.#give(offset, owner, 1, now, id);
      this.#passed(id);
      if (this.handle !== null && this.#changes.given(offset, owner, now, id)) this.#touch();
      return true;
    }
    this.deliveryCount = this.#countOfNew(offset);
    this.pending.set(offset, owner, this.deliveryCount, now);
    this.#touch();
    return true;
  }

  /** Notes who holds a record of a group now; it may have been another consumer's (the group was set back). */
  #give(offset: number, owner: number, count: number, time: number, id: EntryId): void {
    const before = this.#ownersById.get(this.pending.ownerOf(offset));
    if (before !== undefined) before.pending--;
    const after = this.#ownersById.get(owner);
    if (after !== undefined) after.pending++;
    this.pending.set(offset, owner, count, time);
    this.pending.setId(offset, id);
  }

  /** The group has got as far as the record with that id. */
  #passed(id: EntryId): void {
    this.entriesRead = entriesReadAt(this.log, this.entriesRead, id);
    this.lastId.copyFrom(id);
  }

  #acquireAgain(owner: number, now: number): boolean {
    const offset = this.#requeued.take();
    this.record = this.#again;
    this.#again.seek(offset);
    this.#again.next();
    this.deliveryCount = this.pending.countOf(offset) + 1;
    this.pending.set(offset, owner, this.deliveryCount, now);
    this.#touch();
    return true;
  }

  /** Gives the next record and takes it as settled at once (AMQP no-ack, Redis NOACK). */
  take(): boolean {
    if (this.#requeued.isReady) {
      this.#acquireAgain(1, 0);
      this.pending.clear(this.record.offset);
      if (this.history !== null) this.#noteHistory(this.record.offset);
      return true;
    }
    const news = this.#news;
    if (!this.#nextNew()) return false;
    this.record = news;
    if (this.tracksOwners) this.#passed(news.id);
    else this.deliveryCount = this.#countOfNew(news.offset);
    if (this.history !== null) this.#noteHistory(news.offset);
    this.#touch();
    return true;
  }

  /** The record is done with; says whether anybody held it. */
  settle(offset: number): boolean {
    const owner = this.pending.clear(offset);
    if (owner === noOwner) return false;
    if (owner === requeuedOwner) this.#requeued.count--;
    if (this.tracksOwners) {
      const known = this.#ownersById.get(owner);
      if (known !== undefined) known.pending--;
      this.#noteSettled(offset);
    } else if (this.history !== null) this.#noteHistory(offset);
    return true;
  }

  #noteHistory(offset: number): void {
    if (this.history!.add(offset)) this.#noteSettled(offset);
  }

  /** Settles whatever nobody holds (a purge of a queue that keeps its history). */
  settleReady(): void {
    this.forgetRequeued();
    const end = this.log.nextOffset;
    for (let offset = this.history!.first; offset < end; offset++) {
      if (this.pending.ownerOf(offset) === noOwner) this.#noteHistory(offset);
    }
  }

  /** The record is to be given out again, in its old place; its delivery count stays. */
  requeue(offset: number): void {
    const owner = this.pending.ownerOf(offset);
    if (owner === noOwner || owner === requeuedOwner) return;
    const count = this.pending.countOf(offset);
    this.pending.set(offset, requeuedOwner, count, 0);
    this.#requeued.add(offset);
    this.#noteRecord(offset);
  }

  /** Notes a holder, count and time outright (XCLAIM), of a record with that entry id. */
  assign(offset: number, owner: number, count: number, time: number, id: EntryId): void {
    this.#give(offset, owner, count, time, id);
    this.#noteRecord(offset);
  }

  /** Notes that a record was shown again to the one that holds it (Redis: its history). */
  givenAgain(offset: number, time: number): void {
    this.deliveryCount = this.pending.countOf(offset) + 1;
    this.pending.set(offset, this.pending.ownerOf(offset), this.deliveryCount, time);
    this.#noteRecord(offset);
  }

  /** Moves to the first record at or after `offset`; what is held stays held. */
  setNext(offset: number): void {
    this.#news.seek(offset);
    this.#isMetaChanged = true;
    this.#touch();
  }

  /** Sets the group's last-delivered-id and entries-read outright (XGROUP CREATE, SETID). */
  setGroupPosition(offset: number, lastId: EntryId, entriesRead: number): void {
    this.lastId.copyFrom(lastId);
    this.entriesRead = entriesRead;
    this.setNext(offset);
  }

  ownerById(id: number): CursorOwner | undefined {
    return this.#ownersById.get(id);
  }

  /** Makes a named consumer. Says nothing when it exists: look in `owners` first. */
  addOwner(name: string, now: number): CursorOwner {
    const id = this.#nextOwnerId++;
    this.#addOwner(id, name, now);
    this.#changes.begin(change.ownerAdded).uint32(id).int64(now).uint32(name.length).latin1(name);
    this.#touch();
    return this.owners.get(name)!;
  }

  #addOwner(id: number, name: string, now: number): void {
    const owner: CursorOwner = { id, name, seenAt: now, activeAt: -1, pending: 0 };
    this.owners.set(name, owner);
    this.#ownersById.set(id, owner);
    this.#nextOwnerId = Math.max(this.#nextOwnerId, id + 1);
  }

  /** Removes a named consumer and settles all that it held; returns how many that were. */
  removeOwner(owner: CursorOwner): number {
    const held: number[] = [];
    this.pending.visit(0, Infinity, (offset) => {
      if (this.pending.ownerOf(offset) === owner.id) held.push(offset);
      return true;
    });
    for (const offset of held) this.settle(offset);
    this.#dropOwner(owner.id);
    this.#changes.begin(change.ownerRemoved).uint32(owner.id);
    this.#touch();
    return held.length;
  }

  #dropOwner(id: number): void {
    const owner = this.#ownersById.get(id);
    if (owner === undefined) return;
    this.#ownersById.delete(id);
    this.owners.delete(owner.name);
  }

  #touch(): void {
    if (this.handle !== null) this.#storage.changed(this.handle);
  }

  #noteSettled(offset: number): void {
    if (this.handle !== null && this.#changes.settled(offset)) this.#touch();
  }

  #noteRecord(offset: number): void {
    if (this.handle === null) return;
    this.#encodeNoted(this.#changes.begin(change.noted), offset);
    this.#touch();
  }

  /** `noted = offset, owner, count, time`, and the entry id where owners are tracked. */
  #encodeNoted(writer: ByteWriter, offset: number): void {
    const { pending } = this;
    writer.int64(offset).int32(pending.ownerOf(offset)).uint32(pending.countOf(offset));
    writer.int64(pending.timeOf(offset));
    if (this.tracksOwners) pending.readId(offset, scratchId).encode(writer);
  }

  /** `noted` of a record that nobody holds. */
  #encodeReturned(writer: ByteWriter, offset: number, count: number): void {
    writer.int64(offset).int32(requeuedOwner).uint32(count).int64(0);
  }

  #decodeNoted(reader: ByteReader): void {
    const offset = reader.int64();
    const owner = reader.int32();
    const count = reader.uint32();
    const time = reader.int64();
    if (this.tracksOwners) this.#restoreGiven(offset, owner, count, time, scratchId.decode(reader));
    else this.pending.set(offset, owner, count, time);
  }

  #restoreGiven(offset: number, owner: number, count: number, time: number, id: EntryId): void {
    this.#give(offset, owner, count, time, id);
    const holder = this.#ownersById.get(owner);
    if (holder === undefined) return;
    holder.seenAt = Math.max(holder.seenAt, time);
    holder.activeAt = Math.max(holder.activeAt, time);
  }

  /** What a restart must take for given out: more than `next` while that goes again over what was given before one. */
  get #givenBelow(): number {
    return Math.max(this.next, this.redeliveredBelow);
  }

  #encodePosition(writer: ByteWriter): void {
    writer.int64(this.#givenBelow);
    this.lastId.encode(writer);
    writer.int64(this.entriesRead);
    this.#savedNext = this.#givenBelow;
    this.#isMetaChanged = false;
  }

  /** `change = { u8 kind, fields }`, in the order in which they happened; the position comes last. */
  encodeChange(writer: ByteWriter): void {
    this.#changes.moveTo(writer);
    if (this.#givenBelow !== this.#savedNext || this.#isMetaChanged) {
      writer.uint8(change.position);
      this.#encodePosition(writer);
    }
  }

  applyChange(reader: ByteReader): void {
    while (reader.remaining > 0) {
      switch (reader.uint8()) {
        case change.position:
          this.#decodePosition(reader);
          break;
        case change.given:
          this.#applyGiven(reader);
          break;
        case change.settled:
          this.#applySettled(reader.int64(), reader.int64());
          break;
        case change.noted:
          this.#decodeNoted(reader);
          break;
        case change.ownerAdded: {
          const id = reader.uint32();
          const now = reader.int64();
          this.#addOwner(id, reader.latin1(reader.uint32()), now);
          break;
        }
        default:
          this.#dropOwner(reader.uint32());
      }
    }
  }

  #decodePosition(reader: ByteReader): void {
    this.#news.seek(reader.int64());
    this.lastId.decode(reader);
    this.entriesRead = reader.int64();
    this.#savedNext = this.next;
  }

  #applyGiven(reader: ByteReader): void {
    const from = reader.int64();
    const to = reader.int64();
    const owner = reader.uint32();
    const time = reader.int64();
    const id = scratchId.decode(reader);
    for (let offset = from; offset < to; offset++) {
      this.#restoreGiven(offset, owner, 1, time, id);
      id.add(1);
    }
  }

  #applySettled(from: number, to: number): void {
    for (let offset = from; offset < to; offset++) {
      const owner = this.#ownersById.get(this.pending.clear(offset));
      if (owner !== undefined) owner.pending--;
      this.history?.add(offset);
    }
  }

  /** `full = position, u32 owners, { u32 id, i64 seen at, i64 active at, u32 size, name }, u32 noted, { noted }` */
  encodeFull(writer: ByteWriter): void {
    this.#changes.reset();
    this.#encodePosition(writer);
    writer.uint32(this.owners.size);
    for (const owner of this.owners.values()) {
      writer.uint32(owner.id).int64(owner.seenAt).int64(owner.activeAt);
      writer.uint32(owner.name.length).latin1(owner.name);
    }
    const countAt = writer.length;
    let noted = 0;
    writer.uint32(0);
    this.pending.visit(0, Infinity, (offset) => {
      const owner = this.pending.ownerOf(offset);
      if (this.tracksOwners || owner === requeuedOwner) this.#encodeNoted(writer, offset);
      else {
        // Who holds it is forgotten, and this delivery; not that it was given back before.
        const returns = this.pending.countOf(offset) - 1;
        if (returns === 0) return true;
        this.#encodeReturned(writer, offset, returns);
      }
      noted++;
      return true;
    });
    for (const [offset, count] of this.#countsBefore) {
      if (offset < this.next || this.log.removed.has(offset)) continue;
      this.#encodeReturned(writer, offset, count);
      noted++;
    }
    writer.patchUint32(countAt, noted);
    this.history?.encode(writer);
  }

  restoreFull(reader: ByteReader): void {
    this.owners.clear();
    this.#ownersById.clear();
    this.pending.reset();
    this.#decodePosition(reader);
    for (let left = reader.uint32(); left > 0; left--) {
      const id = reader.uint32();
      const seenAt = reader.int64();
      const activeAt = reader.int64();
      const name = reader.latin1(reader.uint32());
      this.#addOwner(id, name, seenAt);
      this.owners.get(name)!.activeAt = activeAt;
    }
    for (let left = reader.uint32(); left > 0; left--) {
      this.#decodeNoted(reader);
    }
    this.history?.decode(reader);
  }

  /** After replay: a cursor without owners gives out again, marked, whatever was held when the process ended. */
  restored(): void {
    if (this.tracksOwners) return;
    this.redeliveredBelow = this.next;
    this.#countsBefore = new Map();
    this.pending.visit(0, Infinity, (offset) => {
      if (!this.log.removed.has(offset)) this.#countsBefore.set(offset, this.pending.countOf(offset));
      return true;
    });
    this.pending.reset();
    this.#news.seek(this.log.firstOffset);
  }

  /** Forgets what waits to be given out again: the ready records of the log are being purged. */
  forgetRequeued(): void {
    this.#requeued.forget();
  }

  /** Delivery counts of records that were given out before a restart. */
  #countsBefore = new Map<number, number>();

  #countOfNew(offset: number): number {
    if (offset >= this.redeliveredBelow) return 1;
    return (this.#countsBefore.get(offset) ?? 1) + 1;
  }
}
