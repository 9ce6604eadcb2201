/**
 * Finds for a log the segment files that hold what it misses, whatever their names, and saves what is whole in damaged ones.
 *
 * A file says in its header and its footer whose it is, so that a renamed or swapped one finds its way back. Not here: what
 * the logs miss (`repair.ts`). Invariant: a file under a segment's name is whole, synced, and is what the name says.
 */
import { basename } from "node:path";
import { BrokerError } from "../../base/errors.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import { EntryId } from "../../message/entry-id.ts";
import { checkSegment, readWhole } from "./check-files.ts";
import {
  appendTargetCountAt,
  frameKind,
  frameKindAt,
  frameLengthAt,
  frameMagic,
  isFrameWhole,
} from "../journal/frame.ts";
import { type FrameView, newFrameView, viewFrame } from "../journal/frame-view.ts";
import { readSegmentFooter } from "../segment/segment-file.ts";
import {
  parseSegmentFileName,
  readSegmentHeader,
  segmentFileName,
  segmentHeaderBytes,
} from "../segment/segment-format.ts";
import { SegmentWriter, sliceBytes } from "../segment/segment-writer.ts";
import type { SetAside } from "./set-aside.ts";

/** Of a file between two names; a repair that was killed left it. */
const passingSuffix = ".repair";

/** A segment file that is there, with the offsets that it holds. */
export interface FoundSegment {
  path: string;
  logId: number;
  baseOffset: number;
  endOffset: number;
  /** It passes all checks under the name that it should have. */
  isWhole: boolean;
}

/** Looks at every segment file in `directory`. */
export function findSegments(disk: Disk, directory: string): FoundSegment[] {
  const found: FoundSegment[] = [];
  for (const name of disk.list(directory)) {
    const plain = name.endsWith(passingSuffix) ? name.slice(0, -passingSuffix.length) : name;
    const named = parseSegmentFileName(plain);
    if (named === null) continue;
    const path = `${directory}/${name}`;
    const file = disk.open(path, "read");
    try {
      const [logId, baseOffset, endOffset] = ownName(file, path) ?? named;
      const isWhole = passes(file, path, logId, baseOffset, endOffset);
      found.push({ path, logId, baseOffset, endOffset, isWhole });
    } finally {
      file.close();
    }
  }
  return found;
}

/** What the file itself says that it is; null when it says nothing that can be trusted. */
function ownName(file: DiskFile, path: string): [log: number, base: number, end: number] | null {
  try {
    const header = Buffer.alloc(segmentHeaderBytes);
    const got = file.read(header, 0, segmentHeaderBytes, 0);
    const { logId, baseOffset } = readSegmentHeader(header.subarray(0, got), path);
    return [logId, baseOffset, readSegmentFooter(file, path).endOffset];
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return null;
  }
}

function passes(file: DiskFile, path: string, logId: number, base: number, end: number): boolean {
  try {
    checkSegment(file, path, logId, base, end);
    return true;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return false;
  }
}

export class SegmentSaver {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #aside: SetAside;
  #serial = 0;

  constructor(disk: Disk, directory: string, aside: SetAside) {
    this.#disk = disk;
    this.#directory = directory;
    this.#aside = aside;
  }

