/**
 * Finds places in a log by entry id, time and size: a binary search over segments and index blocks, then over frames.
 *
 * Headers of journal frames are looked at without a checksum on the way. A place is told only where whole frames, verified,
 * prove it: the one that it lies in, or the two that it lies between. Otherwise a bit that flipped in a header would be an entry
 * that is not found, which its group forgets, or a record that is too old, which goes.
 *
 * Invariant: what is told is what a search over verified frames would tell, or CORRUPT.
 */
import { EntryId } from "../../message/entry-id.ts";
import {
  appendCountAt,
  appendHeaderBytes,
  appendTargetAt,
  appendTargetCountAt,
  appendTimestampAt,
  readUint32,
  readUint64,
  targetBytes,
  targetIdAt,
  targetOffsetAt,
} from "../journal/frame.ts";
import { type FrameLocation, newFrameLocation } from "../journal/frame-store.ts";
import type { Log } from "./log.ts";
import type { Segment } from "../segment/segment.ts";

/** Enough for the header of a frame with this many targets. */
const peekBytes = appendHeaderBytes + 64 * targetBytes;

const location: FrameLocation = newFrameLocation();
/** What `readHeader` found. */
const frame = { firstOffset: 0, endOffset: 0, id: new EntryId(), timestamp: 0 };

/** Of a header that is not verified, `targetsMax` bounds what it may say. */
function readHeader(log: Log, targetsMax = Infinity): void {
  const { chunk, at } = location;
  const { buffer } = chunk;
  const targets = Math.min(appendTargetCountAt(buffer, at), targetsMax);
  let target = 0;
  while (target < targets - 1 && readUint32(buffer, appendTargetAt(at, target)) !== log.id) target++;
  const targetAt = appendTargetAt(at, target);
  frame.firstOffset = readUint64(buffer, targetAt + targetOffsetAt);
  frame.endOffset = frame.firstOffset + appendCountAt(buffer, at);
  frame.id.read(buffer, targetAt + targetIdAt);
  frame.timestamp = appendTimestampAt(buffer, at);
}

function peekSlot(log: Log, slot: number): void {
  const { index, store } = log;
  const position = index.slotPosition(slot);
  const length = index.slotLength(slot);
  store.peek(position, Math.min(length, peekBytes), location);
  const needed = appendHeaderBytes + appendTargetCountAt(location.chunk.buffer, location.at) * targetBytes;
  if (needed > peekBytes) store.peek(position, Math.min(length, needed), location);
  readHeader(log, (length - appendHeaderBytes) / targetBytes);
}

/** Looks at all of a frame. Throws CORRUPT. */
function readSlot(log: Log, slot: number): void {
  const { index, store } = log;
  store.locate(index.slotPosition(slot), index.slotLength(slot), location);
  readHeader(log);
}

/** In the frame at hand, the first record with that id or a higher one; its end when all are lower. */
function offsetInFrame(id: EntryId): number {
  return Math.min(frame.endOffset, frame.firstOffset + Math.max(0, frame.id.distanceTo(id)));
}

export function offsetOfEntryId(log: Log, id: EntryId): number {
  if (log.length === 0 || log.lastId.compare(id) < 0) return log.stableEnd;
  return Math.min(log.stableEnd, log.removed.nextPresent(anyOffsetOfEntryId(log, id)));
}

/** As above, of a record that may be gone. */
function anyOffsetOfEntryId(log: Log, id: EntryId): number {
  const { index, segments } = log;
  const offset = index.length === 0 ? -1 : offsetInIndex(log, id);
  if (offset >= 0) return offset;
  if (segments.length === 0) return index.firstOffset;
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (segments[middle]!.compareFirstId(id) > 0) high = middle - 1;
    else low = middle;
  }
  return offsetInSegment(log, segments[low]!, id);
}

/** -1 where all records of the index are above the id. */
function offsetInIndex(log: Log, id: EntryId): number {
  const slots = log.index.slotsByEntryId(id);
  if (slots[0] < 0) return -1;
  const offset = offsetInSlot(log, id, slots, lastSlotBelow(log, id, slots, peekSlot));
  return offset ?? offsetInSlot(log, id, slots, lastSlotBelow(log, id, slots, readSlot))!;
}

/** Of these slots the last one that begins at or below the id, as `look` shows them; the first one when none does. */
function lastSlotBelow(
  log: Log,
  id: EntryId,
  [first, last]: readonly [number, number],
  look: (log: Log, slot: number) => void,
): number {
  let low = first;
  let high = last;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    look(log, middle);
    if (id.compare(frame.id) < 0) high = middle - 1;
    else low = middle;
  }
  return low;
}

