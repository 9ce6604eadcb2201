/**
 * Reads journal files from the first frame to the last whole group.
 *
 * A group counts only with its mark. What follows the last whole group is a torn tail (writes that never finished, maybe
 * over several files) and is cut, unless a later mark says that it had been durable: then bytes in the middle have gone
 * bad or a file is missing, which is an error that the operator must see, never something to pass over in silence.
 * The group that was written last has no later mark: that it was durable is known only after a clean shutdown
 * (`stop-marker.ts`).
 *
 * That a file is missing in the middle is seen from where the next one starts; at either end, from the notes in the headers
 * (`journal-file.ts`); that all are missing, from `begun-marker.ts`.
 *
 * Each start is an owner of its own, with a higher epoch than all before it, and begins a file where the journal ended
 * for it. An owner that has lost the directory may not know it yet and go on writing. So what it wrote is not taken: of a
 * file, what is at or behind the base of a later file of a higher epoch; and a whole file that begins there.
 */
import { BrokerError } from "../../base/errors.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import {
  frameHeaderBytes,
  frameKind,
  frameKindAt,
  frameLengthAt,
  frameMagic,
  isFrameWhole,
  markBytes,
  readUint64,
} from "./frame.ts";
import {
  assertJournalVersion,
  createJournalFile,
  fixedHeaderBytes,
  journalHeader,
  journalHeaderBytes,
  type JournalNotes,
  type JournalPlace,
  noNotes,
  noteNames,
  parseJournalFileName,
  readJournalHeader,
  readNotes,
  writeNote,
} from "./journal-file.ts";

export interface FoundFile extends JournalPlace {
  path: string;
  file: DiskFile;
  /** Without what an owner wrote who had lost the directory. */
  size: number;
  /** It has room for a header but all or a part of it was not written: its creation did not survive. */
  isBlank: boolean;
  notes: Readonly<JournalNotes>;
}

/** The journal files of a directory, and those of owners who had lost it. */
export interface FoundJournal {
  /** In order. */
  files: FoundFile[];
  /** To be taken by nobody. */
  outlived: FoundFile[];
}

/** Opens the journal files of a directory. Throws CORRUPT where a header is damaged. */
export function openJournalFiles(disk: Disk, directory: string, mode: "existing" | "read"): FoundJournal {
  const found: FoundFile[] = [];
  for (const name of disk.list(directory)) {
    const place = parseJournalFileName(name);
    if (place === null) continue;
    const path = `${directory}/${name}`;
    const file = disk.open(path, mode);
    found.push({ ...place, path, file, size: file.size(), isBlank: false, notes: noNotes });
  }
  found.sort(byPlace);
  for (const each of found) {
    const header = Buffer.alloc(journalHeaderBytes);
    const got = each.file.read(header, 0, journalHeaderBytes, 0);
    assertJournalVersion(header.subarray(0, got), each.path);
    const whole = journalHeader(each);
    const isTorn = header.some((byte, at) => byte === 0 && whole[at] !== 0);
    // A power failure may have left zeros in any place of it. Other bytes than these are damage.
    each.isBlank =
      got < journalHeaderBytes || (isTorn && header.every((byte, at) => byte === 0 || byte === whole[at]));
    if (each.isBlank) continue;
    const { base, epoch } = readJournalHeader(header, each.path);
    if (base !== each.base) {
      throw new BrokerError("CORRUPT", `${each.path}: starts at another position than its name says`);
    }
    if (epoch !== each.epoch) {
      throw new BrokerError(
        "CORRUPT",
        `${each.path}: is of epoch ${epoch}, not of the one that its name says`,
      );
    }
    const notes = readNotes(header);
    if (notes === null) {
      throw new BrokerError("CORRUPT", `${each.path}: a note in the file's header is damaged`);
    }
    each.notes = notes;
  }
  return withoutOutlived(found);
}

/** The order of journal files. */
export function byPlace(a: JournalPlace, b: JournalPlace): number {
  return a.base - b.base || a.epoch - b.epoch;
}

/**
 * The files, in the order of their places, that begin at or behind one of a higher epoch. One whose creation did not
 * survive is nobody's beginning: whoever made it has told nobody anything.
 */
export function outlivedOf<T extends JournalPlace & { isBlank: boolean }>(files: readonly T[]): Set<T> {
  const outlived = new Set<T>();
  for (const file of files) {
    const isOutlived = files.some(
      ({ base, epoch, isBlank }) => !isBlank && epoch > file.epoch && base <= file.base,
    );
    if (isOutlived) outlived.add(file);
  }
  return outlived;
}

