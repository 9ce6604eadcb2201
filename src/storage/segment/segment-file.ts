/**
 * One segment on disk: finds frames by offset, entry id and time through the sparse index of its footer.
 *
 * It does not own its file handle (`SegmentFiles` bounds how many are open) nor decide when the file goes (cleaner).
 * Invariant: every frame handed out has passed its checksum, is of this log, and holds the offset asked for.
 */
import { BrokerError } from "../../base/errors.ts";
import type { DiskFile } from "../../base/disk.ts";
import { EntryId } from "../../message/entry-id.ts";
import {
  appendCountAt,
  appendHeaderBytes,
  appendTargetCountAt,
  frameKind,
  frameKindAt,
  frameLengthAt,
  readUint32,
  readUint64,
  targetBytes,
  targetOffsetAt,
} from "../journal/frame.ts";
import { type FrameLocation, newFrameLocation } from "../journal/frame-store.ts";
import type { SegmentFiles } from "./segment-files.ts";
import {
  checkSegmentHeader,
  decodeSegmentFooter,
  segmentEntryFields,
  segmentFooterBytes,
  type SegmentFooter,
  segmentHeaderBytes,
  segmentTrailerBytes,
} from "./segment-format.ts";
import type { Segment } from "./segment.ts";

/** Every frame of a segment starts with this: its header and one target. */
export const segmentFrameHeaderBytes = appendHeaderBytes + targetBytes;

const entryPosition = 1;
const entryTimestamp = 2;
const entryId = new EntryId();

export function readSegmentFooter(file: DiskFile, path: string): SegmentFooter {
  const size = file.size();
  const trailer = Buffer.alloc(segmentTrailerBytes);
  const got = file.read(trailer, 0, segmentTrailerBytes, Math.max(0, size - segmentTrailerBytes));
  const length = got < segmentTrailerBytes ? size + 1 : segmentFooterBytes(trailer);
  if (segmentHeaderBytes + length > size) {
    throw new BrokerError("CORRUPT", `${path}: the segment is cut, or its footer is damaged`);
  }
  const footer = Buffer.allocUnsafeSlow(length);
  file.read(footer, 0, length, size - length);
  const decoded = decodeSegmentFooter(footer, path);
  if (segmentHeaderBytes + decoded.bytes + length !== size || decoded.entries.length === 0) {
    throw new BrokerError("CORRUPT", `${path}: the segment's size is not what its footer says`);
  }
  return decoded;
}

export class SegmentFile implements Segment {
  readonly path: string;
  readonly logId: number;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly bytes: number;
  readonly records: number;
  readonly maxTimestamp: number;
  /** The file was deleted: a reader that remembers it must ask the log again. */
  isGone = false;
  readonly #entries: Float64Array;
  readonly #ids: Uint32Array;
  readonly #files: SegmentFiles;

  constructor(files: SegmentFiles, path: string, logId: number, footer: SegmentFooter) {
    this.#files = files;
    this.path = path;
    this.logId = logId;
    this.baseOffset = footer.baseOffset;
    this.endOffset = footer.endOffset;
    this.bytes = footer.bytes;
    this.records = footer.records;
    this.maxTimestamp = footer.maxTimestamp;
    this.#entries = footer.entries;
    this.#ids = footer.ids;
  }

  /** Opens a file that a state names. Throws CORRUPT if it is missing, damaged, or another segment. */
  static open(
    files: SegmentFiles,
    path: string,
    logId: number,
    baseOffset: number,
    endOffset: number,
  ): SegmentFile {
    const file = files.openToCheck(path);
    try {
      const header = Buffer.alloc(segmentHeaderBytes);
      const got = file.read(header, 0, segmentHeaderBytes, 0);
      checkSegmentHeader(header.subarray(0, got), logId, baseOffset, path);
      const footer = readSegmentFooter(file, path);
      if (footer.baseOffset !== baseOffset || footer.endOffset !== endOffset) {
        throw new BrokerError("CORRUPT", `${path}: holds other offsets than its name says`);
      }
      return new SegmentFile(files, path, logId, footer);
    } finally {
      file.close();
    }
  }

  compareFirstId(id: EntryId): number {
    return entryId.readWords(this.#ids, 0).compare(id);
  }

  /** Where the frames end in the file. */
  get framesEnd(): number {
    return segmentHeaderBytes + this.bytes;
  }

  /** Index in `#entries` of the last entry that starts at or below `offset`; the first one when none does. */
  #entryOf(offset: number): number {
    const entries = this.#entries;
    let low = 0;
    let high = entries.length / segmentEntryFields - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (entries[middle * segmentEntryFields]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low * segmentEntryFields;
  }

  locate(offset: number, location: FrameLocation): void {
    this.#find(this.#entries[this.#entryOf(offset) + entryPosition]!, offset, location);
  }

  locateAfter(offset: number, location: FrameLocation): boolean {
    if (this.isGone || offset >= this.endOffset) return false;
    const entry = this.#entries[this.#entryOf(offset) + entryPosition]!;
    this.#find(Math.max(entry, location.segmentPosition), offset, location);
    return true;
  }

  locateFrom(offset: number, location: FrameLocation): boolean {
    const from = this.#entries[this.#entryOf(offset) + entryPosition]!;
    try {
      return this.#walk(from, offset, location);
    } catch (error) {
      this.#wentAstray(error);
      return this.#walk(from, offset, location);
    }
  }

  #find(from: number, offset: number, location: FrameLocation): void {
    try {
      this.#findOnce(from, offset, location);
    } catch (error) {
      this.#wentAstray(error);
      this.#findOnce(from, offset, location);
    }
  }

