/**
 * CRC-32 of bytes that many zeros follow, without the zeros: in steps as many as their count has bits.
 *
 * What a zero byte does to the remainder is linear over its bits, so what 2^k of them do is a matrix of 32 rows, made once by squaring
 * (as zlib's crc32_combine does).
 */
import { crc32 } from "./crc32.ts";

const polynomial = 0xedb88320;

/** Entry k: what 2^k zero bytes do. */
const operators: Int32Array[] = [];

function oneZeroByte(): Int32Array {
  const rows = new Int32Array(32);
  for (let bit = 0; bit < 32; bit++) {
    let remainder = 1 << bit;
    for (let i = 0; i < 8; i++) remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
    rows[bit] = remainder;
  }
  return rows;
}

function apply(rows: Int32Array, remainder: number): number {
  let result = 0;
  for (let left = remainder, bit = 0; left !== 0; left >>>= 1, bit++) if (left & 1) result ^= rows[bit]!;
  return result;
}

function operator(k: number): Int32Array {
  while (operators.length <= k) {
    const half = operators.at(-1);
    operators.push(half === undefined ? oneZeroByte() : half.map((row) => apply(half, row)));
  }
  return operators[k]!;
}

/** CRC-32 of `bytes[start, end)` and `zeros` zero bytes, fewer than 2^32, as an unsigned 32-bit number. */
export function crc32OfZerosAfter(bytes: Uint8Array, start: number, end: number, zeros: number): number {
  let remainder = ~crc32(bytes, start, end);
  for (let left = zeros, k = 0; left !== 0; left >>>= 1, k++)
    if (left & 1) remainder = apply(operator(k), remainder);
  return ~remainder >>> 0;
}
