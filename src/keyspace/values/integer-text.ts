/**
 * Integers of 64 bits as redis spells them, compared as text: a set of them is kept and shown in their order.
 *
 * Not here: their values. Invariant: what is an integer here is spelt in the only way in which redis would print it.
 */

const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const digitsMost = 19;
const largest = Buffer.from("9223372036854775807");
const smallest = Buffer.from("9223372036854775808");

/** `0` or `-?[1-9][0-9]*` within 64 bits. */
export function isInteger(bytes: Uint8Array, start: number, end: number): boolean {
  const isNegative = bytes[start] === minus && end > start;
  const first = isNegative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > digitsMost) return false;
  if (bytes[first] === zero) return digits === 1 && !isNegative;
  for (let at = first; at < end; at++) if (bytes[at]! < zero || bytes[at]! > nine) return false;
  return digits < digitsMost || compareDigits(bytes, first, isNegative ? smallest : largest, 0, digits) <= 0;
}

/** Below 0, 0 or above 0, as the first integer is less than the second, the same or more. */
export function compareIntegers(
  one: Uint8Array,
  start: number,
  end: number,
  other: Uint8Array,
  otherStart: number,
  otherEnd: number,
): number {
  const isNegative = one[start] === minus;
  if (isNegative !== (other[otherStart] === minus)) return isNegative ? -1 : 1;
  const size = end - start;
  const longer = size - (otherEnd - otherStart);
  const order = longer === 0 ? compareDigits(one, start, other, otherStart, size) : longer;
  return isNegative ? 0 - order : order;
}

function compareDigits(
  one: Uint8Array,
  start: number,
  other: Uint8Array,
  otherStart: number,
  size: number,
): number {
  for (let i = 0; i < size; i++) {
    const order = one[start + i]! - other[otherStart + i]!;
    if (order !== 0) return order;
  }
  return 0;
}
