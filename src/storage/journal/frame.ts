/**
 * The frame: the unit of the journal, of segments and of the volatile store. Bytes only; no files here.
 *
 *     frame  = u32 crc32 of all that follows
 *              u8 magic 0xA7, u8 kind, u8 envelope, u8 reserved
 *              u32 length of the whole frame
 *              body
 *     append = u32 record count, u64 timestamp ms, u32 target count,
 *              targets { u32 log, u64 first offset, u64 x2 entry id }, records
 *     records of envelope kafka = one record batch, as it came
 *     records of the others     = { u32 length, bytes } for each record
 *     put    = u16 key length, key, value        delete = u16 key length, key
 *     full, change = u32 state, bytes            mark   = u64 durable position
 *     source = u8 id of a state source (state-source.ts), its bytes
 *     void   = anything: fills the place of what a repair took out
 *
 * Record i of an append has offset `first offset + i` in each target log, and the entry id that is i above the target's
 * (message/entry-id.ts: `add`).
 * A mark ends the group of frames that one tick wrote: a group without its mark never happened.
 */
import { crc32 } from "../../base/checksum/crc32.ts";
import type { Envelope } from "../../message/envelope.ts";

export const frameKind = {
  mark: 1,
  append: 2,
  put: 3,
  delete: 4,
  full: 5,
  change: 6,
  source: 7,
  void: 8,
} as const;

export const frameMagic = 0xa7;
export const frameHeaderBytes = 12;
export const appendHeaderBytes = frameHeaderBytes + 16;
export const targetBytes = 28;
export const markBytes = frameHeaderBytes + 8;

export function readUint32(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) >>> 0;
}

export function writeUint32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}

export function readUint64(buffer: Uint8Array, at: number): number {
  return readUint32(buffer, at) * 0x1_0000_0000 + readUint32(buffer, at + 4);
}

export function writeUint64(buffer: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  writeUint32(buffer, at, high);
  writeUint32(buffer, at + 4, value - high * 0x1_0000_0000);
}

export function frameKindAt(buffer: Uint8Array, at: number): number {
  return buffer[at + 5]!;
}

export function frameEnvelopeAt(buffer: Uint8Array, at: number): Envelope {
  return buffer[at + 6]! as Envelope;
}

export function frameLengthAt(buffer: Uint8Array, at: number): number {
  return readUint32(buffer, at + 8);
}

/** Writes the twelve bytes in front of a frame whose body is in place; `sealFrame` fills in the checksum. */
export function writeFrameHeader(
  buffer: Uint8Array,
  at: number,
  kind: number,
  envelopeOfRecords: number,
  length: number,
): void {
  buffer[at + 4] = frameMagic;
  buffer[at + 5] = kind;
  buffer[at + 6] = envelopeOfRecords;
  buffer[at + 7] = 0;
  writeUint32(buffer, at + 8, length);
}

export function sealFrame(buffer: Uint8Array, at: number, length: number): void {
  writeUint32(buffer, at, crc32(buffer, at + 4, at + length));
}

/** Whether a whole frame with a right checksum starts at `at`. */
export function isFrameWhole(buffer: Uint8Array, at: number, end: number): boolean {
  if (end - at < frameHeaderBytes || buffer[at + 4] !== frameMagic) return false;
  const length = frameLengthAt(buffer, at);
  if (length < frameHeaderBytes || at + length > end) return false;
  return readUint32(buffer, at) === crc32(buffer, at + 4, at + length);
}

export function appendCountAt(buffer: Uint8Array, at: number): number {
  return readUint32(buffer, at + 12);
}

export function appendTimestampAt(buffer: Uint8Array, at: number): number {
  return readUint64(buffer, at + 16);
}

export function appendTargetCountAt(buffer: Uint8Array, at: number): number {
  return readUint32(buffer, at + 24);
}

/** Where target `index` of an append frame starts: log, first offset, entry id. */
export function appendTargetAt(at: number, index: number): number {
  return at + appendHeaderBytes + index * targetBytes;
}

/** In a target. */
export const targetOffsetAt = 4;
export const targetIdAt = 12;

export function appendRecordsAt(buffer: Uint8Array, at: number): number {
  return at + appendHeaderBytes + appendTargetCountAt(buffer, at) * targetBytes;
}
