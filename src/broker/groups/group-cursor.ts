/**
 * The cursor of a Redis consumer group: named consumers share the entries of one stream. Each entry is held by the consumer that
 * got it, until that acknowledges it or another one claims it; it is never given out again by itself.
 *
 * All of it is durable: who holds which entry, since when, how often given, and the group's position. Entries that are deleted
 * from the stream stay pending, by their ids. Not here: queues (cursor/queue-cursor.ts), what the numbers mean (progress.ts).
 * Who gives an entry looks at it first (`peek`), writes it, and then gives it: all that can fail, since it reads the disk, comes
 * before the first change.
 * Invariants: each pending entry has an owner, and an owner's `pending` is the number of its entries.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { EntryId } from "../../message/entry-id.ts";
import {
  type DurableState,
  type Log,
  LogReader,
  type StateHandle,
  type Storage,
} from "../../storage/index.ts";
import { change, CursorChanges } from "../cursor/cursor-changes.ts";
import { encodeNoted } from "../cursor/cursor-form.ts";
import { noOwner, PendingTable } from "../cursor/pending-table.ts";
import { type CursorOwner, GroupOwners } from "./group-owners.ts";
import { type GiveUpNote, GiveUpNotes } from "./give-up-notes.ts";
import type { AgainPart } from "./again-part.ts";
import type { GroupFeed } from "./group-feed.ts";
import { retryOwnerName } from "./retry-owner.ts";
import type { GroupShare } from "./share/group-share.ts";
import type { OldestPending } from "./oldest-pending.ts";
import type { RetryPolicy } from "../retry/retry-policy.ts";
import { entriesReadAt } from "./progress.ts";

/** The id that is read or restored. */
const scratchId = new EntryId();

export class GroupCursor implements DurableState {
  readonly log: Log;
  /** The group's. */
  readonly name: string;
  readonly pending = new PendingTable(true);
  readonly #news: LogReader;
  /** Redis's entries-read and last-delivered-id of the group. */
  entriesRead = 0;
  readonly lastId = new EntryId();
  /** Entries that were given up and come again; null before the first. */
  retries: AgainPart | null = null;
  /** Its records as members of a share group (Kafka) acquire them; null before the first has asked. */
  share: GroupShare | null = null;
  /** Consumers that are pushed to; null while there are none. */
  feed: GroupFeed | null = null;
  /** Of the entries that wait; null before the first. */
  notes: GiveUpNotes | null = null;
  /** What becomes of entries that are given up; null: as the stream's policy says. Kept with the group's definition. */
  retryPolicy: RetryPolicy | null = null;
  /** `record` is one that comes again. */
  #isAgain = false;
  readonly #owners = new GroupOwners();
  /** How often the entry that was given last has been given out, this time included. */
  deliveryCount = 0;
  /** Null before the first look for idle entries. */
  oldest: OldestPending | null = null;
  handle: StateHandle | null = null;
  readonly #storage: Storage;
  readonly #changes = new CursorChanges();
  #savedNext = 0;
  #isMetaChanged = false;

  constructor(log: Log, storage: Storage, name: string) {
    this.log = log;
    this.name = name;
    this.#storage = storage;
    this.#news = new LogReader(log);
  }

  /** The entry that `peek` stopped at; valid until the next call or the end of the tick. */
  get record(): LogReader {
    return this.#isAgain ? this.retries!.reader : this.#news;
  }

  /** Offset from which new entries are looked for. */
  get next(): number {
    return this.#news.position;
  }

  /** Entries that come again and are due, some of which may be gone, but not all; 0 where there is none to be had now. */
  countAgain(): number {
    return this.retries === null || !this.retries.peek() ? 0 : this.retries.readyCount;
  }

  /** Stops `record` at the entry that comes next, without giving it; false when there is none. */
  peek(): boolean {
    this.#isAgain = this.retries !== null && this.retries.peek();
    return this.#isAgain || this.peekNew();
  }

  /** How often the entry at which `peek` has just stopped was given before. */
  get givenBefore(): number {
    return this.#isAgain ? this.pending.countOf(this.record.offset) : 0;
  }

  /** The same as `peek` of those that were never given. */
  peekNew(): boolean {
    this.#isAgain = false;
    const news = this.#news;
    while (news.next()) {
      // A group may have been set to an id that no entry has reached yet.
      if (news.id.compare(this.lastId) <= 0) continue;
      news.seek(news.offset);
      return true;
    }
    return false;
  }

