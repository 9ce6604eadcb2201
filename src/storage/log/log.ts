/**
 * One log: an append-only sequence of records with dense offsets and increasing entry ids, of which some are gone.
 *
 * It knows where its frames are and which offsets are gone; it does not know who reads it (cursors, broker) nor what
 * the records mean (message). Frames lie first in segments, then in the store (journal or volatile).
 * Records from `stableEnd` on belong to, or are behind, transactions that are open: readers stop there unless they ask
 * for more. A commit moves it; an abort removes its records first, so they are gone as deleted ones are.
 * Invariants: `first <= stableEnd <= nextOffset`; segments and indexed frames are in offset order without overlap; a frame whose
 * records are all below `first` is released.
 */
import { BrokerError } from "../../base/errors.ts";
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { EntryId } from "../../message/entry-id.ts";
import { FrameIndex } from "./frame-index.ts";
import type { LogHost, LogOwner } from "./log-host.ts";
import { type FrameLocation, type FrameStore, LogGroup } from "../journal/frame-store.ts";
import {
  entryIdOf,
  offsetForBytes,
  offsetOfEntryId,
  offsetOfTimestamp,
  timestampOfFirst,
} from "./log-lookup.ts";
import { OffsetSet } from "./offset-set.ts";
import { OpenTransactions } from "./open-transactions.ts";
import { assertCovered, type OffsetRange, type Replayed, uncovered } from "./replay-coverage.ts";
import type { Segment } from "../segment/segment.ts";
import type { DurableState, StateHandle } from "../state/state.ts";

/** In a change: which parts it has besides ranges of deleted records. */
const hasMeta = 1;
const hasTransactions = 2;

export class Log implements DurableState {
  readonly id: number;
  readonly store: FrameStore;
  readonly isDurable: boolean;
  /** The group of this log alone. */
  readonly group: LogGroup;
  readonly #host: LogHost;
  readonly removed = new OffsetSet();
  readonly index = new FrameIndex();
  /** Oldest first; all before the index's first frame. Changed by the cleaner only. */
  segments: Segment[] = [];
  /** The offset that the next record gets. */
  nextOffset = 0;
  /** The last stable offset: where readers stop; `nextOffset` while no transaction is open. */
  stableEnd = 0;
  /** null before the first. */
  #transactions: OpenTransactions | null = null;
  /** Position of the frame that was appended last in this process; -1 before the first. */
  lastPosition = -1;
  /** Entry id of the newest record, or what XSETID said. */
  readonly lastId = new EntryId();
  /** Highest entry id ever deleted one by one (XDEL), as Redis reports it. */
  readonly maxDeletedId = new EntryId();
  /** Redis's `entries-added` minus `stableEnd`: zero unless XSETID said otherwise. */
  entriesAddedShift = 0;
  /** Bytes of the frames that are still held. A segment counts completely until all of its records are deleted. */
  bytes = 0;
  /** Append time of the newest frame, ms. */
  lastTimestamp = 0;
  /** In the store's `dirtyLogs`: it has records that the broker has not looked at yet. */
  isDirty = false;
  isDeleted = false;
  /** Nobody asks for the entry ids of records that are gone: a frame that was consumed before it was written need not be written. */
  forgetsConsumed = false;
  owner: LogOwner | null = null;
  /** Of a durable log that is not deleted. */
  handle: StateHandle | null = null;
  #changedRanges: number[] = [];
  #isMetaChanged = false;

  constructor(id: number, store: FrameStore, isDurable: boolean, host: LogHost) {
    this.id = id;
    this.store = store;
    this.isDurable = isDurable;
    this.#host = host;
    this.group = new LogGroup([this]);
  }

  /** The lowest offset that is not gone; `nextOffset` when the log is empty. */
  get firstOffset(): number {
    return this.removed.first;
  }

