/**
 * Names and headers of journal files.
 *
 *     header   = "TroikaMQ journal", u32 version, u32 crc32 of the 28 other bytes so far, u64 base position,
 *                followed, first
 *     followed = 0000 or "NEXT"        first = 0000 or "HEAD"
 *
 * The base position is where the file's first frame stands in the whole sequence; the next file starts where it ends.
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
const version = 3;
/** What the header's checksum is of. */
const fixedBytes = 32;
export const journalHeaderBytes = 40;
const noteBytes = 4;
const noteForms = {
  followed: { at: 32, word: Buffer.from("NEXT") },
  first: { at: 36, word: Buffer.from("HEAD") },
} as const;
const suffix = ".journal";

/** How much of a note is there. */
export type Note = "none" | "part" | "whole";

export type JournalNotes = Record<keyof typeof noteForms, Note>;

export const noNotes: Readonly<JournalNotes> = { followed: "none", first: "none" };

export function journalFileName(base: number): string {
  return base.toString().padStart(16, "0") + suffix;
}

export function isJournalFileName(name: string): boolean {
  return name.endsWith(suffix) && Number.isSafeInteger(journalFileBase(name));
}

export function journalFileBase(name: string): number {
  return Number(name.slice(0, -suffix.length));
}

function headerCrc(header: Uint8Array): number {
  const covered = Buffer.from(header.subarray(0, fixedBytes));
  covered.fill(0, 20, 24);
  return crc32(covered, 0, fixedBytes);
}

export function journalHeader(base: number, notes: Readonly<JournalNotes> = noNotes): Buffer {
  const header = Buffer.alloc(journalHeaderBytes);
  header.write(magic, "latin1");
  writeUint32(header, 16, version);
  writeUint64(header, 24, base);
  writeUint32(header, 20, headerCrc(header));
  for (const name of ["followed", "first"] as const) {
    const { at, word } = noteForms[name];
    if (notes[name] === "whole") header.set(word, at);
  }
  return header;
}

/** Makes the file that starts at `base`; whoever calls syncs it and its name. Throws what the disk throws: then call again. */
export function createJournalFile(
  disk: Disk,
  directory: string,
  base: number,
): { path: string; file: DiskFile } {
  const path = `${directory}/${journalFileName(base)}`;
  const file = disk.open(path, "create");
  const header = journalHeader(base);
  try {
    file.write(header, 0, header.length, 0);
  } catch (error) {
    // Who tries again must not find the name taken.
    file.close();
    disk.remove(path);
    throw error;
  }
  return { path, file };
}

/** Notes it in the file's header; whoever calls syncs the file. Throws what the disk throws: then call again. */
export function writeNote(file: DiskFile, name: keyof JournalNotes): void {
  const { at, word } = noteForms[name];
  file.write(word, 0, noteBytes, at);
}

/** The notes of a header; null for one that neither was written nor is what a power failure leaves of one. */
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

/** Whether a header is undamaged, of whatever version, but for its notes. */
export function isJournalHeaderWhole(bytes: Buffer): boolean {
  if (bytes.length < journalHeaderBytes || bytes.latin1Slice(0, 16) !== magic) return false;
  return readUint32(bytes, 20) === headerCrc(bytes);
}

/** The base position of a journal file; its notes are not looked at. Throws CORRUPT with what is wrong. */
export function readJournalHeader(header: Buffer, path: string): number {
  if (header.length < journalHeaderBytes || header.latin1Slice(0, 16) !== magic) {
    throw new BrokerError("CORRUPT", `${path}: not a TroikaMQ journal file`);
  }
  if (readUint32(header, 16) !== version) {
    throw new BrokerError(
      "CORRUPT",
      `${path}: journal version ${readUint32(header, 16)}; this program reads version ${version}`,
    );
  }
  if (readUint32(header, 20) !== headerCrc(header)) {
    throw new BrokerError("CORRUPT", `${path}: the file's header fails its checksum`);
  }
  return readUint64(header, 24);
}
