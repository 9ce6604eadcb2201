/**
 * Writes one segment under a temporary name, in large asynchronous writes, and gives it its real name once it is synced.
 *
 * It does not choose the frames (segment-mover.ts), nor tell anyone the segment's name. Invariants: a file with the real name of a
 * segment is complete and synced; until `finish` resolves, only a `.tmp` file can exist.
 */
import { copyBytes } from "../../base/bytes.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import {
  appendHeaderBytes,
  frameKind,
  sealFrame,
  targetIdAt,
  targetOffsetAt,
  writeFrameHeader,
  writeUint32,
  writeUint64,
} from "../journal/frame.ts";
import type { FrameView } from "../journal/frame-view.ts";
import { segmentFrameHeaderBytes } from "./segment-file.ts";
import {
  encodeSegmentFooter,
  segmentEntryEveryBytes,
  type SegmentFooter,
  segmentFileName,
  segmentHeader,
  segmentHeaderBytes,
} from "./segment-format.ts";

/** A slice of this size is written at once, and then the event loop runs. */
export const sliceBytes = 1 << 20;
/** Below this a synchronous write costs less than a trip to the thread pool. */
const writeNowBytesMax = 64 * 1024;

export const temporarySuffix = ".tmp";

export class SegmentWriter {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logId: number;
  readonly #temporaryPath: string;
  #file: DiskFile | null = null;
  #slice: Buffer;
  #length = 0;
  #writtenBytes = 0;
  #entries: number[] = [];
  #ids: number[] = [];
  #entryAt = -Infinity;
  #baseOffset = -1;
  #records = 0;
  #maxTimestamp = 0;

  /** `slice` is a buffer that is this writer's until it finishes or gives up; `serial` is used once in a run. */
  constructor(disk: Disk, directory: string, logId: number, serial: number | string, slice: Buffer) {
    this.#disk = disk;
    this.#directory = directory;
    this.#logId = logId;
    this.#slice = slice;
    this.#temporaryPath = `${directory}/${logId}.${serial}${temporarySuffix}`;
  }

  get isEmpty(): boolean {
    return this.#baseOffset < 0;
  }

  /** Bytes of frames so far. */
  get bytes(): number {
    return Math.max(0, this.#writtenBytes + this.#length - segmentHeaderBytes);
  }

  /** What `writeSlice` writes. */
  get sliceLength(): number {
    return this.#length;
  }

  get isSliceFull(): boolean {
    return this.#length >= sliceBytes;
  }

  add(frame: FrameView): void {
    if (this.#baseOffset < 0) {
      this.#baseOffset = frame.firstOffset;
      this.#length = segmentHeaderBytes;
      this.#slice.set(segmentHeader(this.#logId, frame.firstOffset), 0);
    }
    const length = segmentFrameHeaderBytes + frame.recordsEnd - frame.recordsStart;
    if (this.#length + length > this.#slice.length) this.#grow(this.#length + length);
    const slice = this.#slice;
    const at = this.#length;
    const position = this.#writtenBytes + at;
    if (position - this.#entryAt >= segmentEntryEveryBytes) {
      this.#entryAt = position;
      this.#entries.push(frame.firstOffset, position, this.#maxTimestamp);
      const { id } = frame;
      this.#ids.push(id.msHigh, id.msLow, id.sequenceHigh, id.sequenceLow);
    }
    writeFrameHeader(slice, at, frameKind.append, frame.envelope, length);
    writeUint32(slice, at + 12, frame.count);
    writeUint64(slice, at + 16, frame.timestamp);
    writeUint32(slice, at + 24, 1);
    const target = at + appendHeaderBytes;
    writeUint32(slice, target, this.#logId);
    writeUint64(slice, target + targetOffsetAt, frame.firstOffset);
    frame.id.write(slice, target + targetIdAt);
    copyBytes(slice, at + segmentFrameHeaderBytes, frame.buffer, frame.recordsStart, frame.recordsEnd);
    sealFrame(slice, at, length);
    this.#length = at + length;
    this.#records += frame.count;
    if (frame.timestamp > this.#maxTimestamp) this.#maxTimestamp = frame.timestamp;
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(needed);
    grown.set(this.#slice.subarray(0, this.#length));
    this.#slice = grown;
  }

  /** Writes the gathered bytes, in this turn if they are few or `isUrgent`. Throws errors of the disk. */
  async writeSlice(isUrgent = false): Promise<void> {
    const length = this.#length;
    if (length === 0) return;
    this.#file ??= this.#disk.open(this.#temporaryPath, "create");
    if (isUrgent || length <= writeNowBytesMax) this.#file.write(this.#slice, 0, length, this.#writtenBytes);
    else await this.#file.writeLater(this.#slice, 0, length, this.#writtenBytes);
    this.#writtenBytes += length;
    this.#length = 0;
  }

  /** Writes the footer, syncs, and names the file. The caller syncs the directory before it relies on the name. */
  async finish(endOffset: number): Promise<{ path: string; footer: SegmentFooter }> {
    const footer: SegmentFooter = {
      entries: Float64Array.from(this.#entries),
      ids: Uint32Array.from(this.#ids),
      baseOffset: this.#baseOffset,
      endOffset,
      bytes: this.bytes,
      records: this.#records,
      maxTimestamp: this.#maxTimestamp,
    };
    const tail = encodeSegmentFooter(footer);
    if (this.#length + tail.length > this.#slice.length) this.#grow(this.#length + tail.length);
    this.#slice.set(tail, this.#length);
    this.#length += tail.length;
    await this.writeSlice();
    const file = this.#file!;
    await file.sync();
    this.#file = null;
    file.close();
    const path = `${this.#directory}/${segmentFileName(this.#logId, this.#baseOffset, endOffset)}`;
    this.#disk.rename(this.#temporaryPath, path);
    return { path, footer };
  }

  /** Deletes what was written. Never throws: the next start deletes what is left. */
  abandon(): void {
    try {
      this.#file?.close();
      if (this.#file !== null) this.#disk.remove(this.#temporaryPath);
    } catch {
      // The disk is failing; the temporary name tells the next start to delete the file.
    }
    this.#file = null;
  }
}
