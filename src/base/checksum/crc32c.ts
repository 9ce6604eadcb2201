/**
 * CRC-32C (Castagnoli), as Kafka's batches have it. Below about 512 bytes the call into native code costs more than the
 * tables (measured). Our own files have crc32.ts, which is quicker.
 */
import { crcByTables, crcTables } from "./crc-tables.ts";
import { nativeCrc32c } from "./crc32c-native.ts";

const nativeFromBytes = 512;
const tables = crcTables(0x82f63b78);

/** CRC-32C of `bytes[start, end)` as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= nativeFromBytes) return nativeCrc32c(bytes.subarray(start, end)) >>> 0;
  return crcByTables(tables, bytes, start, end);
}