  /** Stable records that are not gone. */
  get length(): number {
    const { stableEnd, removed } = this;
    if (stableEnd === this.nextOffset) return stableEnd - removed.first - removed.countAbove;
    return stableEnd - removed.first - removed.countIn(removed.first, stableEnd);
  }

  #endMoved(): void {
    this.stableEnd =
      this.#transactions === null ? this.nextOffset : this.#transactions.firstOr(this.nextOffset);
  }

  /** The store sealed a frame with records of this log. */
  appended(position: number, length: number, count: number, id: EntryId, timestamp: number): void {
    this.index.push(this.nextOffset, position, length, id, timestamp);
    this.lastPosition = position;
    this.nextOffset += count;
    this.#endMoved();
    this.lastId.copyFrom(id).add(count - 1);
    this.lastTimestamp = timestamp;
    this.bytes += length;
    if (assertsAreOn) this.#assertSound();
  }

  #assertSound(): void {
    assertInvariant(this.removed.first <= this.nextOffset, "no offset is gone that was not given");
    const isHeld = this.index.length > 0 || this.segments.length > 0;
    assertInvariant(isHeld ? this.bytes > 0 : this.bytes === 0, "a log counts the bytes that it holds");
  }

  /** The record goes on in another log: until its own frame is durable, nobody is told that it is safe. Before it is removed. */
  movesOn(offset: number): void {
    const slot = this.index.find(offset);
    if (slot >= 0) this.store.keepUntilDurable(this.index.slotPosition(slot));
  }

  /** Deletes one stable record; returns whether it was there. */
  remove(offset: number): boolean {
    return offset < this.stableEnd && this.#remove(offset);
  }

  #remove(offset: number): boolean {
    if (!this.removed.add(offset)) return false;
    if (this.isDurable) this.#noteRange(offset, offset + 1);
    if (offset < this.removed.first) this.#releaseFront();
    else if (!this.isDurable) this.#releaseFrameOf(offset);
    if (assertsAreOn) this.#assertSound();
    return true;
  }

  /**
   * Releases a frame's memory as soon as all of its records are deleted: one unsettled record at the front must not hold
   * everything behind it. (On disk the cleaner does this.)
   */
  #releaseFrameOf(offset: number): void {
    const { index, removed } = this;
    const slot = index.find(offset);
    const from = index.slotOffset(slot);
    const next = index.after(slot);
    const to = next < 0 ? this.nextOffset : index.slotOffset(next);
    // Records are mostly deleted in order, so the last one of a frame usually tells without checking the others.
    if (!removed.has(to - 1) || !removed.hasAll(from, to)) return;
    this.bytes -= index.slotLength(slot);
    this.store.release(index.slotPosition(slot));
    index.removeAt(slot);
  }

  /** Deletes all stable records below `offset` (trim, purge, retention). */
  removeBelow(offset: number): void {
    const to = Math.min(offset, this.stableEnd);
    const from = this.removed.first;
    if (to <= from) return;
    this.removed.addRange(from, to);
    if (this.isDurable) this.#noteRange(from, to);
    this.#releaseFront();
    if (assertsAreOn) this.#assertSound();
  }

  #noteRange(from: number, to: number): void {
    const ranges = this.#changedRanges;
    const last = ranges.length - 1;
    if (last > 0 && ranges[last] === from) ranges[last] = to;
    else ranges.push(from, to);
    this.#host.logChanged(this);
  }

  #releaseFront(): void {
    const first = this.removed.first;
    while (this.segments.length > 0 && this.segments[0]!.endOffset <= first) {
      const segment = this.segments.shift()!;
      this.bytes -= segment.bytes;
      this.#host.segmentUnneeded(segment);
    }
    const index = this.index;
    while (index.length > 0 && index.secondOffset(this.nextOffset) <= first) {
      this.bytes -= index.firstLength;
      this.store.release(index.firstPosition);
      index.shift();
    }
  }

  // Transactions

  /** A transaction whose first record will have that offset, or a higher one. `id` is a Kafka producer's. */
  openTransaction(id: number, first: number): void {
    if (assertsAreOn)
      assertInvariant(first >= this.nextOffset, "what a transaction hides was shown to nobody");
    this.#transactions ??= new OpenTransactions();
    this.#transactions.open(id, first);
    this.#transactionsChanged();
  }

  isTransactionOpen(id: number): boolean {
    return this.#transactions !== null && this.#transactions.has(id);
  }

  /** Records `[from, to)` belong to an open transaction. */
  addToTransaction(id: number, from: number, to: number): void {
    this.#transactions!.add(id, from, to);
    this.#transactionsChanged();
  }

  /** Its records can be read, once no earlier transaction is open. */
  commit(id: number): void {
    this.#end(id);
  }

  /** Its records are gone. While the last one cannot be read it stays open. */
  abort(id: number): void {
    this.store.seal();
    const lastId = this.#transactions?.lastIdOf(id, this) ?? null;
    const ranges = this.#end(id);
    const first = this.firstOffset;
    for (let i = 0; i < ranges.length; i += 2) {
      this.owner?.aborting(ranges[i]!, ranges[i + 1]!);
      for (let offset = ranges[i]!; offset < ranges[i + 1]!; offset++) this.#remove(offset);
    }
    if (lastId !== null && lastId.compare(this.maxDeletedId) > 0) this.maxDeletedId.copyFrom(lastId);
    if (lastId !== null) this.metaChanged();
    this.#transactions?.aborted(first, this.firstOffset);
  }

  /** A reader that starts here misses nothing: `firstOffset`, or an offset before it if only aborted records are between. */
  get readableFrom(): number {
    return this.#transactions?.readableFrom(this.firstOffset) ?? this.firstOffset;
  }

  #end(id: number): readonly number[] {
    if (!this.isTransactionOpen(id)) return [];
    this.store.seal();
    const ranges = this.#transactions!.end(id);
    this.#transactionsChanged();
    this.owner?.appended();
    return ranges;
  }

  #transactionsChanged(): void {
    this.#endMoved();
    if (this.isDurable) this.#host.logChanged(this);
  }

  /** Writes into `id` the entry id after which `XREAD $` begins: that of the newest stable record, deleted or not. */
  readStableId(id: EntryId): EntryId {
    id.copyFrom(this.lastId);
    const next = this.removed.nextPresent(this.stableEnd);
    if (next < this.nextOffset) id.copyFrom(this.entryIdOf(next)).decrement();
    return id;
  }

  /** For the cleaner: new segments hold the needed records of the `merged` ones and of the indexed frames below `endOffset`. */
  moved(merged: ReadonlySet<Segment>, made: readonly Segment[], endOffset: number): void {
    const kept: Segment[] = [];
    for (const segment of this.segments) {
      if (!merged.has(segment)) {
        kept.push(segment);
        continue;
      }
      this.bytes -= segment.bytes;
      this.#host.segmentUnneeded(segment);
    }
    for (const segment of made) {
      kept.push(segment);
      this.bytes += segment.bytes;
    }
    this.segments = kept;
    this.dropIndexBelow(endOffset);
    // Their records may have been consumed meanwhile.
    this.#releaseFront();
  }

  /** Releases everything: the log is deleted. The id is never used again. */
  drop(): void {
    this.isDeleted = true;
    for (const segment of this.segments) this.#host.segmentUnneeded(segment);
    this.segments = [];
    while (this.index.length > 0) {
      this.store.release(this.index.firstPosition);
      this.index.shift();
    }
    this.bytes = 0;
    this.#transactions = null;
    this.#endMoved();
    this.removed.addRange(0, this.nextOffset);
  }

  /** Sets what XSETID sets. The last id may only be raised above every entry; the caller checks. */
  setMeta(meta: { lastId: EntryId; maxDeletedId: EntryId; entriesAdded: number }): void {
    this.lastId.copyFrom(meta.lastId);
    this.maxDeletedId.copyFrom(meta.maxDeletedId);
    this.entriesAddedShift = meta.entriesAdded - this.stableEnd;
    this.metaChanged();
  }

  metaChanged(): void {
    this.#isMetaChanged = true;
    if (this.isDurable) this.#host.logChanged(this);
  }

  /** The first segment that ends above `offset`. */
  segmentAt(offset: number): Segment | undefined {
    const segments = this.segments;
    let low = 0;
    let high = segments.length;
    if (high === 0 || segments[high - 1]!.endOffset <= offset) return undefined;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (segments[middle]!.endOffset > offset) high = middle;
      else low = middle + 1;
    }
    return segments[low];
  }

  /** Puts the frame that holds `offset`, which must be at least `firstOffset`, into `location`. */
  locate(offset: number, location: FrameLocation): void {
    const segment = this.segmentAt(offset);
    if (segment !== undefined && offset >= segment.baseOffset) return segment.locate(offset, location);
    const slot = segment === undefined ? this.index.find(offset) : -1;
    if (slot < 0) {
      throw new BrokerError(
        "CORRUPT",
        `log ${this.id} has no frame for offset ${offset}; run troikamq check`,
      );
    }
    this.store.locate(this.index.slotPosition(slot), this.index.slotLength(slot), location);
  }

  /** The end of the segment or frame that holds `offset`: lets `check` go on behind a damaged place. */
  nextPlaceAfter(offset: number): number {
    const segment = this.segmentAt(offset);
    if (segment !== undefined) return segment.endOffset;
    const next = this.index.atOrAfter(offset + 1);
    return next < 0 ? this.nextOffset : this.index.slotOffset(next);
  }

  // Lookups: see `log-lookup.ts`.

  /** Lowest offset of a record that is there with an entry id at or above the given one; `stableEnd` when none. */
  offsetOfEntryId(id: EntryId): number {
    return offsetOfEntryId(this, id);
  }

  /** Lowest offset of a stable record that is there in a frame as new as `timestamp` (ms); -1 when none. */
  offsetOfTimestamp(timestamp: number): number {
    return offsetOfTimestamp(this, timestamp);
  }

  /** The entry id of a record that is there. */
  entryIdOf(offset: number): EntryId {
    return entryIdOf(this, offset);
  }

  /** Append time of the frame of the first record that is there, ms; -1 when the log is empty. */
  timestampOfFirst(): number {
    return timestampOfFirst(this);
  }

  /** Lowest offset such that the frames from it on hold at most `bytesMax`: `removeBelow` it to keep that much. */
  offsetForBytes(bytesMax: number): number {
    return offsetForBytes(this, bytesMax);
  }

  /**
   *     full = u64 next offset, u64 x2 last id, u64 x2 max deleted id, i64 entries added shift, removed set,
   *            u32 segments, { u64 base offset, u64 end offset }, [open transactions]
   */
  encodeFull(writer: ByteWriter): void {
    this.#changedRanges.length = 0;
    this.#isMetaChanged = false;
    writer.int64(this.nextOffset);
    this.#encodeMeta(writer);
    this.removed.encode(writer);
    writer.uint32(this.segments.length);
    for (const segment of this.segments) writer.int64(segment.baseOffset).int64(segment.endOffset);
    this.#transactions?.encodeFull(writer);
  }

  #encodeMeta(writer: ByteWriter): void {
    this.lastId.encode(writer);
    this.maxDeletedId.encode(writer);
    writer.int64(this.entriesAddedShift);
  }

  #decodeMeta(reader: ByteReader): void {
    this.lastId.decode(reader);
    this.maxDeletedId.decode(reader);
    this.entriesAddedShift = reader.int64();
  }

  /** Segments named by the last full form, for the cleaner to open after replay. */
  restoredSegments: OffsetRange[] = [];
  readonly #replay: Replayed = { gaps: [], end: 0 };

  restoreFull(reader: ByteReader): void {
    this.nextOffset = reader.int64();
    this.#decodeMeta(reader);
    this.removed.decode(reader);
    this.restoredSegments = [];
    for (let left = reader.uint32(); left > 0; left--) {
      this.restoredSegments.push({ baseOffset: reader.int64(), endOffset: reader.int64() });
    }
    this.#transactions = reader.remaining > 0 ? new OpenTransactions() : null;
    this.#transactions?.decodeFull(reader);
    this.#endMoved();
    const moved = this.restoredSegments.at(-1)?.endOffset ?? 0;
    this.dropIndexBelow(Math.max(moved, this.removed.first));
  }

  /** Removes indexed frames that end at or below `offset`: their records are in a segment now, or deleted. */
  dropIndexBelow(offset: number): void {
    const index = this.index;
    while (index.length > 0 && index.secondOffset(this.nextOffset) <= offset) {
      this.store.release(index.firstPosition);
      this.bytes -= index.firstLength;
      index.shift();
    }
  }

  /**
   * `change = u8 what it has, [meta], [u32 steps, { u8 step, i64 id, u64 from, u64 to }], { u64 from, u64 to }` until the end of
   * the frame.
   */
  encodeChange(writer: ByteWriter): void {
    const steps = this.#transactions !== null && this.#transactions.hasSteps ? this.#transactions : null;
    if (!this.#isMetaChanged && this.#changedRanges.length === 0 && steps === null) return;
    writer.uint8((this.#isMetaChanged ? hasMeta : 0) | (steps !== null ? hasTransactions : 0));
    if (this.#isMetaChanged) this.#encodeMeta(writer);
    steps?.encodeSteps(writer);
    for (const bound of this.#changedRanges) writer.int64(bound);
    this.#changedRanges.length = 0;
    this.#isMetaChanged = false;
  }

  applyChange(reader: ByteReader): void {
    const has = reader.uint8();
    if ((has & hasMeta) !== 0) this.#decodeMeta(reader);
    if ((has & hasTransactions) !== 0) {
      (this.#transactions ??= new OpenTransactions()).applySteps(reader);
    }
    while (reader.remaining > 0) {
      const from = reader.int64();
      const to = reader.int64();
      this.removed.addRange(from, to);
      // Of records that were consumed before they were written, only this is left.
      if (to > this.nextOffset) this.nextOffset = to;
    }
    this.#endMoved();
    this.#releaseFront();
  }

  /** Replay read a frame of this log. Deleted frames, and frames in a segment, are not indexed. */
  replayed(
    firstOffset: number,
    position: number,
    length: number,
    count: number,
    id: EntryId,
    timestamp: number,
  ): boolean {
    const end = firstOffset + count;
    if (end > this.nextOffset) {
      this.nextOffset = end;
      this.#endMoved();
      this.lastId.copyFrom(id).add(count - 1);
    }
    this.lastTimestamp = timestamp;
    const moved = this.restoredSegments.at(-1)?.endOffset ?? 0;
    if (end <= this.removed.first || end <= moved) return false;
    const replay = this.#replay;
    if (this.index.length > 0 && firstOffset > replay.end) replay.gaps.push(replay.end, firstOffset);
    replay.end = end;
    this.index.push(firstOffset, position, length, id, timestamp);
    this.bytes += length;
    return true;
  }

  /** After replay: throws CORRUPT unless every record that should be there has a place. */
  assertCovered(): void {
    assertCovered(this, this.#replay);
    this.#replay.gaps = [];
  }

  /** After replay: the ranges of offsets, in pairs, that should be in `segments` or indexed, and are not. */
  uncovered(segments: readonly OffsetRange[]): number[] {
    return uncovered(this, segments, this.#replay);
  }

  /** For a repair: lost offsets count as deleted, and no record gets an offset that was noted as deleted before the record came. */
  lose(from: number, to: number): void {
    this.removed.addRange(from, to);
    this.nextOffset = Math.max(this.nextOffset, this.removed.end);
    this.#endMoved();
  }
}
