/**
 * CRC-32C (Castagnoli), as journal frames and Kafka batches use it. Short runs go through a table: below about 128
 * bytes the call into native code costs more than the loop (measured).
 */
import { crc32c as nativeCrc32c } from "@node-rs/crc32";

const nativeFromBytes = 128;
const table = makeTable();

function makeTable(): Int32Array {
  const made = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let remainder = i;
    for (let bit = 0; bit < 8; bit++) {
      remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1;
    }
    made[i] = remainder;
  }
  return made;
}

/** CRC-32C of `bytes[start, end)` as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= nativeFromBytes) return nativeCrc32c(bytes.subarray(start, end) as Buffer) >>> 0;
  let crc = -1;
  for (let i = start; i < end; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
