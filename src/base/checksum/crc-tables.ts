/**
 * A 32-bit CRC by tables, eight bytes at a time, for runs that are too short for a call into native code.
 */

/** Table `k` at `k * 256`: what a byte does to the remainder when `k` more bytes follow it. `polynomial` is reflected. */
export function crcTables(polynomial: number): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let i = 0; i < 256; i++) {
    let remainder = i;
    for (let bit = 0; bit < 8; bit++)
      remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
    made[i] = remainder;
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256]!;
    made[i] = made[before & 0xff]! ^ (before >>> 8);
  }
  return made;
}

/** The CRC of `bytes[start, end)` as an unsigned 32-bit number. */
export function crcByTables(tables: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      tables[1792 + (low & 0xff)]! ^
      tables[1536 + ((low >>> 8) & 0xff)]! ^
      tables[1280 + ((low >>> 16) & 0xff)]! ^
      tables[1024 + (low >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = tables[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