function withoutOutlived(found: FoundFile[]): FoundJournal {
  const outlived = outlivedOf(found);
  const files = found.filter((file) => !outlived.has(file));
  for (const [i, file] of files.entries()) {
    const next = files[i + 1];
    if (next === undefined || next.epoch === file.epoch || next.isBlank) continue;
    file.size = Math.min(file.size, next.base - file.base + journalHeaderBytes);
  }
  return { files, outlived: [...outlived] };
}

/** Sees each frame of a whole group in order. `buffer` is valid during the call only. */
export type FrameVisitor = (buffer: Buffer, at: number, length: number, position: number) => void;

export interface ScanResult {
  /** Position after the last whole group. */
  end: number;
  /** How many of the files have something of it, the last one perhaps not all. */
  files: number;
  /** Bytes after it: of the last of these files, and of the files after it. */
  tornBytes: number;
  /** Highest position that a mark knows to be durable; what is behind it may be in the page cache only. */
  durable: number;
}

/** Visits all frames of all files. Throws CORRUPT where bytes that had been durable are bad or missing. */
export function scanJournal(files: readonly FoundFile[], visit: FrameVisitor): ScanResult {
  assertFirst(files[0]);
  let end = files[0]?.base ?? 0;
  let durable = end;
  let buffer: Buffer = Buffer.alloc(0);
  for (let i = 0; i < files.length; i++) {
    const { file, path, base, size, isBlank } = files[i]!;
    if (base !== end || isBlank) {
      const what = isBlank
        ? "has lost its header"
        : `starts at ${base}, but what is before it ends at ${end}: a journal file is missing, cut or swapped`;
      return { ...tornFrom(files, i, 0, end, `${path}: ${what}`), durable };
    }
    if (buffer.length < size) buffer = Buffer.allocUnsafeSlow(size);
    const bytes = file.read(buffer, 0, size, 0);
    const found = scanFile(buffer, bytes, base, visit);
    const endInFile = found.end;
    end = base + endInFile - journalHeaderBytes;
    durable = Math.max(durable, found.durable);
    if (endInFile === bytes) continue;
    const torn = `${path}: bytes from ${endInFile} on fail their checksum`;
    return { ...tornFrom(files, i, endInFile, end, torn), durable };
  }
  const last = files.at(-1);
  if (last !== undefined && last.notes.followed !== "none") {
    throw new BrokerError(
      "CORRUPT",
      `${last.path}: is the last journal file, but another one followed it, from position ${end} on: it is missing`,
    );
  }
  return { end, files: files.length, tornBytes: 0, durable };
}

/** Throws when files are missing in front of the first one. Where more is there than was needed, a deletion was interrupted. */
function assertFirst(first: FoundFile | undefined): void {
  if (first === undefined || first.base === 0 || first.notes.first === "whole") return;
  throw new BrokerError(
    "CORRUPT",
    `${first.path}: is the first journal file, but what is in front of position ${first.base} was still needed: a file is missing`,
  );
}

/** What is whole ends at byte `from` of file `first`. Throws when a later mark knows it to have been durable beyond. */
function tornFrom(
  files: readonly FoundFile[],
  first: number,
  from: number,
  end: number,
  problem: string,
): Omit<ScanResult, "durable"> {
  let tornBytes = 0;
  const lost = new BrokerError("CORRUPT", `${problem}, though what was there had been durable`);
  // The note that a file follows is written when that one has its header on stable storage, and all before it.
  if (from === 0 && first > 0 && files[first - 1]!.notes.followed !== "none") throw lost;
  for (let i = first; i < files.length; i++) {
    const { file, base, size, notes } = files[i]!;
    if (notes.followed !== "none") throw lost;
    const at = i === first ? from : 0;
    const bytes = Buffer.allocUnsafeSlow(size - at);
    const got = file.read(bytes, 0, size - at, at);
    if (highestDurable(bytes, got, base + at - journalHeaderBytes) > end) {
      throw lost;
    }
    tornBytes += got;
  }
  return { end, files: from === 0 ? first : first + 1, tornBytes };
}

/**
 * Takes what `scanJournal` found torn, and what is outlived, out of the files, then makes all the rest durable: a killed
 * process may have left it in the page cache only, and from here on it is told durable.
 *
 * A sync alone would prove nothing where one has failed before: the system then takes the pages for clean, though the disk
 * does not have them, and reads them back from memory. So what no mark knows to be durable is written again, in place and
 * with the same bytes. `retried` runs a write that the disk's reserve is for, again if need be.
 */
