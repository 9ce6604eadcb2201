/**
 * Finds places in a log by entry id, time and size: a binary search over segments and index blocks, then over frames.
 *
 * Headers of journal frames are looked at without a checksum, since nothing of them is served: a damaged one may lead to
 * a wrong place, where the reader finds what it finds, verified.
 */
import { appendHeaderBytes, appendTargetAt, appendTargetCountAt, targetBytes } from "./frame.ts";
import { appendCountAt, appendTimestampAt, readUint32, readUint64 } from "./frame.ts";
import { type FrameLocation, newFrameLocation } from "./frame-store.ts";
import type { Log } from "./log.ts";
import type { Segment } from "./segment.ts";

export interface EntryId {
  ms: number;
  sequence: number;
}

/** Enough for the header of a frame with this many targets. */
const peekBytes = appendHeaderBytes + 64 * targetBytes;

const location: FrameLocation = newFrameLocation();
/** What `readHeader` found. */
const frame = { firstOffset: 0, endOffset: 0, idMs: 0, idSequence: 0, timestamp: 0 };

function readHeader(log: Log): void {
  const { chunk, at } = location;
  const { buffer } = chunk;
  const targets = appendTargetCountAt(buffer, at);
  let target = 0;
  while (target < targets - 1 && readUint32(buffer, appendTargetAt(at, target)) !== log.id) target++;
  const targetAt = appendTargetAt(at, target);
  frame.firstOffset = readUint64(buffer, targetAt + 4);
  frame.endOffset = frame.firstOffset + appendCountAt(buffer, at);
  frame.idMs = readUint64(buffer, targetAt + 12);
  frame.idSequence = readUint64(buffer, targetAt + 20);
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

function isBelow(aMs: number, aSequence: number, bMs: number, bSequence: number): boolean {
  return aMs < bMs || (aMs === bMs && aSequence < bSequence);
}

/** In the frame at hand, the first record with that id or a higher one; its end when all are lower. */
function offsetInFrame(idMs: number, idSequence: number): number {
  if (frame.idMs > idMs) return frame.firstOffset;
  if (frame.idMs < idMs) return frame.endOffset;
  return Math.min(frame.endOffset, frame.firstOffset + Math.max(0, idSequence - frame.idSequence));
}

export function offsetOfEntryId(log: Log, idMs: number, idSequence: number): number {
  if (log.length === 0 || isBelow(log.lastIdMs, log.lastIdSequence, idMs, idSequence)) return log.nextOffset;
  return Math.min(log.nextOffset, log.removed.nextPresent(anyOffsetOfEntryId(log, idMs, idSequence)));
}

/** As above, of a record that may be gone. */
function anyOffsetOfEntryId(log: Log, idMs: number, idSequence: number): number {
  const { index, segments } = log;
  if (index.length > 0) {
    peekSlot(log, index.atOrAfter(0));
    if (segments.length === 0 || !isBelow(idMs, idSequence, frame.idMs, frame.idSequence)) {
      return offsetInIndex(log, idMs, idSequence);
    }
  }
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const { firstIdMs, firstIdSequence } = segments[middle]!;
    if (isBelow(idMs, idSequence, firstIdMs, firstIdSequence)) high = middle - 1;
    else low = middle;
  }
  return offsetInSegment(log, segments[low]!, idMs, idSequence);
}

function offsetInIndex(log: Log, idMs: number, idSequence: number): number {
  const { index } = log;
  let [low, high] = index.slotsByEntryId(idMs, idSequence);
  if (low < 0) return index.firstOffset;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    peekSlot(log, middle);
    if (isBelow(idMs, idSequence, frame.idMs, frame.idSequence)) high = middle - 1;
    else low = middle;
  }
  peekSlot(log, low);
  return offsetInFrame(idMs, idSequence);
}

function offsetInSegment(log: Log, segment: Segment, idMs: number, idSequence: number): number {
  let offset = segment.offsetByEntryId(idMs, idSequence);
  while (segment.locateFrom(offset, location)) {
    readHeader(log);
    offset = offsetInFrame(idMs, idSequence);
    if (offset < frame.endOffset) return offset;
  }
  return segment.endOffset;
}

export function entryIdOf(log: Log, offset: number): EntryId {
  log.locate(offset, location);
  readHeader(log);
  return { ms: frame.idMs, sequence: frame.idSequence + offset - frame.firstOffset };
}

export function timestampOfFirst(log: Log): number {
  if (log.length === 0) return -1;
  log.locate(log.firstOffset, location);
  readHeader(log);
  return frame.timestamp;
}

export function offsetOfTimestamp(log: Log, timestamp: number): number {
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