  /** Gives the entry at which `peek` has just stopped to `owner`. Where it throws it has not. */
  give(owner: number, now: number): void {
    if (this.#isAgain) return this.#giveAgain(owner, now);
    this.#pass();
    const { offset, id } = this.#news;
    // The group may have been set back behind an entry that waits to come again.
    if (this.retries !== null) this.retries.changes(offset);
    this.deliveryCount = 1;
    this.#give(offset, owner, 1, now, id);
    if (this.handle !== null && this.#changes.given(offset, owner, now, id)) this.#touch();
  }

  #giveAgain(owner: number, now: number): void {
    const { offset } = this.record;
    this.deliveryCount = this.pending.countOf(offset) + 1;
    this.assign(offset, owner, this.deliveryCount, now, this.pending.readId(offset, scratchId));
  }

  /** Notes who holds an entry now; it may have been another consumer's (the group was set back). */
  #give(offset: number, owner: number, count: number, time: number, id: EntryId): void {
    const before = this.pending.give(offset, owner, count, time, id);
    if (this.oldest !== null) this.oldest.note(time);
    if (this.notes !== null && this.notes.size > 0) this.#endNote(offset, owner);
    if (before !== noOwner) this.#tookFrom(before);
    const after = this.#owners.byId(owner);
    if (after !== undefined) after.pending++;
  }

  #endNote(offset: number, owner: number): void {
    // One that waits longer does so for the same reason.
    if (this.#owners.byId(owner)?.name !== retryOwnerName) this.notes!.clear(offset);
  }

