/**
 * Names and headers of journal files.
 *
 *     header = "TroikaMQ journal", u32 version, u32 crc32 of the other 28 bytes, u64 base position
 *
 * The base position is where the file's first frame stands in the whole sequence; the next file starts where it ends.
 */
import { BrokerError } from "../base/errors.ts";
import { crc32 } from "../base/crc32.ts";
import { readUint32, readUint64, writeUint32, writeUint64 } from "./frame.ts";

const magic = "TroikaMQ journal";
const version = 2;
export const journalHeaderBytes = 32;
const suffix = ".journal";

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
  const covered = Buffer.from(header);
  covered.fill(0, 20, 24);
  return crc32(covered, 0, journalHeaderBytes);
}

export function journalHeader(base: number): Buffer {
  const header = Buffer.alloc(journalHeaderBytes);
  header.write(magic, "latin1");
  writeUint32(header, 16, version);
  writeUint64(header, 24, base);
  writeUint32(header, 20, headerCrc(header));
  return header;
}

/** Whether a header is undamaged, of whatever version. */
export function isJournalHeaderWhole(bytes: Buffer): boolean {
  if (bytes.length < journalHeaderBytes || bytes.latin1Slice(0, 16) !== magic) return false;
  return readUint32(bytes, 20) === headerCrc(bytes.subarray(0, journalHeaderBytes));
}

/** The base position of a journal file. Throws CORRUPT with what is wrong. */
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
  const whole = header.subarray(0, journalHeaderBytes);
  if (readUint32(header, 20) !== headerCrc(whole)) {
    throw new BrokerError("CORRUPT", `${path}: the file's header fails its checksum`);
  }
  return readUint64(header, 24);
}
