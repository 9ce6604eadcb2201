/** The slot of a key: of what stands between its first `{` and the next `}`, unless that is nothing, else of the whole key. */
import { crc16 } from "../../../base/checksum/crc16.ts";

export const slotCount = 16_384;

const wildcards: ReadonlySet<number> = new Set(Buffer.from("*?[\\"));
const open = 0x7b;
const close = 0x7d;

export function keySlot(bytes: Buffer, start: number, end: number): number {
  const from = bytes.subarray(start, end).indexOf(open);
  if (from >= 0) {
    const first = start + from + 1;
    const size = bytes.subarray(first, end).indexOf(close);
    if (size > 0) return crc16(bytes, first, first + size) & (slotCount - 1);
  }
  return crc16(bytes, start, end) & (slotCount - 1);
}

/**
 * The slot of all keys that a pattern of SORT can form; -1 where they may have different ones. As in Redis its tag counts if it ends before the
 * first wildcard, and `{}` does not end a tag.
 */
export function patternSlot(pattern: Buffer): number {
  let first = -1;
  for (const [index, byte] of pattern.entries()) {
    if (wildcards.has(byte)) return -1;
    if (byte === open && first < 0) first = index + 1;
    else if (byte === close && first >= 0 && index > first)
      return crc16(pattern, first, index) & (slotCount - 1);
  }
  return keySlot(pattern, 0, pattern.length);
}