/** The place that `slot` leads to, -1 when that is before the index; null where the frames say that it is not the place. */
function offsetInSlot(
  log: Log,
  id: EntryId,
  [first, last]: readonly [number, number],
  slot: number,
): number | null {
  const { index } = log;
  readSlot(log, slot);
  if (id.compare(frame.id) < 0) {
    if (slot > first) return null;
    return slot === index.atOrAfter(0) ? -1 : frame.firstOffset;
  }
  const offset = offsetInFrame(id);
  // The block after the last slot begins above the id.
  if (offset < frame.endOffset || slot === last) return offset;
  readSlot(log, slot + 1);
  return id.compare(frame.id) < 0 ? offset : null;
}

function offsetInSegment(log: Log, segment: Segment, id: EntryId): number {
  let offset = segment.offsetByEntryId(id);
  while (segment.locateFrom(offset, location)) {
    readHeader(log);
    offset = offsetInFrame(id);
    if (offset < frame.endOffset) return offset;
  }
  return segment.endOffset;
}

export function entryIdOf(log: Log, offset: number): EntryId {
  log.locate(offset, location);
  readHeader(log);
  return new EntryId().copyFrom(frame.id).add(offset - frame.firstOffset);
}

export function timestampOfFirst(log: Log): number {
  if (log.length === 0) return -1;
  log.locate(log.firstOffset, location);
  readHeader(log);
  return frame.timestamp;
}

export function offsetOfTimestamp(log: Log, timestamp: number): number {
  const offset = anyOffsetOfTimestamp(log, timestamp);
  return offset < log.stableEnd ? offset : -1;
}

/** As above, of a record that need not be stable. */
function anyOffsetOfTimestamp(log: Log, timestamp: number): number {
  for (const segment of log.segments) {
    if (segment.maxTimestamp < timestamp) continue;
    let offset = Math.max(segment.offsetByTimestamp(timestamp), log.firstOffset);
    while (segment.locateFrom(offset, location)) {
      readHeader(log);
      if (frame.timestamp >= timestamp && hasPresent(log)) return log.removed.nextPresent(frame.firstOffset);
      offset = frame.endOffset;
    }
  }
  const slot = slotByTimestamp(log, timestamp);
  return slot < 0 ? -1 : log.removed.nextPresent(log.index.slotOffset(slot));
}

function hasPresent(log: Log): boolean {
  return !log.removed.hasAll(frame.firstOffset, frame.endOffset);
}

/**
 * The first slot with a record that is there as new as `timestamp`, -1 when there is none. Times mostly grow, so a header shows
 * that it is damaged where it is older than the one before; that frame is read, the one that is told, and the one before it.
 */
function slotByTimestamp(log: Log, timestamp: number): number {
  const { index } = log;
  let before = -1;
  let timeBefore = -Infinity;
  let slot = index.skipOlder(index.atOrAfter(0), timestamp);
  for (; slot >= 0; slot = index.skipOlder(index.after(slot), timestamp)) {
    if (!hasPresentInSlot(log, slot)) continue;
    peekSlot(log, slot);
    const isNew = frame.timestamp >= timestamp;
    if (frame.timestamp < timeBefore || isNew) readSlot(log, slot);
    timeBefore = frame.timestamp;
    if (frame.timestamp >= timestamp) break;
    before = slot;
  }
  if (before < 0) return slot;
  readSlot(log, before);
  return frame.timestamp >= timestamp ? before : slot;
}

function hasPresentInSlot({ index, removed, nextOffset }: Log, slot: number): boolean {
  const next = index.after(slot);
  return !removed.hasAll(index.slotOffset(slot), next < 0 ? nextOffset : index.slotOffset(next));
}

export function offsetForBytes(log: Log, bytesMax: number): number {
  return Math.max(log.firstOffset, anyOffsetForBytes(log, bytesMax));
}

/** As above; a segment counts whole until all of it is gone, so it may lie below the first record. */
function anyOffsetForBytes(log: Log, bytesMax: number): number {
  let left = log.bytes;
  if (left <= bytesMax) return log.firstOffset;
  for (const segment of log.segments) {
    if (left - segment.bytes <= bytesMax) {
      if (left - segment.bytes === bytesMax) return segment.endOffset;
      return segment.offsetForBytes(bytesMax - (left - segment.bytes));
    }
    left -= segment.bytes;
  }
  const offset = log.index.offsetForBytes(bytesMax, left);
  return offset < 0 ? log.nextOffset : offset;
}
