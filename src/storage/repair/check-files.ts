/**
 * Looks at the bytes of one journal or segment file, frame by frame, and finds every damaged place, not only the first.
 *
 * It does not know what the frames add up to (`check.ts`).
 */
import { BrokerError } from "../../base/errors.ts";
import type { DiskFile } from "../../base/disk.ts";
import {
  appendCountAt,
  appendHeaderBytes,
  appendTargetAt,
  appendTargetCountAt,
  frameKind,
  frameKindAt,
  frameLengthAt,
  frameMagic,
  isFrameWhole,
  readUint32,
  readUint64,
} from "../journal/frame.ts";
import { readSegmentFooter, segmentFrameHeaderBytes } from "../segment/segment-file.ts";
import { checkSegmentHeader, segmentEntryFields, segmentHeaderBytes } from "../segment/segment-format.ts";

export interface DamagedRange {
  from: number;
  to: number;
  /** Logs and offsets that the damaged frame seems to have held; empty when its header tells nothing. */
  affected: string;
}

/** Walks the frames of `buffer[from, to)`; returns how many are whole and the places where none is. */
export function findDamage(
  buffer: Buffer,
  from: number,
  to: number,
): { frames: number; damaged: DamagedRange[] } {
  const damaged: DamagedRange[] = [];
  let frames = 0;
  let at = from;
  while (at < to) {
    if (isFrameWhole(buffer, at, to)) {
      frames++;
      at += frameLengthAt(buffer, at);
      continue;
    }
    const start = at;
    do at++;
    while (at < to && (buffer[at + 4] !== frameMagic || !isFrameWhole(buffer, at, to)));
    damaged.push({ from: start, to: at, affected: affectedBy(buffer, start, at) });
  }
  return { frames, damaged };
}

/** What a damaged frame's header seems to say, when it is plausible. */
export function affectedBy(buffer: Buffer, at: number, end: number): string {
  if (end - at < appendHeaderBytes || frameKindAt(buffer, at) !== frameKind.append) return "";
  const targets = Math.min(appendTargetCountAt(buffer, at), 8);
  const names: string[] = [];
  for (let i = 0; i < targets && appendTargetAt(at, i + 1) <= end; i++) {
    const target = appendTargetAt(at, i);
    const first = readUint64(buffer, target + 4);
    names.push(
      `log ${readUint32(buffer, target)} offsets ${first} to ${first + appendCountAt(buffer, at) - 1}`,
    );
  }
  return names.join(", ");
}

/** Reads a whole file: only `check` and repair do. */
export function readWhole(file: DiskFile): Buffer {
  const buffer = Buffer.allocUnsafeSlow(file.size());
  return buffer.subarray(0, file.read(buffer, 0, buffer.length, 0));
}

/** Verifies a whole segment file; returns its frames. Throws CORRUPT with the first thing that is wrong. */
export function checkSegment(file: DiskFile, path: string, log: number, base: number, end: number): number {
  const bytes = readWhole(file);
  checkSegmentHeader(bytes.subarray(0, segmentHeaderBytes), log, base, path);
  const footer = readSegmentFooter(file, path);
  const wrong = (at: number, what: string): never => {
    throw new BrokerError("CORRUPT", `${path}: byte ${at}: ${what}`);
  };
  if (footer.baseOffset !== base || footer.endOffset !== end)
    wrong(bytes.length, "the footer names other offsets");
  const framesEnd = segmentHeaderBytes + footer.bytes;
  let at = segmentHeaderBytes;
  let frames = 0;
  let records = 0;
  let offset = base;
  let entry = 0;
  while (at < framesEnd) {
    if (!isFrameWhole(bytes, at, framesEnd)) wrong(at, "a frame fails its checksum");
    const length = frameLengthAt(bytes, at);
    if (length < segmentFrameHeaderBytes || frameKindAt(bytes, at) !== frameKind.append)
      wrong(at, "is no message");
    const target = appendTargetAt(at, 0);
    const first = readUint64(bytes, target + 4);
    if (appendTargetCountAt(bytes, at) !== 1 || readUint32(bytes, target) !== log)
      wrong(at, "is of another log");
    if (first < offset) wrong(at, `offset ${first} comes after ${offset - 1}`);
    if (footer.entries[entry + 1] === at) {
      if (footer.entries[entry] !== first) wrong(at, "the footer's index names another offset");
      entry += segmentEntryFields;
    }
    offset = first + appendCountAt(bytes, at);
    records += appendCountAt(bytes, at);
    frames++;
    at += length;
  }
  if (entry !== footer.entries.length) wrong(framesEnd, "the footer's index names places that are no frames");
  if (records !== footer.records || offset > end) wrong(framesEnd, "the footer counts other records");
  return frames;
}
