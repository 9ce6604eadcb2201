/**
 * Copies one log's needed frames from the journal's oldest files, and from small segments before them, into new segments; then
 * puts these in their place. It does not decide when (cleaner).
 *
 * A log may be consumed, trimmed, deleted and appended to at every await, so only offsets are remembered over an await, and no
 * places of the index. Invariant: until `replaceWith` runs, the log is unchanged.
 */
import { frameLengthAt, isFrameWhole } from "../journal/frame.ts";
import { BrokerError } from "../../base/errors.ts";
import { newFrameView, viewFrame } from "../journal/frame-view.ts";
import type { JournalReader } from "../journal/journal-reader.ts";
import type { Log } from "../log/log.ts";
import { SegmentFile } from "./segment-file.ts";
import type { SegmentFiles } from "./segment-files.ts";
import { segmentHeaderBytes } from "./segment-format.ts";
import type { Segment } from "./segment.ts";
import { sliceBytes, SegmentWriter } from "./segment-writer.ts";

/** Merging makes no segment larger than this. */
const segmentBytesMax = 64 << 20;

/** Passing a frame is a step, and looking up this many offsets is one: a slice of steps takes about 2 ms. */
const offsetsPerStep = 256;
const stepsPerSlice = 1000;

export interface MoverOptions {
  files: SegmentFiles;
  source: JournalReader;
  /** Lets the event loop run; throws if the work must stop. */
  pause: () => Promise<void>;
  /** Before so many bytes are written. Throws if the disk has no room for them beside what must be written. */
  assertRoom: (bytes: number) => void;
  /** The journal grows faster than it is emptied: slices are written at once, not when a thread has time. */
  isBehind: () => boolean;
}

/** The result of a move, to be put in place once the directory is synced. */
export interface MovedLog {
  log: Log;
  /** In offset order; their files have their names. */
  made: SegmentFile[];
  /** Segments whose frames are in `made` now. */
  merged: ReadonlySet<Segment>;
  /** Everything needed below it is in segments. */
  endOffset: number;
}

