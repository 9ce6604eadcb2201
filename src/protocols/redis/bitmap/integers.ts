/**
 * Integers of 1 to 64 bits that begin at any bit, the highest bit first: what BITFIELD reads and writes.
 *
 * Pure. Not here: where the bytes are. All arithmetic is that of 64 bits in redis, whose results also differ from what one would
 * expect where they pass 64 bits: a wrapped sum is taken from the lower bits.
 */

export interface IntegerType {
  readonly isSigned: boolean;
  /** 1 to 64; 63 at most without a sign. */
  readonly bits: number;
}

export type Overflow = "wrap" | "sat" | "fail";

/** The integer at bit `offset` of the bytes in `bytes[start, end)`, which are followed by zeros for ever. */
export function readInteger(
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
  { isSigned, bits }: IntegerType,
): bigint {
  const first = start + Math.floor(offset / 8);
  const last = start + Math.floor((offset + bits - 1) / 8);
  // Nine bytes at most: the first one apart, so that the others are two halves of 32 bits.
  let value = BigInt(first < end ? bytes[first]! & (0xff >> (offset & 7)) : 0);
  let half = 0;
  let halfBits = 0;
  for (let at = first + 1; at <= last; at++) {
    half = half * 256 + (at < end ? bytes[at]! : 0);
    halfBits += 8;
    if (halfBits < 32 && at < last) continue;
    value = (value << BigInt(halfBits)) | BigInt(half);
    half = 0;
    halfBits = 0;
  }
  value >>= BigInt(7 - ((offset + bits - 1) & 7));
  return isSigned ? BigInt.asIntN(bits, value) : value;
}

/** The bytes from the one with the first bit on to the one with the last: at most nine. Only the integer's bits are changed. */
export function writeInteger(bytes: Uint8Array, offset: number, { bits }: IntegerType, value: bigint): void {
  let rest = BigInt.asUintN(bits, value);
  let left = bits;
  let bit = offset + bits - 1;
  while (left > 0) {
    const at = Math.floor(bit / 8);
    const low = 7 - (bit & 7);
    const count = Math.min(8 - low, left);
    const mask = ((1 << count) - 1) << low;
    bytes[at] = (bytes[at]! & ~mask) | (Number(BigInt.asUintN(count, rest)) << low);
    rest >>= BigInt(count);
    left -= count;
    bit -= count;
  }
}

/** `value` plus `increment` in that type; null where it does not fit and `overflow` says fail. */
export function addInteger(
  value: bigint,
  increment: bigint,
  type: IntegerType,
  overflow: Overflow,
): bigint | null {
  const { isSigned, bits } = type;
  const max = (1n << BigInt(isSigned ? bits - 1 : bits)) - 1n;
  const min = isSigned ? -max - 1n : 0n;
  const sum = value + increment;
  if (sum >= min && sum <= max) return sum;
  if (overflow === "fail") return null;
  // How far it is from the value to `max` has 64 bits in redis: from -2^63 it comes to the upper end.
  if (overflow === "sat") return sum > max || (bits < 64 && max - value >= 1n << 63n) ? max : min;
  return isSigned ? BigInt.asIntN(bits, sum) : BigInt.asUintN(bits, sum);
}