  #findOnce(from: number, offset: number, location: FrameLocation): void {
    if (!this.#walk(from, offset, location) || firstOffsetOf(location) > offset)
      this.#throwCorrupt(from, `no frame from here on holds offset ${offset}`);
  }

  /**
   * A walk goes by headers that are not verified. Where they led astray they are to be read once more, as a bit may have flipped
   * on its way. Throws what is no such error.
   */
  #wentAstray(error: unknown): void {
    if (!(error instanceof BrokerError) || error.code !== "CORRUPT") throw error;
    this.#files.cache.forget(this.#files.open(this));
  }

  /**
   * Walks frame headers from position `from` to the first frame that ends above `offset`, which is then verified. One that
   * does not hold `offset`, and the end, are told only where the frame before them is verified too: so none was passed over.
   */
  #walk(from: number, offset: number, location: FrameLocation): boolean {
    const file = this.#files.open(this);
    const end = this.framesEnd;
    let before = from;
    let at = from;
    while (at < end) {
      const length = this.#lengthAt(file, at, location);
      const first = firstOffsetOf(location);
      if (offset < endOffsetOf(location)) {
        if (first > offset) this.#verifyPassed(file, before, at, offset, location);
        this.#verify(file, at, length, location);
        if (firstOffsetOf(location) !== first || offset >= endOffsetOf(location))
          this.#throwCorrupt(at, "the frame's header was not what it is now");
        location.segment = this;
        location.segmentPosition = at + length;
        return true;
      }
      before = at;
      at += length;
    }
    this.#verifyPassed(file, before, at, offset, location);
    return false;
  }

  /** How long the frame at `at` is, by its header, which `location` then shows. */
  #lengthAt(file: DiskFile, at: number, location: FrameLocation): number {
    const isThere = this.#files.cache.peek(file, at, segmentFrameHeaderBytes, location);
    const length = isThere ? frameLengthAt(location.chunk.buffer, location.at) : 0;
    if (length < segmentFrameHeaderBytes || at + length > this.framesEnd)
      this.#throwCorrupt(at, "the frame's header is damaged or cut");
    return length;
  }

  #verify(file: DiskFile, at: number, length: number, location: FrameLocation): void {
    this.#files.cache.locate(file, this.path, at, length, location);
    this.#assertOurs(at, location);
  }

  /** The frame from `at` to `end`, if there is one, ends at or below `offset`. */
  #verifyPassed(file: DiskFile, at: number, end: number, offset: number, location: FrameLocation): void {
    if (at === end) return;
    this.#verify(file, at, end - at, location);
    if (offset < endOffsetOf(location)) this.#throwCorrupt(at, "the frame's header was not what it is now");
  }

  #assertOurs(at: number, location: FrameLocation): void {
    const buffer = location.chunk.buffer;
    const frame = location.at;
    if (
      frameKindAt(buffer, frame) !== frameKind.append ||
      appendTargetCountAt(buffer, frame) !== 1 ||
      readUint32(buffer, frame + appendHeaderBytes) !== this.logId
    ) {
      this.#throwCorrupt(at, "the frame is of another log");
    }
  }

  #throwCorrupt(at: number, what: string): never {
    throw new BrokerError("CORRUPT", `${this.path}: byte ${at}: ${what}; run troikamq check`);
  }

  offsetByEntryId(id: EntryId): number {
    const entries = this.#entries;
    let low = 0;
    let high = entries.length / segmentEntryFields - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (entryId.readWords(this.#ids, middle).compare(id) <= 0) low = middle;
      else high = middle - 1;
    }
    return entries[low * segmentEntryFields]!;
  }

  offsetByTimestamp(timestamp: number): number {
    // An entry's timestamp covers the frames before it, so the first entry that covers the time is one too far.
    const entries = this.#entries;
    let low = 0;
    let high = entries.length / segmentEntryFields;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle * segmentEntryFields + entryTimestamp]! >= timestamp) high = middle;
      else low = middle + 1;
    }
    return entries[Math.max(0, low - 1) * segmentEntryFields]!;
  }

  offsetForBytes(bytes: number): number {
    const wanted = this.framesEnd - bytes;
    const entries = this.#entries;
    let low = 0;
    let high = entries.length / segmentEntryFields - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (entries[middle * segmentEntryFields + entryPosition]! <= wanted) low = middle;
      else high = middle - 1;
    }
    const from = entries[low * segmentEntryFields + entryPosition]!;
    try {
      return this.#offsetAtOrAfter(from, wanted);
    } catch (error) {
      this.#wentAstray(error);
      return this.#offsetAtOrAfter(from, wanted);
    }
  }

  /** Offset of the first frame at or behind a position in the file, looked for from `from` on. */
  #offsetAtOrAfter(from: number, wanted: number): number {
    const location = newFrameLocation();
    const file = this.#files.open(this);
    let before = from;
    let at = from;
    while (at < wanted) {
      before = at;
      at += this.#lengthAt(file, at, location);
    }
    // It begins before the position, and ends here.
    this.#verifyPassed(file, before, at, Infinity, location);
    if (at >= this.framesEnd) return this.endOffset;
    this.#verify(file, at, this.#lengthAt(file, at, location), location);
    return firstOffsetOf(location);
  }
}

function endOffsetOf(location: FrameLocation): number {
  return firstOffsetOf(location) + appendCountAt(location.chunk.buffer, location.at);
}

function firstOffsetOf(location: FrameLocation): number {
  return readUint64(location.chunk.buffer, location.at + appendHeaderBytes + targetOffsetAt);
}
