/**
 * Makes the files of a damaged journal readable again from end to end, and loses no group that is whole.
 *
 * What is damaged or missing between whole groups becomes void frames of the same length, so that every other byte keeps
 * its position: states, tables and logs say where things are by position. Why not cut at the first damaged place: the
 * cleaner moves definitions and states on from old files to new ones, so an old place damaged would cost nearly all of
 * them, and with them the messages in segments that they name. The price: of what the damaged groups said, the
 * newer part may be known and the older not (a deleted key is back, an acknowledged message comes again).
 *
 * What follows the last whole group that had been durable is cut, as at every start. Not here: what the lost groups
 * leave undone (`repair.ts`). Invariant: a file is replaced only after it was set aside, and by one rename.
 */
import { BrokerError } from "../../base/errors.ts";
import type { Disk } from "../../base/disk.ts";
import { affectedBy, readWhole } from "./check-files.ts";
import { readStopMarker } from "../journal/stop-marker.ts";
import {
  frameHeaderBytes,
  frameKind,
  frameKindAt,
  frameLengthAt,
  frameMagic,
  isFrameWhole,
  markBytes,
  readUint64,
  sealFrame,
  writeFrameHeader,
} from "../journal/frame.ts";
import {
  assertJournalVersion,
  isJournalHeaderWhole,
  journalFileName,
  journalHeader,
  journalHeaderBytes,
  type JournalNotes,
  type JournalPlace,
  parseJournalFileName,
  readJournalHeader,
  readNotes,
} from "../journal/journal-file.ts";
import { byPlace, outlivedOf } from "../journal/recovery.ts";
import type { SetAside } from "./set-aside.ts";

/** Whole groups that lie end to end, as positions. */
interface Run {
  from: number;
  to: number;
  /** The highest durable position that one of its marks tells. */
  durable: number;
}

interface PartHead extends JournalPlace {
  path: string;
  isHeaderWhole: boolean;
  /** It has no whole header and no frame: nobody was told anything by whoever made it. */
  isBlank: boolean;
}

interface Part extends JournalPlace {
  path: string;
  size: number;
  isHeaderWhole: boolean;
  /** Null when they are damaged. */
  notes: JournalNotes | null;
  runs: Run[];
  /** What is between the runs, for the report. */
  damage: string[];
}

const unfinishedSuffix = ".repair";
const voidBytesLeast = frameHeaderBytes + markBytes;
const voidFrameBytesMax = 16 << 20;

/** Repairs the journal in `directory`; returns a sentence for each thing done. Throws CORRUPT when nothing can be. */
export async function repairJournal(disk: Disk, directory: string, aside: SetAside): Promise<string[]> {
  for (const name of disk.list(directory)) {
    if (name.endsWith(unfinishedSuffix)) disk.remove(`${directory}/${name}`);
  }
  const told: string[] = [];
  const durable = await takeStopMarker(disk, directory, aside, told);
  const parts = await readParts(disk, directory, aside, told);
  const noted = notedDurable(parts);
  const dropped = cutUndurable(parts, Math.max(durable, noted));
  for (const part of dropped) {
    told.push(`${part.path}: set aside: what is in it never became durable`);
    await aside.move(part.path, "what is in it never became durable");
  }
  const finals = new Map<string, string>();
  for (const [i, part] of parts.entries()) {
    const end = parts[i + 1]?.base ?? endOf(part);
    const isLast = i === parts.length - 1;
    const notes = notesOf(part, i === 0, isLast);
    const isFollowerGone = isLast && (dropped.length === 0 || noted > end);
    const why = [...whatIsWrong(part, end, isLast), ...whatNotesSay(part, i === 0, isLast, isFollowerGone)];
    const path = `${directory}/${journalFileName(part)}`;
    if (why.length === 0) {
      finals.set(path, path);
      continue;
    }
    for (const each of why) told.push(`${part.path}: ${each}`);
    await aside.copy(part.path, why.join("; "));
    await writePart(disk, { part, end, notes, path: path + unfinishedSuffix });
    finals.set(path, path + unfinishedSuffix);
  }
  for (const [path, from] of finals) if (from !== path) disk.rename(from, path);
  for (const { path } of parts) if (!finals.has(path)) disk.remove(path);
  await disk.syncDirectory(directory);
  return told;
}

/** How far the last clean shutdown says that all was durable; -1 when it does not say. */
async function takeStopMarker(
  disk: Disk,
  directory: string,
  aside: SetAside,
  told: string[],
): Promise<number> {
  let end = -1;
  try {
    const marker = readStopMarker(disk, directory);
    if (marker === null) return -1;
    end = marker.end;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    told.push(`${directory}/CLEAN: set aside: damaged`);
  }
  await aside.move(`${directory}/CLEAN`, "says where the journal ended before this repair");
  return end;
}