export class SegmentMover {
  readonly #options: MoverOptions;
  readonly #slice = Buffer.allocUnsafeSlow(sliceBytes + 256 * 1024);
  readonly #read = Buffer.allocUnsafeSlow(sliceBytes);
  readonly #view = newFrameView();
  #serial = 0;
  #steps = 0;
  #writer: SegmentWriter | null = null;
  #made: SegmentFile[] = [];

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  /**
   * Moves the log's frames below `limit`, the end of the sealed files: a log that still needs the oldest one is behind,
   * and will need the others when their time comes; many small moves cost more. Throws what the disk throws.
   */
  async move(log: Log, limit: number, mayMerge: boolean): Promise<MovedLog> {
    const merged = mayMerge ? chooseMerged(log, log.index.bytesBelow(limit, segmentBytesMax)) : [];
    const from = log.segments.at(-1)?.endOffset ?? 0;
    this.#made = [];
    try {
      for (const segment of merged) await this.#copySegment(log, segment);
      const endOffset = await this.#copyJournal(log, from, limit);
      if (endOffset === from || log.isDeleted) {
        // The frames were deleted meanwhile. A merge alone could take the name of a segment that it merges.
        await this.#giveUp();
        return { log, made: [], merged: new Set(), endOffset };
      }
      await this.#finish(log, endOffset);
      return { log, made: this.#made, merged: new Set(merged), endOffset };
    } catch (error) {
      await this.#giveUp();
      throw error;
    }
  }

  /** Waits until the files are deleted: the next attempt may use their names. */
  async #giveUp(): Promise<void> {
    this.#writer?.abandon();
    this.#writer = null;
    for (const segment of this.#made) await this.discard(segment);
  }

  /** Deletes a new segment that no state names. Never throws: start-up deletes what is left. */
  discard(segment: SegmentFile): Promise<void> {
    return this.#options.files.remove(segment).catch(() => {});
  }

  async #copyJournal(log: Log, from: number, limit: number): Promise<number> {
    const { index } = log;
    const { source } = this.#options;
    let offset = from;
    for (;;) {
      const slot = log.isDeleted ? -1 : index.atOrAfter(offset);
      if (slot < 0 || index.slotPosition(slot) >= limit) return offset;
      const first = index.slotOffset(slot);
      const next = index.after(slot);
      const end = next < 0 ? log.nextOffset : index.slotOffset(next);
      if (!log.removed.hasAll(first, end)) {
        source.read(index.slotPosition(slot), index.slotLength(slot));
        if (!viewFrame(this.#view, source.buffer, source.at, log.id)) {
          throw new BrokerError(
            "CORRUPT",
            `journal position ${index.slotPosition(slot)}: no frame of log ${log.id} is there; run troikamq check`,
          );
        }
        if (this.#add(log)) await this.#passSlice(log);
      }
      offset = end;
      this.#steps += 1 + (end - first) / offsetsPerStep;
      if (this.#steps >= stepsPerSlice) await this.#rest();
    }
  }

  async #copySegment(log: Log, segment: SegmentFile): Promise<void> {
    const { files } = this.#options;
    const end = segment.framesEnd;
    let buffer = this.#read;
    let at = segmentHeaderBytes;
    while (at < end && !log.isDeleted && !segment.isGone) {
      const got = files.open(segment).read(buffer, 0, Math.min(buffer.length, end - at), at);
      let offsetInBuffer = 0;
      while (offsetInBuffer + 12 <= got && offsetInBuffer + frameLengthAt(buffer, offsetInBuffer) <= got) {
        const length = frameLengthAt(buffer, offsetInBuffer);
        if (
          !isFrameWhole(buffer, offsetInBuffer, got) ||
          !viewFrame(this.#view, buffer, offsetInBuffer, log.id)
        ) {
          throw new BrokerError(
            "CORRUPT",
            `${segment.path}: byte ${at + offsetInBuffer}: fails its checksum; run troikamq check`,
          );
        }
        const { firstOffset, count } = this.#view;
        offsetInBuffer += length;
        if (!log.removed.hasAll(firstOffset, firstOffset + count) && this.#add(log))
          await this.#passSlice(log);
      }
      at += offsetInBuffer;
      if (offsetInBuffer === 0) {
        if (got === end - at && got < buffer.length) {
          throw new BrokerError("CORRUPT", `${segment.path}: byte ${at}: is cut; run troikamq check`);
        }
        buffer = Buffer.allocUnsafeSlow(Math.min(frameLengthAt(buffer, 0), end - at));
      }
      await this.#rest();
    }
  }

  /** Copies the viewed frame; says whether a slice is full. */
  #add(log: Log): boolean {
    const { files } = this.#options;
    this.#writer ??= new SegmentWriter(files.disk, files.directory, log.id, this.#serial++, this.#slice);
    this.#writer.add(this.#view);
    return this.#writer.isSliceFull;
  }

  /** Writes the slice, and starts another segment if this one is large. */
  async #passSlice(log: Log): Promise<void> {
    const endOffset = this.#view.firstOffset + this.#view.count;
    this.#options.assertRoom(this.#writer!.sliceLength);
    await this.#writer!.writeSlice(this.#options.isBehind());
    if (this.#writer!.bytes >= segmentBytesMax) await this.#finish(log, endOffset);
    await this.#rest();
  }

  #rest(): Promise<void> {
    this.#steps = 0;
    return this.#options.pause();
  }

  async #finish(log: Log, endOffset: number): Promise<void> {
    const writer = this.#writer;
    if (writer === null) return;
    this.#options.assertRoom(writer.sliceLength);
    const { path, footer } = await writer.finish(endOffset);
    this.#writer = null;
    this.#made.push(new SegmentFile(this.#options.files, path, log.id, footer));
  }
}

/** The log's last segments that the new one merges, so that each segment is more than twice as large as the next. */
function chooseMerged(log: Log, bytes: number): SegmentFile[] {
  const { segments } = log;
  let first = segments.length;
  let total = bytes;
  while (first > 0) {
    const before = segments[first - 1]!.bytes;
    if (before > 2 * total || before + total > segmentBytesMax) break;
    total += before;
    first--;
  }
  return segments.slice(first) as SegmentFile[];
}