  #tookFrom(owner: number): void {
    const before = this.#owners.byId(owner);
    if (before === undefined) return;
    before.pending--;
    if (assertsAreOn) assertInvariant(before.pending >= 0, "a consumer holds as many entries as are pending");
  }

  /** The group has got as far as `record`. */
  #pass(): void {
    const news = this.#news;
    // It may have to read the log's first entry, so it comes first.
    this.entriesRead = entriesReadAt(this.log, this.entriesRead, news.id);
    this.lastId.copyFrom(news.id);
    news.seek(news.offset + 1);
  }

  /** Takes the entry at which `peek` has just stopped as settled at once (NOACK). Where it throws it has not. */
  take(): void {
    if (this.#isAgain) {
      this.settle(this.record.offset);
      return;
    }
    this.#pass();
    this.#touch();
  }

  /** The entry is done with; says whether anybody held it. */
  settle(offset: number): boolean {
    if (this.retries !== null) this.retries.changes(offset);
    const owner = this.pending.clear(offset);
    if (owner === noOwner) return false;
    if (this.notes !== null) this.notes.clear(offset);
    this.#tookFrom(owner);
    if (this.handle !== null && this.#changes.settled(offset)) this.#touch();
    return true;
  }

  /** Notes a holder, count and time outright (XCLAIM), of an entry with that id. */
  assign(offset: number, owner: number, count: number, time: number, id: EntryId): void {
    if (this.retries !== null) this.retries.changes(offset);
    this.#give(offset, owner, count, time, id);
    this.#noteRecord(offset);
  }

  /** Notes why an entry waits, until it is settled or gets another holder. */
  noteGivenUp(offset: number, note: GiveUpNote): void {
    this.notes ??= new GiveUpNotes();
    this.notes.set(offset, note);
    if (this.handle === null) return;
    const { reason, consumer, deliveredAt } = note;
    const writer = this.#changes.begin(change.givenUp).int64(offset).int64(deliveredAt);
    writer.uint32(consumer.length).latin1(consumer).uint32(reason.length).latin1(reason);
    this.#touch();
  }

  /** Notes that an entry was shown again to the one that holds it (its history). */
  givenAgain(offset: number, time: number): void {
    this.deliveryCount = this.pending.countOf(offset) + 1;
    this.pending.set(offset, this.pending.ownerOf(offset), this.deliveryCount, time);
    if (this.oldest !== null) this.oldest.note(time);
    this.#noteRecord(offset);
  }

  /** Sets the group's last-delivered-id and entries-read outright (XGROUP CREATE, SETID); what is held stays held. */
  setGroupPosition(offset: number, lastId: EntryId, entriesRead: number): void {
    this.lastId.copyFrom(lastId);
    this.entriesRead = entriesRead;
    this.#news.seek(offset);
    this.#isMetaChanged = true;
    this.#touch();
  }

  get owners(): ReadonlyMap<string, CursorOwner> {
    return this.#owners.byName;
  }

  ownerById(id: number): CursorOwner | undefined {
    return this.#owners.byId(id);
  }

  /** Makes a named consumer. Says nothing when it exists: look in `owners` first. */
  addOwner(name: string, now: number): CursorOwner {
    const owner = this.#owners.make(name, now);
    if (this.handle === null) return owner;
    this.#changes.begin(change.ownerAdded).uint32(owner.id).int64(now).uint32(name.length).latin1(name);
    this.#touch();
    return owner;
  }

  /** Removes a named consumer and settles all that it held; returns how many that were. */
  removeOwner(owner: CursorOwner): number {
    const held: number[] = [];
    this.pending.visit(0, owner.pending > 0 ? Infinity : 0, (offset) => {
      if (this.pending.ownerOf(offset) === owner.id) held.push(offset);
      return held.length < owner.pending;
    });
    for (const offset of held) this.settle(offset);
    this.#owners.remove(owner.id);
    if (this.handle !== null) this.#changes.begin(change.ownerRemoved).uint32(owner.id);
    this.#touch();
    return held.length;
  }

  #touch(): void {
    if (this.handle !== null) this.#storage.changed(this.handle);
  }

  #noteRecord(offset: number): void {
    if (this.handle === null) return;
    this.#encodeNoted(this.#changes.begin(change.noted), offset);
    this.#touch();
  }

  // Durable forms

  #encodeNoted(writer: ByteWriter, offset: number): void {
    encodeNoted(writer, this.pending, offset);
    this.pending.readId(offset, scratchId).encode(writer);
  }

  #decodeNoted(reader: ByteReader): void {
    const offset = reader.int64();
    const owner = reader.int32();
    const count = reader.uint32();
    const time = reader.int64();
    this.#restoreGiven(offset, owner, count, time, scratchId.decode(reader));
  }

  #restoreGiven(offset: number, owner: number, count: number, time: number, id: EntryId): void {
    this.#give(offset, owner, count, time, id);
    const holder = this.#owners.byId(owner);
    if (holder === undefined) return;
    holder.seenAt = Math.max(holder.seenAt, time);
    holder.activeAt = Math.max(holder.activeAt, time);
  }

  #encodePosition(writer: ByteWriter): void {
    this.lastId.encode(writer.int64(this.next));
    writer.int64(this.entriesRead);
    this.#savedNext = this.next;
    this.#isMetaChanged = false;
  }

  #decodePosition(reader: ByteReader): void {
    this.#news.seek(reader.int64());
    this.lastId.decode(reader);
    this.entriesRead = reader.int64();
    this.#savedNext = this.next;
  }

  /** `change = { u8 kind, fields }`, in the order in which they happened; the position comes last. */
  encodeChange(writer: ByteWriter): void {
    this.#changes.moveTo(writer);
    if (this.next === this.#savedNext && !this.#isMetaChanged) return;
    writer.uint8(change.position);
    this.#encodePosition(writer);
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
          this.#owners.add(id, reader.latin1(reader.uint32()), now);
          break;
        }
        case change.givenUp: {
          const offset = reader.int64();
          const deliveredAt = reader.int64();
          const consumer = reader.latin1(reader.uint32());
          this.noteGivenUp(offset, { reason: reader.latin1(reader.uint32()), consumer, deliveredAt });
          break;
        }
        default:
          this.#owners.remove(reader.uint32());
      }
    }
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
      this.#tookFrom(this.pending.clear(offset));
      if (this.notes !== null) this.notes.clear(offset);
    }
  }

  /** `full = position, owners, u32 noted, { noted }, notes`, without the last where there are none. */
  encodeFull(writer: ByteWriter): void {
    this.#changes.reset();
    this.#encodePosition(writer);
    this.#owners.encode(writer);
    writer.uint32(this.pending.size);
    this.pending.visit(0, Infinity, (offset) => {
      this.#encodeNoted(writer, offset);
      return true;
    });
    if (this.notes !== null && this.notes.size > 0) this.notes.encode(writer);
    if (assertsAreOn) this.#assertCounted();
  }

  #assertCounted(): void {
    let held = 0;
    for (const { pending } of this.owners.values()) held += pending;
    assertInvariant(held === this.pending.size, "each pending entry is held by one consumer of the group");
  }

  restoreFull(reader: ByteReader): void {
    this.pending.reset();
    this.#decodePosition(reader);
    this.#owners.decode(reader);
    for (let left = reader.uint32(); left > 0; left--) this.#decodeNoted(reader);
    this.notes = null;
    if (reader.remaining > 0) (this.notes = new GiveUpNotes()).decode(reader);
  }
}