async function readParts(disk: Disk, directory: string, aside: SetAside, told: string[]): Promise<Part[]> {
  const heads: PartHead[] = [];
  for (const name of disk.list(directory)) {
    const place = parseJournalFileName(name);
    if (place !== null) heads.push(readHead(disk, `${directory}/${name}`, place));
  }
  // Of two that claim the same place, that whose name says so comes first.
  const isNamed = (head: PartHead): boolean => head.path.endsWith(journalFileName(head));
  heads.sort((a, b) => byPlace(a, b) || Number(isNamed(b)) - Number(isNamed(a)));
  const outlived = outlivedOf(heads);
  for (const head of outlived) {
    const why = `a broker of epoch ${head.epoch} wrote it after another one had taken the directory over`;
    told.push(`${head.path}: set aside: ${why}`);
    await aside.move(head.path, why);
  }
  const taken = heads.filter((head) => !outlived.has(head));
  const kept: Part[] = [];
  for (const [i, head] of taken.entries()) {
    const next = taken.slice(i + 1).find(({ epoch, isBlank }) => epoch > head.epoch && !isBlank);
    const part = readPart(disk, head, next?.base ?? Infinity);
    const before = kept.at(-1);
    if (before === undefined || (part.base >= endOf(before) && part.base > before.base)) {
      kept.push(part);
      continue;
    }
    const why = `overlaps ${before.path}: it is of another time`;
    told.push(`${part.path}: set aside: ${why}`);
    await aside.move(part.path, why);
  }
  return kept;
}

/** What the header says, or where it is damaged the name. */
function readHead(disk: Disk, path: string, named: JournalPlace): PartHead {
  const file = disk.open(path, "read");
  const header = Buffer.alloc(journalHeaderBytes);
  const bytes = header.subarray(0, file.read(header, 0, journalHeaderBytes, 0));
  const size = file.size();
  file.close();
  // A whole header of another version is no damage: it throws.
  assertJournalVersion(bytes, path);
  const isHeaderWhole = isJournalHeaderWhole(bytes);
  const place = isHeaderWhole ? readJournalHeader(bytes, path) : named;
  return { ...place, path, isHeaderWhole, isBlank: !isHeaderWhole && size <= journalHeaderBytes };
}

/** `end` is where one begins who had taken the directory over: what is there is not taken. */
function readPart(disk: Disk, { path, base, epoch, isHeaderWhole }: PartHead, end: number): Part {
  const file = disk.open(path, "read");
  const whole = readWhole(file);
  file.close();
  const bytes = whole.subarray(
    0,
    Math.max(journalHeaderBytes, Math.min(whole.length, end - base + journalHeaderBytes)),
  );
  const notes = isHeaderWhole ? readNotes(bytes) : null;
  return { path, base, epoch, size: bytes.length, isHeaderWhole, notes, ...findRuns(bytes, base) };
}

/** How far all was durable, by the notes: a file that is followed was complete on stable storage. -1 without one. */
function notedDurable(parts: readonly Part[]): number {
  const last = parts.findLastIndex(({ notes }) => notes !== null && notes.followed !== "none");
  if (last < 0) return -1;
  return parts[last + 1]?.base ?? parts[last]!.base + parts[last]!.size - journalHeaderBytes;
}

/** What the header is to say from now on. */
function notesOf({ base, notes }: Part, isFirst: boolean, isLast: boolean): JournalNotes {
  const wasFirst = notes?.first === "whole";
  return {
    followed: isLast ? "none" : "whole",
    first: (isFirst && base > 0) || wasFirst ? "whole" : "none",
  };
}

/** What the notes say is missing, or that they are damaged themselves. One that is not there yet, the start writes. */
function whatNotesSay(part: Part, isFirst: boolean, isLast: boolean, isFollowerGone: boolean): string[] {
  const { base, isHeaderWhole, notes } = part;
  const wrong: string[] = [];
  if (isHeaderWhole && notes === null) wrong.push("a note in its header was damaged and was made again");
  if (isLast && notes !== null && notes.followed !== "none") {
    const follower = isFollowerGone
      ? `that one is missing, and what was written from position ${endOf(part)} on is lost`
      : "none does from now on";
    wrong.push(`its header said that another file follows: ${follower}`);
  }
  if (isFirst && base > 0 && notes !== null && notes.first !== "whole")
    wrong.push(
      `the file in front of it is missing, and what was only written before position ${base} is lost`,
    );
  return wrong;
}

/** Finds the whole groups. A group that has a damaged frame is lost as a whole: a tick happened or it did not. */
function findRuns(bytes: Buffer, base: number): { runs: Run[]; damage: string[] } {
  const runs: Run[] = [];
  const damage: string[] = [];
  const position = base - journalHeaderBytes;
  let run: Run | null = null;
  /** Where the present group starts, and the hole in front of it if it is not whole. */
  let from = journalHeaderBytes;
  let isDamaged = false;
  let affected: string[] = [];
  let durable = -1;
  const lose = (to: number): void => {
    const what = affected.filter((text) => text !== "").join(", ");
    damage.push(
      `bytes ${from} to ${to} are damaged and were made void; affected: ${what === "" ? "unknown" : what}`,
    );
    run = null;
  };
  for (let at = from; at < bytes.length;) {
    if (!isFrameWhole(bytes, at, bytes.length)) {
      isDamaged = true;
      const next = nextFrame(bytes, at);
      affected.push(affectedBy(bytes, at, next));
      at = next;
      continue;
    }
    const end = at + frameLengthAt(bytes, at);
    if (frameKindAt(bytes, at) === frameKind.mark) {
      durable = Math.max(durable, readUint64(bytes, at + frameHeaderBytes));
      if (isDamaged && end - from >= voidBytesLeast) lose(end);
      else if (!isDamaged && run !== null) {
        run.to = position + end;
        run.durable = durable;
      } else if (!isDamaged) runs.push((run = { from: position + from, to: position + end, durable }));
      isDamaged = isDamaged && end - from < voidBytesLeast;
      if (!isDamaged) {
        from = end;
        affected = [];
      }
    }
    at = end;
  }
  return { runs, damage };
}

