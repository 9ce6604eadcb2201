/**
 * Intsets: small sets of integers in redis's dumps.
 *
 *     intset = u32 bytes of an integer (2, 4 or 8), u32 count, integers in their order            little-endian
 *
 * Not here: which integers. Invariant: a reader looks at nothing outside of its bytes, and throws `BadData`.
 */
import type { ByteWriter } from "../../../../base/bytes.ts";
import { BadData, type RdbElements } from "./types.ts";

const headerBytes = 8;

/** Writes integers that are in their order already. */
export function writeIntset(out: ByteWriter, integers: readonly bigint[]): void {
  const first = integers[0] ?? 0n;
  const last = integers[integers.length - 1] ?? 0n;
  const fits = (bits: number): boolean =>
    BigInt.asIntN(bits, first) === first && BigInt.asIntN(bits, last) === last;
  const size = fits(16) ? 2 : fits(32) ? 4 : 8;
  let at = out.reserve(headerBytes + size * integers.length);
  out.buffer.writeUInt32LE(size, at);
  out.buffer.writeUInt32LE(integers.length, at + 4);
  at += headerBytes;
  for (const integer of integers) {
    if (size === 8) out.buffer.writeBigInt64LE(integer, at);
    else out.buffer.writeIntLE(Number(integer), at, size);
    at += size;
  }
}

export class IntsetReader implements RdbElements {
  readonly #buffer: Buffer;
  readonly #size: number;
  readonly #end: number;
  #at: number;
  /** The digits of the integer that was read last. */
  bytes: Buffer;
  readonly start = 0;
  end = 0;

  /** Of the intset that is all of `buffer[start, end)`. */
  constructor(buffer: Buffer, start: number, end: number) {
    const size = end - start < headerBytes ? 0 : buffer.readUInt32LE(start);
    if (
      (size !== 2 && size !== 4 && size !== 8) ||
      buffer.readUInt32LE(start + 4) * size !== end - start - headerBytes
    )
      throw new BadData("an intset of another size");
    this.#buffer = buffer;
    this.bytes = buffer;
    this.#size = size;
    this.#at = start + headerBytes;
    this.#end = end;
  }

  next(): boolean {
    const at = this.#at;
    const size = this.#size;
    if (at === this.#end) return false;
    const buffer = this.#buffer;
    const integer = size === 8 ? buffer.readBigInt64LE(at) : buffer.readIntLE(at, size);
    this.bytes = Buffer.from(String(integer), "latin1");
    this.end = this.bytes.length;
    this.#at = at + size;
    return true;
  }
}
