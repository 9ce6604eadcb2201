/**
 * One log: an append-only sequence of records with dense offsets and increasing entry ids, of which some are gone.
 *
 * It knows where its frames are and which offsets are gone; it does not know who reads it (cursors, broker) nor what
 * the records mean (message). Frames lie first in segments, then in the store (journal or volatile).
 * Invariants: `first <= nextOffset`; segments and indexed frames are in offset order without overlap; a frame whose
 * records are all below `first` is released.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { BrokerError } from "../../base/errors.ts";
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { EntryId } from "../../message/entry-id.ts";
import { FrameIndex } from "./frame-index.ts";
import { type FrameLocation, type FrameStore, LogGroup } from "../journal/frame-store.ts";
import {
  entryIdOf,
  offsetForBytes,
  offsetOfEntryId,
  offsetOfTimestamp,
  timestampOfFirst,
} from "./log-lookup.ts";
import { OffsetSet } from "./offset-set.ts";
import type { Segment } from "../segment/segment.ts";
import type { DurableState } from "../state/state.ts";

/** Who reads the log; told at the end of the tick that records came. */
export interface LogOwner {
  appended(): void;
}

export interface LogHost {
  /** The log changed in a way that `encodeChange` will tell. Only called for durable logs. */
  logChanged(log: Log): void;
  /** No record of the segment is needed: its file goes once that is durable. */
  segmentUnneeded(segment: Segment): void;
}

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
  /** Where the frame stands that was appended last in this process; -1 before it. */
  lastPosition = -1;
  /** Entry id of the newest record, or what XSETID said. */
  readonly lastId = new EntryId();
  /** Highest entry id ever deleted one by one (XDEL), as Redis reports it. */
  readonly maxDeletedId = new EntryId();
  /** Redis's `entries-added` minus `nextOffset`: zero unless XSETID said otherwise. */
  entriesAddedShift = 0;
  /** Bytes of the frames that are still held: of a segment all, until all of its records are gone. */
  bytes = 0;
  /** Append time of the newest frame, ms. */
  lastTimestamp = 0;
  /** In the store's `dirtyLogs`: got records that the broker has not looked at. */
  isDirty = false;
  isDeleted = false;
  owner: LogOwner | null = null;
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

  /** Records that are not gone. */
  get length(): number {
    return this.nextOffset - this.removed.first - this.removed.countAbove;
  }

  /** The store sealed a frame with records of this log. */
  appended(position: number, length: number, count: number, id: EntryId, timestamp: number): void {
    this.index.push(this.nextOffset, position, length, id, timestamp);
    this.lastPosition = position;
    this.nextOffset += count;
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

  /** Marks one record gone; says whether it was there. */
  remove(offset: number): boolean {
    if (offset >= this.nextOffset || !this.removed.add(offset)) return false;
    if (this.isDurable) this.#noteRange(offset, offset + 1);
    if (offset < this.removed.first) this.#releaseFront();
    else if (!this.isDurable) this.#releaseFrameOf(offset);
    if (assertsAreOn) this.#assertSound();
    return true;
  }

  /**
   * Memory goes as soon as all of a frame is gone: one record at the front that nobody settles must not hold all behind
   * it. (On disk the cleaner sees to that.)
   */
  #releaseFrameOf(offset: number): void {
    const { index, removed } = this;
    const slot = index.find(offset);
    const from = index.slotOffset(slot);
    const next = index.after(slot);
    const to = next < 0 ? this.nextOffset : index.slotOffset(next);
    // Records mostly go in order: the last one of a frame tells without a look at the others.
    if (!removed.has(to - 1) || !removed.hasAll(from, to)) return;
    this.bytes -= index.slotLength(slot);
    this.store.release(index.slotPosition(slot));
    index.removeAt(slot);
  }

  /** Marks all records below `offset` gone (trim, purge, retention). */
  removeBelow(offset: number): void {
    const to = Math.min(offset, this.nextOffset);
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

  /** New segments hold what is needed of `merged` ones and of the indexed frames below `endOffset`. For the cleaner. */
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
    // They may have been consumed while they were made.
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
    this.removed.addRange(0, this.nextOffset);
  }

  /** Sets what XSETID sets. The last id may only be raised above every entry; the caller checks. */
  setMeta(meta: { lastId: EntryId; maxDeletedId: EntryId; entriesAdded: number }): void {
    this.lastId.copyFrom(meta.lastId);
    this.maxDeletedId.copyFrom(meta.maxDeletedId);
    this.entriesAddedShift = meta.entriesAdded - this.nextOffset;
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

  /** Where what holds `offset` ends: the segment or the frame; for `check`, to go on behind a damaged place. */
  nextPlaceAfter(offset: number): number {
    const segment = this.segmentAt(offset);
    if (segment !== undefined) return segment.endOffset;
    const next = this.index.atOrAfter(offset + 1);
    return next < 0 ? this.nextOffset : this.index.slotOffset(next);
  }

  // Lookups: see `log-lookup.ts`.

  /** Lowest offset of a record that is there with an entry id at or above the given one; `nextOffset` when none. */
  offsetOfEntryId(id: EntryId): number {
    return offsetOfEntryId(this, id);
  }

  /** Lowest offset of a record that is there in a frame as new as `timestamp` (ms); -1 when none. */
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
   *            u32 segments, { u64 base offset, u64 end offset }
   */
  encodeFull(writer: ByteWriter): void {
    this.#changedRanges.length = 0;
    this.#isMetaChanged = false;
    writer.int64(this.nextOffset);
    this.#encodeMeta(writer);
    this.removed.encode(writer);
    writer.uint32(this.segments.length);
    for (const segment of this.segments) writer.int64(segment.baseOffset).int64(segment.endOffset);
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
  restoredSegments: { baseOffset: number; endOffset: number }[] = [];
  /** Offsets between which replay met nothing, in pairs, and where what it met ends. */
  #replayGaps: number[] = [];
  #replayEnd = 0;

  restoreFull(reader: ByteReader): void {
    this.nextOffset = reader.int64();
    this.#decodeMeta(reader);
    this.removed.decode(reader);
    this.restoredSegments = [];
    for (let left = reader.uint32(); left > 0; left--) {
      this.restoredSegments.push({ baseOffset: reader.int64(), endOffset: reader.int64() });
    }
    const moved = this.restoredSegments.at(-1)?.endOffset ?? 0;
    this.dropIndexBelow(Math.max(moved, this.removed.first));
  }

  /** Forgets indexed frames that end at or below `offset`: their records are in a segment now, or gone. */
  dropIndexBelow(offset: number): void {
    const index = this.index;
    while (index.length > 0 && index.secondOffset(this.nextOffset) <= offset) {
      this.store.release(index.firstPosition);
      this.bytes -= index.firstLength;
      index.shift();
    }
  }

  /** `change = u8 has meta, [meta], { u64 from, u64 to }` until the end of the frame. */
  encodeChange(writer: ByteWriter): void {
    if (!this.#isMetaChanged && this.#changedRanges.length === 0) return;
    writer.uint8(this.#isMetaChanged ? 1 : 0);
    if (this.#isMetaChanged) this.#encodeMeta(writer);
    for (const bound of this.#changedRanges) writer.int64(bound);
    this.#changedRanges.length = 0;
    this.#isMetaChanged = false;
  }

  applyChange(reader: ByteReader): void {
    if (reader.uint8() === 1) this.#decodeMeta(reader);
    while (reader.remaining > 0) {
      const from = reader.int64();
      this.removed.addRange(from, reader.int64());
    }
    this.#releaseFront();
  }

  /** A frame of this log met at replay. Frames that are gone or in a segment are not indexed. */
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
      this.lastId.copyFrom(id).add(count - 1);
    }
    this.lastTimestamp = timestamp;
    const moved = this.restoredSegments.at(-1)?.endOffset ?? 0;
    if (end <= this.removed.first || end <= moved) return false;
    if (this.index.length > 0 && firstOffset > this.#replayEnd)
      this.#replayGaps.push(this.#replayEnd, firstOffset);
    this.#replayEnd = end;
    this.index.push(firstOffset, position, length, id, timestamp);
    this.bytes += length;
    return true;
  }

  /** After replay: throws CORRUPT unless every record that should be there has a place. */
  assertCovered(): void {
    const [from, to] = this.uncovered(this.segments);
    this.#replayGaps = [];
    if (from === undefined || to === undefined) return;
    throw new BrokerError(
      "CORRUPT",
      `log ${this.id}: offsets ${Math.max(from, this.removed.first)} to ${to - 1} are missing: a journal file is gone, or from another time; restore it`,
    );
  }

  /** After replay: the ranges of offsets, in pairs, that should be in `segments` or indexed, and are not. */
  uncovered(segments: readonly { baseOffset: number; endOffset: number }[]): number[] {
    const missing: number[] = [];
    const need = (from: number, to: number): void => {
      if (from < to && !this.removed.hasAll(from, to)) missing.push(from, to);
    };
    let covered = 0;
    for (const segment of segments) {
      need(covered, segment.baseOffset);
      covered = segment.endOffset;
    }
    if (this.index.length > 0) {
      need(covered, this.index.firstOffset);
      const gaps = this.#replayGaps;
      for (let i = 0; i < gaps.length; i += 2) need(Math.max(gaps[i]!, covered), gaps[i + 1]!);
      covered = Math.max(covered, this.#replayEnd);
    }
    need(covered, this.nextOffset);
    return missing;
  }

  /** For a repair: offsets that are lost are gone, and no record gets an offset that was noted as gone before it came. */
  lose(from: number, to: number): void {
    this.removed.addRange(from, to);
    this.nextOffset = Math.max(this.nextOffset, this.removed.end);
  }
}