  /**
   * Writes the whole frames of `found` that start at or above `fromOffset` into a new segment of `logId`, and sets the old
   * file aside. Null when no frame is left. `held` is told the offsets of each frame kept.
   */
  async save(
    found: FoundSegment,
    fromOffset: number,
    why: string,
    held: (from: number, to: number) => void,
  ): Promise<FoundSegment | null> {
    const { path, logId } = found;
    const bytes = bytesOf(this.#disk, path);
    const slice = Buffer.allocUnsafeSlow(sliceBytes * 2);
    const serial = `repair-${this.#serial++}`;
    const writer = new SegmentWriter(this.#disk, this.#directory, logId, serial, slice);
    let baseOffset = -1;
    let next = Math.max(fromOffset, found.baseOffset);
    try {
      for (const view of wholeFrames(bytes, logId)) {
        const end = view.firstOffset + view.count;
        if (view.firstOffset < next || end > found.endOffset) continue;
        if (baseOffset < 0) baseOffset = view.firstOffset;
        writer.add(view);
        held(view.firstOffset, end);
        next = end;
        if (writer.isSliceFull) await writer.writeSlice();
      }
      await this.#aside.copy(path, why);
      this.#disk.remove(path);
      if (baseOffset < 0) {
        writer.abandon();
        return null;
      }
      const made = await writer.finish(found.endOffset);
      return { path: made.path, logId, baseOffset, endOffset: found.endOffset, isWhole: true };
    } catch (error) {
      writer.abandon();
      throw error;
    }
  }

  /**
   * Gives the files the names of what they hold, by way of passing names, since two may have swapped theirs. Of several that
   * hold the same the best one stays. Returns those that stay.
   */
  async nameRightly(found: readonly FoundSegment[], told: string[]): Promise<FoundSegment[]> {
    const best = new Map<string, FoundSegment>();
    for (const each of found) {
      const other = best.get(rightName(each));
      if (other === undefined || (each.isWhole && !other.isWhole)) best.set(rightName(each), each);
    }
    const staying = Array.from(best.values());
    for (const each of found) {
      if (staying.includes(each)) continue;
      told.push(`${each.path}: set aside: another file holds the same`);
      await this.#aside.move(
        each.path,
        `another file holds log ${each.logId} offsets from ${each.baseOffset} on`,
      );
    }
    const misnamed = staying.filter((each) => basename(each.path) !== rightName(each));
    if (misnamed.length === 0) return staying;
    for (const each of misnamed) {
      told.push(`${each.path}: holds what belongs under ${rightName(each)}; renamed`);
      const passing = `${this.#directory}/${rightName(each)}${passingSuffix}`;
      this.#disk.rename(each.path, passing);
      each.path = passing;
    }
    for (const each of misnamed) {
      const right = `${this.#directory}/${rightName(each)}`;
      this.#disk.rename(each.path, right);
      each.path = right;
    }
    await this.#disk.syncDirectory(this.#directory);
    return staying;
  }
}

function bytesOf(disk: Disk, path: string): Buffer {
  const file = disk.open(path, "read");
  try {
    return readWhole(file);
  } finally {
    file.close();
  }
}

function rightName({ logId, baseOffset, endOffset }: FoundSegment): string {
  return segmentFileName(logId, baseOffset, endOffset);
}

/** The last record of a whole segment: its entry id. */
export function lastEntryId(disk: Disk, { path, logId }: FoundSegment): EntryId {
  const bytes = bytesOf(disk, path);
  const id = new EntryId();
  for (const view of wholeFrames(bytes, logId)) id.copyFrom(view.id).add(view.count - 1);
  return id;
}

/**
 * The ranges of offsets, in pairs, that a whole segment leaves out: what had been removed before it was written. Where a
 * damaged journal no longer says so, no reader may look for them.
 */
export function leftOut(disk: Disk, { path, logId, baseOffset, endOffset }: FoundSegment): number[] {
  const bytes = bytesOf(disk, path);
  const ranges: number[] = [];
  let next = baseOffset;
  for (const { firstOffset, count } of wholeFrames(bytes, logId)) {
    if (firstOffset > next) ranges.push(next, firstOffset);
    next = firstOffset + count;
  }
  if (next < endOffset) ranges.push(next, endOffset);
  return ranges;
}

/** Each whole frame of the log, in order. The view is the same object each time. */
function* wholeFrames(bytes: Buffer, logId: number): Generator<FrameView> {
  const view = newFrameView();
  for (let at = segmentHeaderBytes; at < bytes.length;) {
    if (bytes[at + 4] !== frameMagic || !isFrameWhole(bytes, at, bytes.length)) {
      at++;
      continue;
    }
    const isAppend = frameKindAt(bytes, at) === frameKind.append && appendTargetCountAt(bytes, at) === 1;
    if (isAppend && viewFrame(view, bytes, at, logId)) yield view;
    at += frameLengthAt(bytes, at);
  }
}
