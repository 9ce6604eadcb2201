/** Entry ids for tests: as the one 128-bit number that both parts make, and where the edges of their words are. */
import fc from "fast-check";
import { EntryId } from "../../src/message/entry-id.ts";

export const partMax = (1n << 64n) - 1n;
export const idMax = (1n << 128n) - 1n;

export function entryId(number: bigint): EntryId {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(number >> 64n, 0);
  bytes.writeBigUInt64BE(number & partMax, 8);
  return new EntryId().read(bytes, 0);
}

export function numberOf(id: EntryId): bigint {
  const bytes = Buffer.alloc(16);
  id.write(bytes, 0);
  return (bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8);
}

export function idText(number: bigint): string {
  return `${number >> 64n}-${number & partMax}`;
}

const edges = [0n, 1n << 31n, 1n << 32n, 1n << 53n, 1n << 63n, partMax];

/** A part near one of the places where numbers of some kind end. */
export const anyPart: fc.Arbitrary<bigint> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...edges), fc.bigInt({ min: -3n, max: 3n }))
    .map(([edge, shift]) => BigInt.asUintN(64, edge + shift)),
  fc.bigInt({ min: 0n, max: partMax }),
);

export const anyIdNumber: fc.Arbitrary<bigint> = fc
  .tuple(anyPart, anyPart)
  .map(([ms, sequence]) => (ms << 64n) | sequence);
