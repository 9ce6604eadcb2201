/**
 * Numbers inside record batches: zigzag varints as in Protocol Buffers' sint32 and sint64, and int64 in place.
 *
 *     zigzag   0, -1, 1, -2, ... become 0, 1, 2, 3, ...
 *     varint   seven bits a byte, least significant first, the high bit set on all but the last
 *
 * 64-bit values are JS numbers, exact up to 2^53.
 */
import type { ByteWriter } from "../../base/bytes.ts";

const twoTo32 = 0x1_0000_0000;
const smallMax = 0x7fff_ffff;

export function writeVarint(writer: ByteWriter, value: number): void {
  if (value >= -64 && value < 64) {
    writer.uint8((value << 1) ^ (value >> 31));
    return;
  }
  writeUnsigned(writer, value >= 0 ? value * 2 : -value * 2 - 1);
}

export function varintSize(value: number): number {
  if (value >= -64 && value < 64) return 1;
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function writeUnsigned(writer: ByteWriter, value: number): void {
  let rest = value;
  while (rest > smallMax) {
    writer.uint8((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    writer.uint8((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  writer.uint8(rest);
}

/** The value that a zigzag code stands for. */
export function unzigzag(code: number): number {
  return code % 2 === 0 ? code / 2 : -(code + 1) / 2;
}

export function int32At(buffer: Uint8Array, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
}

export function int64At(buffer: Uint8Array, at: number): number {
  return int32At(buffer, at) * twoTo32 + (int32At(buffer, at + 4) >>> 0);
}

export function putInt32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}

export function putInt64(buffer: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / twoTo32);
  putInt32(buffer, at, high);
  putInt32(buffer, at + 4, value - high * twoTo32);
}
