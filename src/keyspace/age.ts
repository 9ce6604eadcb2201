/**
 * Ages: how far into the journal the oldest record is that something needs. Of an entry 32 bits have to do, so it is in units
 * of a mebibyte, which last for ever; of a segment of a large value it is the position itself.
 *
 * Invariant: an age is never above the position of the record that it is of.
 */
export const ageUnit = 2 ** 20;

export function ageOf(position: number): number {
  return Math.floor(position / ageUnit);
}
