/**
 * A score as eight bytes that stand at any place: in a packed sorted set, and behind the member in an element table.
 *
 *     score = f64, little-endian
 *
 * By a scratch array, since no view of the bytes has the alignment. Not here: what is compared with what.
 */
const scratchDouble = new Float64Array(1);
const scratch = new Uint8Array(scratchDouble.buffer);
/** Of a big-endian machine the bytes are turned round. */
const flip = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 7;

export const scoreBytes = 8;

export function readScore(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < scoreBytes; i++) scratch[i ^ flip] = bytes[at + i]!;
  return scratchDouble[0]!;
}

export function writeScore(bytes: Uint8Array, at: number, score: number): void {
  scratchDouble[0] = score;
  for (let i = 0; i < scoreBytes; i++) bytes[at + i] = scratch[i ^ flip]!;
}

/** Below 0, 0 or above 0: by the first byte that differs, else the shorter is less. As redis orders members. */
export function compareMembers(
  one: Uint8Array,
  oneStart: number,
  oneEnd: number,
  other: Uint8Array,
  otherStart: number,
  otherEnd: number,
): number {
  const size = oneEnd - oneStart;
  const otherSize = otherEnd - otherStart;
  const common = size < otherSize ? size : otherSize;
  for (let i = 0; i < common; i++) {
    const difference = one[oneStart + i]! - other[otherStart + i]!;
    if (difference !== 0) return difference;
  }
  return size - otherSize;
}
