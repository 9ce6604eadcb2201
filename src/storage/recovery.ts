/**
 * Reads journal files from the first frame to the last whole group.
 *
 * A group counts only with its mark. What follows the last whole group is a torn tail (a write that never finished)
 * and is cut, unless a later mark says that it had been durable: then bytes in the middle have gone bad, which is an
 * error that the operator must see, never something to cut or to pass over in silence.
 */
import { BrokerError } from "../base/errors.ts";
import type { Disk, DiskFile } from "../base/disk.ts";
import {
  frameHeaderBytes,
  frameKind,
  frameKindAt,
  frameLengthAt,
  isFrameWhole,
  readUint64,
} from "./frame.ts";
import { isJournalFileName, journalHeaderBytes, readJournalHeader } from "./journal-file.ts";

export interface FoundFile {
  path: string;
  file: DiskFile;
  base: number;
  size: number;
}

/** The journal files of a directory in order. Throws CORRUPT when one is missing between two others. */
export function openJournalFiles(disk: Disk, directory: string): FoundFile[] {
  const found: FoundFile[] = [];
  for (const name of disk.list(directory)) {
    if (!isJournalFileName(name)) continue;
    const path = `${directory}/${name}`;
    const file = disk.open(path, "existing");
    const header = Buffer.alloc(journalHeaderBytes);
    const size = file.size();
    const got = file.read(header, 0, journalHeaderBytes, 0);
    found.push({ path, file, base: 0, size });
    if (got < journalHeaderBytes && found.length > 1) {
      // Created at a roll, killed before its header was written: nothing can be in it.
      found.pop();
      file.close();
      disk.remove(path);
      continue;
    }
    found.at(-1)!.base = readJournalHeader(header.subarray(0, got), path);
  }
  found.sort((a, b) => a.base - b.base);
  return found;
}

/** Sees each frame of a whole group in order. `buffer` is valid during the call only. */
export type FrameVisitor = (buffer: Buffer, at: number, length: number, position: number) => void;

export interface ScanResult {
  /** Position after the last whole group. */
  end: number;
  /** Bytes after it that were cut. */
  tornBytes: number;
}

/** Visits all frames of all files. Throws CORRUPT where bytes that had been durable are bad or missing. */
export function scanJournal(files: FoundFile[], visit: FrameVisitor): ScanResult {
  let end = files[0]?.base ?? 0;
  let buffer: Buffer = Buffer.alloc(0);
  for (let i = 0; i < files.length; i++) {
    const { file, path, base, size } = files[i]!;
    if (base !== end) {
      throw new BrokerError(
        "CORRUPT",
        `${path}: starts at ${base}, but what is before it ends at ${end}: a journal file is missing, cut or swapped`,
      );
    }
    if (buffer.length < size) buffer = Buffer.allocUnsafeSlow(size);
    const bytes = file.read(buffer, 0, size, 0);
    const endInFile = scanFile(buffer, bytes, base, visit);
    end = base + endInFile - journalHeaderBytes;
    if (endInFile === bytes) continue;
    const bad = findLaterDurable(buffer, endInFile, bytes);
    if (bad > end || i < files.length - 1) {
      throw new BrokerError(
        "CORRUPT",
        `${path}: bytes from ${endInFile} on fail their checksum, though they were durable`,
      );
    }
    return { end, tornBytes: bytes - endInFile };
  }
  return { end, tornBytes: 0 };
}

/** Visits the whole groups of one file; returns where they end. */
function scanFile(buffer: Buffer, bytes: number, base: number, visit: FrameVisitor): number {
  let groupStart = journalHeaderBytes;
  let at = groupStart;
  const starts: number[] = [];
  while (isFrameWhole(buffer, at, bytes)) {
    const length = frameLengthAt(buffer, at);
    if (frameKindAt(buffer, at) === frameKind.mark) {
      for (const start of starts) {
        visit(buffer, start, frameLengthAt(buffer, start), base + start - journalHeaderBytes);
      }
      starts.length = 0;
      groupStart = at + length;
    } else starts.push(at);
    at += length;
  }
  return groupStart;
}

/** The highest durable position that any whole mark after `from` tells of; -1 without one. */
function findLaterDurable(buffer: Buffer, from: number, bytes: number): number {
  let highest = -1;
  for (let at = from; at + frameHeaderBytes <= bytes; at++) {
    if (frameKindAt(buffer, at) !== frameKind.mark || frameLengthAt(buffer, at) !== frameHeaderBytes + 8)
      continue;
    if (isFrameWhole(buffer, at, bytes))
      highest = Math.max(highest, readUint64(buffer, at + frameHeaderBytes));
  }
  return highest;
}
