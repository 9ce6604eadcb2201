/**
 * Finds places in a log by entry id, time and size: a binary search over segments and index blocks, then over frames.
 *
 * Headers of journal frames are read without verifying the checksum, since no content is served. A damaged header may lead to a
 * wrong place, where the reader verifies what it reads.
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

function readHeader(log: Log): void {
  const { chunk, at } = location;
  const { buffer } = chunk;
  const targets = appendTargetCountAt(buffer, at);
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
  if (index.length > 0) {
    peekSlot(log, index.atOrAfter(0));
    if (segments.length === 0 || id.compare(frame.id) >= 0) return offsetInIndex(log, id);
  }
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (segments[middle]!.compareFirstId(id) > 0) high = middle - 1;
    else low = middle;
  }
  return offsetInSegment(log, segments[low]!, id);
}

function offsetInIndex(log: Log, id: EntryId): number {
  const { index } = log;
  let [low, high] = index.slotsByEntryId(id);
  if (low < 0) return index.firstOffset;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    peekSlot(log, middle);
    if (id.compare(frame.id) < 0) high = middle - 1;
    else low = middle;
  }
  peekSlot(log, low);
  return offsetInFrame(id);
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
  const { index } = log;
  let slot = index.skipOlder(index.atOrAfter(0), timestamp);
  while (slot >= 0) {
    peekSlot(log, slot);
    if (frame.timestamp >= timestamp && hasPresent(log)) return log.removed.nextPresent(frame.firstOffset);
    slot = index.skipOlder(index.after(slot), timestamp);
  }
  return -1;
}

function hasPresent(log: Log): boolean {
  return !log.removed.hasAll(frame.firstOffset, frame.endOffset);
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
