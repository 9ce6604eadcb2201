/**
 * Names and headers of journal files.
 *
 *     header   = "TroikaMQ journal", u32 version, u32 crc32 of the 36 other bytes so far, u64 base position,
 *                u64 epoch, followed, first
 *     followed = 0000 or "NEXT"        first = 0000 or "HEAD"
 *
 * The base position is where the file's first frame stands in the whole sequence; the next file starts where it ends.
 * The epoch counts the owners that the directory has had, one for each start: see recovery.ts. The file's name repeats both,
 * so that an owner sees by a list of names that another one has taken the directory over.
 * The last two words are notes for the start after a kill, to which a file that is missing at either end of the journal
 * would look like one that never was. They are written in place, once, when what they say is on stable storage already:
 *
 *   - followed: the next file is there, and this one is complete. Durable before anything in the next one is told to be.
 *   - first: what is in front of this file is needed by nothing. Durable before the file in front is deleted.
 *
 * A power failure may leave a part of a note. No single wrong bit looks like one: each of their bytes has two bits or more.
 */
import { BrokerError } from "../../base/errors.ts";
import { crc32 } from "../../base/checksum/crc32.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import { readUint32, readUint64, writeUint32, writeUint64 } from "./frame.ts";

const magic = "TroikaMQ journal";
const version = 4;
/** The checksum covers these bytes of the header: all but the notes, which follow. */
export const fixedHeaderBytes = 40;
export const journalHeaderBytes = 48;
const magicBytes = 16;
const noteBytes = 4;
const noteForms = {
  followed: { at: 40, word: Buffer.from("NEXT") },
  first: { at: 44, word: Buffer.from("HEAD") },
} as const;
const suffix = ".journal";

/** How much of a note is there. */
export type Note = "none" | "part" | "whole";

export const noteNames = ["followed", "first"] as const;

export type JournalNotes = Record<keyof typeof noteForms, Note>;

export const noNotes: Readonly<JournalNotes> = { followed: "none", first: "none" };

/** Where a journal file begins, and which owner of the directory made it. */
export interface JournalPlace {
  readonly base: number;
  readonly epoch: number;
}

/** Up to version 3 a name had no epoch. Such files are found, so that they can be refused. */
const namePattern = /^(\d+)(?:-(\d+))?$/;

export function journalFileName({ base, epoch }: JournalPlace): string {
  return `${base.toString().padStart(16, "0")}-${epoch}${suffix}`;
}

/** What the name of a journal file says; null where it is none. */
export function parseJournalFileName(name: string): JournalPlace | null {
  if (!name.endsWith(suffix)) return null;
  const match = namePattern.exec(name.slice(0, -suffix.length));
  if (match === null) return null;
  const place = { base: Number(match[1]), epoch: Number(match[2] ?? 0) };
  return Number.isSafeInteger(place.base) && Number.isSafeInteger(place.epoch) ? place : null;
}

export function isJournalFileName(name: string): boolean {
  return parseJournalFileName(name) !== null;
}

/** The highest epoch that names in a journal's directory tell of; 0 without any. */
export function highestEpoch(names: readonly string[]): number {
  let highest = 0;
  for (const name of names) highest = Math.max(highest, parseJournalFileName(name)?.epoch ?? 0);
  return highest;
}

function headerCrc(header: Uint8Array, size = fixedHeaderBytes): number {
  const covered = Buffer.from(header.subarray(0, size));
  covered.fill(0, 20, 24);
  return crc32(covered, 0, size);
}

export function journalHeader(place: JournalPlace, notes: Readonly<JournalNotes> = noNotes): Buffer {
  const header = Buffer.alloc(journalHeaderBytes);
  header.write(magic, "latin1");
  writeUint32(header, 16, version);
  writeUint64(header, 24, place.base);
  writeUint64(header, 32, place.epoch);
  writeUint32(header, 20, headerCrc(header));
  for (const name of noteNames) {
    const { at, word } = noteForms[name];
    if (notes[name] === "whole") header.set(word, at);
  }
  return header;
}

/** Makes the file of that place; the caller syncs it and its name. Throws errors of the disk: then call again. */
export function createJournalFile(
  disk: Disk,
  directory: string,
  place: JournalPlace,
  notes: Readonly<JournalNotes> = noNotes,
): { path: string; file: DiskFile } {
  const path = `${directory}/${journalFileName(place)}`;
  const file = disk.open(path, "create");
  const header = journalHeader(place, notes);
  try {
    file.write(header, 0, header.length, 0);
  } catch (error) {
    // A second attempt must not find the name taken.
    file.close();
    disk.remove(path);
    throw error;
  }
  return { path, file };
}

/** Writes a note in the file's header; the caller syncs the file. Throws errors of the disk: then call again. */
export function writeNote(file: DiskFile, name: keyof JournalNotes): void {
  const { at, word } = noteForms[name];
  file.write(word, 0, noteBytes, at);
}

/** The notes of a header; null if a note is neither whole nor a part that a power failure may have left. */
export function readNotes(header: Buffer): JournalNotes | null {
  const followed = readNote(header, "followed");
  const first = readNote(header, "first");
  return followed === null || first === null ? null : { followed, first };
}

function readNote(header: Buffer, name: keyof JournalNotes): Note | null {
  const { at, word } = noteForms[name];
  const found = header.subarray(at, at + noteBytes);
  if (found.equals(word)) return "whole";
  if (found.every((byte) => byte === 0)) return "none";
  return found.every((byte, i) => byte === 0 || byte === word[i]) ? "part" : null;
}

/** Whether a header is undamaged, not counting its notes. */
export function isJournalHeaderWhole(bytes: Buffer): boolean {
  if (bytes.length < journalHeaderBytes || bytes.latin1Slice(0, magicBytes) !== magic) return false;
  return readUint32(bytes, 20) === headerCrc(bytes);
}

/** The bytes that the checksum covered before version 4, whose headers were shorter. */
const oldFixedBytes = 32;

/** Throws CORRUPT for an undamaged header of an earlier version, since that is not a header torn by a power failure. */
export function assertJournalVersion(header: Buffer, path: string): void {
  if (header.length < oldFixedBytes || header.latin1Slice(0, magicBytes) !== magic) return;
  const isEarlier = readUint32(header, magicBytes) < version;
  if (isEarlier && readUint32(header, 20) === headerCrc(header, oldFixedBytes))
    throw otherVersion(header, path);
}

function otherVersion(header: Buffer, path: string): BrokerError {
  const found = readUint32(header, magicBytes);
  return new BrokerError(
    "CORRUPT",
    `${path}: journal version ${found}; this program reads version ${version}`,
  );
}

/** The place of a journal file; its notes are not read. Throws CORRUPT with the reason. */
export function readJournalHeader(header: Buffer, path: string): JournalPlace {
  if (header.length < journalHeaderBytes || header.latin1Slice(0, magicBytes) !== magic) {
    throw new BrokerError("CORRUPT", `${path}: not a TroikaMQ journal file`);
  }
  if (readUint32(header, magicBytes) !== version) throw otherVersion(header, path);
  if (readUint32(header, 20) !== headerCrc(header)) {
    throw new BrokerError("CORRUPT", `${path}: the file's header fails its checksum`);
  }
  return { base: readUint64(header, 24), epoch: readUint64(header, 32) };
}
