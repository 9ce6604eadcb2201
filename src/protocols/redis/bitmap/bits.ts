/**
 * Bits of bytes, counted from the highest one of the first byte, as SETBIT numbers them.
 *
 * Pure. Not here: what a command's ranges mean. Invariant: nothing outside of the range that is given is looked at.
 */

/** The bits that are set in a byte. */
const ones = new Uint8Array(256);
for (let byte = 1; byte < 256; byte++) ones[byte] = ones[byte >> 1]! + (byte & 1);

/** The set bits of `bytes[start, end)`. */
export function countBits(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  let at = start;
  for (const last = end - 4; at <= last; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  for (; at < end; at++) count += ones[bytes[at]!]!;
  return count;
}

/** The set bits from bit `first` to bit `last` of the bytes that begin at `start`, both included. */
export function countBitsBetween(bytes: Uint8Array, start: number, first: number, last: number): number {
  const from = start + Math.floor(first / 8);
  const to = start + Math.floor(last / 8);
  return (
    countBits(bytes, from, to + 1) -
    ones[bytes[from]! & ~(0xff >> (first & 7))]! -
    ones[bytes[to]! & (0x7f >> (last & 7))]!
  );
}

/**
 * The first bit that is `bit` from bit `first` to bit `last` of the bytes that begin at `start`, both included; -1 for none.
 */
export function findBit(bytes: Uint8Array, start: number, first: number, last: number, bit: 0 | 1): number {
  const flip = bit === 1 ? 0 : 0xff;
  const passed = flip === 0 ? 0 : 0xff;
  const lastByte = Math.floor(last / 8);
  let at = Math.floor(first / 8);
  let byte = (bytes[start + at]! ^ flip) & (0xff >> (first & 7));
  while (byte === 0) {
    if (at >= lastByte) return -1;
    at++;
    while (at < lastByte && bytes[start + at] === passed) at++;
    byte = bytes[start + at]! ^ flip;
  }
  const found = at * 8 + Math.clz32(byte) - 24;
  return found <= last ? found : -1;
}

export type BitOperation = "and" | "or" | "xor" | "not";

/** Joins `source[start, end)` to what is in `target` from `at` on. */
export function joinBits(
  operation: "and" | "or" | "xor",
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  const shift = at - start;
  if (operation === "and") for (let i = start; i < end; i++) target[i + shift]! &= source[i]!;
  else if (operation === "or") for (let i = start; i < end; i++) target[i + shift]! |= source[i]!;
  else for (let i = start; i < end; i++) target[i + shift]! ^= source[i]!;
}

export function invertBits(bytes: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) bytes[i] = ~bytes[i]!;
}
