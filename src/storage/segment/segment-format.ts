/**
 * Names and bytes of segment files. No files here.
 *
 *     header = "TroikaMQ segment", u32 version, u32 crc32 of the other 36 bytes, u32 log, u32 zero, u64 base offset
 *     frames = append frames as in the journal, each with the one target, in offset order
 *     footer = { u64 first offset, u64 position in the file, u64 x2 entry id, u64 newest timestamp so far },
 *              u64 base offset, u64 end offset, u64 bytes of frames, u64 records, u64 newest timestamp,
 *              u32 entries, u32 crc32 of the footer up to here
 *
 * An entry stands for each 64 KiB of frames or so; the first one for the first frame. The timestamp of an entry covers
 * what is before it, the footer's all.
 */
import { BrokerError } from "../../base/errors.ts";
import { crc32 } from "../../base/checksum/crc32.ts";
import { EntryId } from "../../message/entry-id.ts";
import { readUint32, readUint64, writeUint32, writeUint64 } from "../journal/frame.ts";

const magic = "TroikaMQ segment";
const version = 2;
export const segmentHeaderBytes = 40;
export const segmentEntryFields = 3;
const entryBytes = 40;
export const segmentTrailerBytes = 48;
/** Frames between two entries of the sparse index hold at least this much. */
export const segmentEntryEveryBytes = 64 * 1024;

export interface SegmentFooter {
  /** First offset, position and timestamp of each entry. */
  entries: Float64Array;
  /** The entries' ids, four words each (message/entry-id.ts). */
  ids: Uint32Array;
  baseOffset: number;
  endOffset: number;
  bytes: number;
  records: number;
  maxTimestamp: number;
}

export function segmentFileName(logId: number, baseOffset: number, endOffset: number): string {
  return `${logId}-${baseOffset}-${endOffset}.segment`;
}

/** Log, base and end offset of a segment's name; null for other names. */
export function parseSegmentFileName(name: string): [log: number, base: number, end: number] | null {
  if (!name.endsWith(".segment")) return null;
  const parts = name.slice(0, -".segment".length).split("-").map(Number);
  return parts.length === 3 && parts.every(Number.isSafeInteger) ? (parts as [number, number, number]) : null;
}

export function isSegmentFileName(name: string): boolean {
  return parseSegmentFileName(name) !== null;
}

function headerCrc(header: Uint8Array): number {
  const covered = Buffer.from(header);
  covered.fill(0, 20, 24);
  return crc32(covered, 0, segmentHeaderBytes);
}

export function segmentHeader(logId: number, baseOffset: number): Buffer {
  const header = Buffer.alloc(segmentHeaderBytes);
  header.write(magic, "latin1");
  writeUint32(header, 16, version);
  writeUint32(header, 24, logId);
  writeUint64(header, 32, baseOffset);
  writeUint32(header, 20, headerCrc(header));
  return header;
}

/** The log and base offset in a segment's header. Throws CORRUPT if it is damaged or of another version. */
export function readSegmentHeader(header: Buffer, path: string): { logId: number; baseOffset: number } {
  if (header.length < segmentHeaderBytes || header.latin1Slice(0, 16) !== magic) {
    throw new BrokerError("CORRUPT", `${path}: not a TroikaMQ segment file`);
  }
  if (readUint32(header, 20) !== headerCrc(header.subarray(0, segmentHeaderBytes))) {
    throw new BrokerError("CORRUPT", `${path}: the file's header fails its checksum`);
  }
  if (readUint32(header, 16) !== version) {
    throw new BrokerError(
      "CORRUPT",
      `${path}: segment version ${readUint32(header, 16)}; this program reads version ${version}`,
    );
  }
  return { logId: readUint32(header, 24), baseOffset: readUint64(header, 32) };
}

/** Throws CORRUPT unless this is the header of the segment of that log and base. */
export function checkSegmentHeader(header: Buffer, logId: number, baseOffset: number, path: string): void {
  const found = readSegmentHeader(header, path);
  if (found.logId !== logId || found.baseOffset !== baseOffset) {
    throw new BrokerError("CORRUPT", `${path}: holds another log or offset than its name says`);
  }
}

export function encodeSegmentFooter(footer: SegmentFooter): Buffer {
  const { entries, ids } = footer;
  const count = entries.length / segmentEntryFields;
  const bytes = Buffer.alloc(count * entryBytes + segmentTrailerBytes);
  const id = new EntryId();
  let at = 0;
  for (let i = 0; i < count; i++) {
    writeUint64(bytes, at, entries[i * segmentEntryFields]!);
    writeUint64(bytes, at + 8, entries[i * segmentEntryFields + 1]!);
    id.readWords(ids, i).write(bytes, at + 16);
    writeUint64(bytes, at + 32, entries[i * segmentEntryFields + 2]!);
    at += entryBytes;
  }
  for (const field of [
    footer.baseOffset,
    footer.endOffset,
    footer.bytes,
    footer.records,
    footer.maxTimestamp,
  ]) {
    writeUint64(bytes, at, field);
    at += 8;
  }
  writeUint32(bytes, at, count);
  writeUint32(bytes, at + 4, crc32(bytes, 0, at + 4));
  return bytes;
}

/** How long the footer is, from the file's last `segmentTrailerBytes`. */
export function segmentFooterBytes(trailer: Buffer): number {
  return readUint32(trailer, segmentTrailerBytes - 8) * entryBytes + segmentTrailerBytes;
}

/** Reads a whole footer. Throws CORRUPT. */
export function decodeSegmentFooter(footer: Buffer, path: string): SegmentFooter {
  const at = footer.length - segmentTrailerBytes;
  if (at < 0 || readUint32(footer, footer.length - 4) !== crc32(footer, 0, footer.length - 4)) {
    throw new BrokerError("CORRUPT", `${path}: the segment's footer fails its checksum`);
  }
  const count = Math.floor(at / entryBytes);
  const entries = new Float64Array(count * segmentEntryFields);
  const ids = new Uint32Array(count * 4);
  const id = new EntryId();
  for (let i = 0; i < count; i++) {
    const from = i * entryBytes;
    entries[i * segmentEntryFields] = readUint64(footer, from);
    entries[i * segmentEntryFields + 1] = readUint64(footer, from + 8);
    id.read(footer, from + 16).writeWords(ids, i);
    entries[i * segmentEntryFields + 2] = readUint64(footer, from + 32);
  }
  return {
    entries,
    ids,
    baseOffset: readUint64(footer, at),
    endOffset: readUint64(footer, at + 8),
    bytes: readUint64(footer, at + 16),
    records: readUint64(footer, at + 24),
    maxTimestamp: readUint64(footer, at + 32),
  };
}