/**
 * Where the next frame starts behind a damaged one: where the damaged one says that it ends, if a whole one is there,
 * since a message may hold bytes that look like a frame; else the next place that looks like one.
 */
function nextFrame(bytes: Buffer, at: number): number {
  const end = bytes.length;
  if (at + frameHeaderBytes <= end && bytes[at + 4] === frameMagic) {
    const next = at + frameLengthAt(bytes, at);
    if (next > at && isFrameWhole(bytes, next, end)) return next;
  }
  let next = at + 1;
  while (next < end && (bytes[next + 4] !== frameMagic || !isFrameWhole(bytes, next, end))) next++;
  return next;
}

/** Where the last whole group of the part ends. */
function endOf(part: Part): number {
  return part.runs.at(-1)?.to ?? part.base;
}

/**
 * Cuts the runs behind the first hole that no later mark knows to lie in front of what had been durable: what was
 * written behind it was promised to nobody. Returns the parts that have nothing left.
 */
function cutUndurable(parts: Part[], cleanEnd: number): Part[] {
  const runs = parts.flatMap((part) => part.runs);
  let durable = cleanEnd;
  let keep = runs.length;
  for (let i = runs.length - 1; i > 0; i--) {
    durable = Math.max(durable, runs[i]!.durable);
    if (runs[i]!.from > runs[i - 1]!.to && durable <= runs[i - 1]!.to) keep = i;
  }
  const kept = new Set(runs.slice(0, keep));
  const dropped: Part[] = [];
  for (const part of parts) part.runs = part.runs.filter((run) => kept.has(run));
  while (parts.length > 1 && parts.at(-1)!.runs.length === 0) {
    const last = parts.at(-1)!;
    const isFresh =
      last.isHeaderWhole && last.size === journalHeaderBytes && last.base === endOf(parts.at(-2)!);
    if (isFresh) break;
    dropped.push(parts.pop()!);
  }
  return dropped;
}

function whatIsWrong(part: Part, end: number, isLast: boolean): string[] {
  const wrong: string[] = [];
  if (!part.isHeaderWhole) wrong.push("its header was damaged and was made again from its name");
  if (!part.path.endsWith(journalFileName(part)))
    wrong.push(`was named for another position; it is ${part.base}, of epoch ${part.epoch}`);
  wrong.push(...part.damage);
  const last = endOf(part);
  const held = part.base + part.size - journalHeaderBytes;
  if (!isLast && end > last && end > held)
    wrong.push(`nothing is left of positions ${last} to ${end}; they were made void`);
  else if (!isLast && end > last) wrong.push(`positions ${last} to ${end} were made void`);
  if (isLast && held > last)
    wrong.push(`${held - last} bytes at the end are of no whole group and were cut off`);
  return wrong;
}

interface Writing {
  part: Part;
  end: number;
  notes: JournalNotes;
  path: string;
}

async function writePart(disk: Disk, { part, end, notes, path }: Writing): Promise<void> {
  const source = disk.open(part.path, "read");
  const bytes = readWhole(source);
  source.close();
  const file = disk.open(path, "create");
  const inFile = journalHeaderBytes - part.base;
  const header = journalHeader(part, notes);
  file.write(header, 0, header.length, 0);
  let at = part.base;
  const fill = (to: number): void => {
    for (const piece of voidGroups(to - at)) {
      file.write(piece, 0, piece.length, at + inFile);
      at += piece.length;
    }
  };
  for (const { from, to } of part.runs) {
    fill(from);
    file.write(bytes, from + inFile, to + inFile, from + inFile);
    at = to;
  }
  fill(end);
  await file.sync();
  file.close();
}

/** Groups that say nothing, `bytes` long together. */
function* voidGroups(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0;) {
    const isLast = left <= voidFrameBytesMax;
    const size = isLast ? left : voidFrameBytesMax - voidBytesLeast;
    const group = Buffer.alloc(size);
    const mark = size - markBytes;
    writeFrameHeader(group, 0, frameKind.void, 0, mark);
    sealFrame(group, 0, mark);
    writeFrameHeader(group, mark, frameKind.mark, 0, markBytes);
    sealFrame(group, mark, markBytes);
    yield group;
    left -= size;
  }
}
