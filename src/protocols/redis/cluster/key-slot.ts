/** The slot of a key: of what stands between its first `{` and the next `}`, unless that is nothing, else of the whole key. */
import { crc16 } from "../../../base/checksum/crc16.ts";

export const slotCount = 16_384;

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