export async function makeDurable(
  disk: Disk,
  directory: string,
  { files: found, outlived }: FoundJournal,
  { end, files, tornBytes, durable }: ScanResult,
  retried: (write: () => Promise<void>) => Promise<void>,
): Promise<void> {
  for (const { file, path } of [...found.splice(files), ...outlived]) {
    file.close();
    disk.remove(path);
  }
  const last = found.at(-1);
  if (last !== undefined && tornBytes > 0) {
    last.size = end - last.base + journalHeaderBytes;
    last.file.truncate(last.size);
  }
  for (const each of found) {
    await retried(() => writeAgain(each, durable));
    await each.file.sync();
  }
  await disk.syncDirectory(directory);
}

/**
 * Its header, its notes, and all from position `from` on. A note that it has not is not written either: an owner that has
 * lost the directory may be writing it now.
 */
async function writeAgain(found: FoundFile, from: number): Promise<void> {
  const { file, path, base, size, notes } = found;
  await file.writeLater(journalHeader(found), 0, fixedHeaderBytes, 0);
  for (const name of noteNames) if (notes[name] === "whole") writeNote(file, name);
  const start = Math.max(from - base, 0) + journalHeaderBytes;
  if (start >= size) return;
  const bytes = Buffer.allocUnsafeSlow(size);
  // What was read a moment ago is looked at again: a bit that flips on its way here must not get onto the disk.
  if (file.read(bytes, 0, size, 0) < size || scanFile(bytes, size, base, () => {}).end !== size) {
    throw new BrokerError(
      "CORRUPT",
      `${path}: reads differently than a moment ago; check the disk and the machine's memory, then start again`,
    );
  }
  await file.writeLater(bytes, start, size, start);
}

/**
 * Begins the file of a new owner at `place`, the end of what was found, and notes which files are followed. All of it is
 * durable when it resolves. A last file that holds nothing makes room for it, so that starts leave no files behind.
 * `retried` runs a write that the disk's reserve is for, again if need be.
 */
export async function beginEpoch(
  disk: Disk,
  directory: string,
  found: FoundFile[],
  place: JournalPlace,
  retried: (write: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const last = found.at(-1);
  const replaced = last !== undefined && last.base === place.base ? last : null;
  const notes: JournalNotes = {
    followed: "none",
    first: replaced?.notes.first === "whole" ? "whole" : "none",
  };
  const begun = { ...place, size: journalHeaderBytes, isBlank: false, notes };
  await retried(async () => {
    const { path, file } = createJournalFile(disk, directory, place, notes);
    found.push({ ...begun, path, file });
  });
  await found.at(-1)!.file.sync();
  await disk.syncDirectory(directory);
  if (replaced !== null) {
    found.splice(-2, 1);
    replaced.file.close();
    disk.remove(replaced.path);
    await disk.syncDirectory(directory);
  }
  for (const each of found.slice(0, -1)) {
    if (each.notes.followed === "whole") continue;
    await retried(async () => writeNote(each.file, "followed"));
    await each.file.sync();
  }
}

/** Visits the whole groups of one file; returns where they end, and the highest position that they know to be durable. */
function scanFile(
  buffer: Buffer,
  bytes: number,
  base: number,
  visit: FrameVisitor,
): { end: number; durable: number } {
  let durable = 0;
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
      durable = Math.max(durable, readUint64(buffer, at + frameHeaderBytes));
      groupStart = at + length;
    } else starts.push(at);
    at += length;
  }
  return { end: groupStart, durable };
}

/** The highest durable position that a whole mark in `buffer` tells of, which stands at `position`; -1 without one. */
function highestDurable(buffer: Buffer, bytes: number, position: number): number {
  let highest = -1;
  for (let at = 0; at + markBytes <= bytes; at++) {
    if (buffer[at + 4] !== frameMagic || frameKindAt(buffer, at) !== frameKind.mark) continue;
    if (frameLengthAt(buffer, at) !== markBytes || !isFrameWhole(buffer, at, bytes)) continue;
    const durable = readUint64(buffer, at + frameHeaderBytes);
    // A message may hold bytes that look like a mark; a mark cannot know of what came after it.
    if (durable <= position + at) highest = Math.max(highest, durable);
  }
  return highest;
}
