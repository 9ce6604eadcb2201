/**
 * What DUMP gives and RESTORE takes.
 *
 *     payload = u8 type, value, u16 version, u64 CRC-64 of all before it            the last two little-endian
 *
 * Not here: the forms of values. Invariant: a payload is of version 10, that of redis 7.0; those of later versions are taken too,
 * since what is new in them has types of its own.
 */
import type { ByteWriter } from "../../../../base/bytes.ts";
import { Crc64 } from "../../../../base/checksum/crc64.ts";
import type { Job } from "../../../../base/turn-work.ts";

const version = 10;
const versionMax = 12;
export const footerBytes = 10;
const sliceBytes = 64 << 10;
const unitsOfSlice = 200;

export function writeVersion(out: ByteWriter): void {
  out.uint8(version).uint8(version >> 8);
}

export function writeSum(out: ByteWriter, sum: Crc64): void {
  const at = out.reserve(8);
  sum.write(out.buffer, at);
}

/** Whether `buffer[start, end)` ends in a version that is known and the right sum. */
export function* isPayload(buffer: Buffer, start: number, end: number): Job<boolean> {
  if (end - start < footerBytes) return false;
  if (buffer.readUInt16LE(end - footerBytes) > versionMax) return false;
  const sum = new Crc64();
  for (let at = start; at < end - 8; at += sliceBytes) {
    const until = Math.min(at + sliceBytes, end - 8);
    sum.add(buffer, at, until);
    if (until - at === sliceBytes) yield unitsOfSlice;
  }
  return sum.isAt(buffer, end - 8);
}
