/**
 * A block of the ring of traces: events as lines of JSON behind a header.
 *
 *     block = u32 magic, u32 text bytes, u32 crc32 of all behind it, u32 events, f64 time of the first event, f64 of the last, text
 *     text  = { JSON of an event, "\n" }
 *
 * Invariant: a block whose bytes have changed is not read: its checksum covers its times and its text. Pure.
 */
import { crc32 } from "../../base/checksum/crc32.ts";

const magic = 0x54524331;
export const blockHeaderBytes = 32;
const crcAt = 8;
const checkedAt = 12;
/** A block is written before it is longer, but for one event. */
const blockTextBytesMax = 1 << 26;

export interface BlockHeader {
  readonly textBytes: number;
  readonly from: number;
  readonly to: number;
}

export function encodeBlock(text: string, events: number, from: number, to: number): Buffer {
  const size = Buffer.byteLength(text);
  const block = Buffer.allocUnsafe(blockHeaderBytes + size);
  block.writeUInt32BE(magic, 0);
  block.writeUInt32BE(size, 4);
  block.writeUInt32BE(events, checkedAt);
  block.writeDoubleBE(from, 16);
  block.writeDoubleBE(to, 24);
  block.write(text, blockHeaderBytes);
  block.writeUInt32BE(crc32(block, checkedAt, block.length), crcAt);
  return block;
}

/** Null where no block begins at `at`. */
export function readHeader(bytes: Buffer, at: number, end: number): BlockHeader | null {
  if (end - at < blockHeaderBytes || bytes.readUInt32BE(at) !== magic) return null;
  const textBytes = bytes.readUInt32BE(at + 4);
  if (textBytes > blockTextBytesMax) return null;
  return { textBytes, from: bytes.readDoubleBE(at + 16), to: bytes.readDoubleBE(at + 24) };
}

/** The text of the block that lies in `bytes[at, end)` and begins there; null where it is not whole or was changed. */
export function readBlock(bytes: Buffer, at: number, end: number): string | null {
  const header = readHeader(bytes, at, end);
  if (header === null) return null;
  const blockEnd = at + blockHeaderBytes + header.textBytes;
  if (blockEnd > end || bytes.readUInt32BE(at + crcAt) !== crc32(bytes, at + checkedAt, blockEnd))
    return null;
  return bytes.utf8Slice(at + blockHeaderBytes, blockEnd);
}

/** Where the next block may begin behind bytes that are none; -1: nowhere. */
export function nextBlockAfter(bytes: Buffer, at: number, end: number): number {
  for (let next = at + 1; next + blockHeaderBytes <= end; next++)
    if (bytes[next] === magic >>> 24 && bytes.readUInt32BE(next) === magic) return next;
  return -1;
}
