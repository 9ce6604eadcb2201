/**
 * CRC-64 by Jones (reflected, begun with 0), as redis has it at the end of a dump.
 *
 * By tables, eight bytes at a time. A sum is two halves of 32 bits, so that nothing is allocated and bytes can come in any pieces.
 */

const polynomialLow = 0xac4bc9b5 | 0;
const polynomialHigh = 0x95ac9329 | 0;
const tableSize = 256;
const tablesLow = new Int32Array(8 * tableSize);
const tablesHigh = new Int32Array(8 * tableSize);

for (let i = 0; i < tableSize; i++) {
  let low = i;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const isOdd = (low & 1) === 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (!isOdd) continue;
    low ^= polynomialLow;
    high ^= polynomialHigh;
  }
  tablesLow[i] = low;
  tablesHigh[i] = high;
}
for (let i = tableSize; i < tablesLow.length; i++) {
  const low = tablesLow[i - tableSize]!;
  const high = tablesHigh[i - tableSize]!;
  tablesLow[i] = tablesLow[low & 0xff]! ^ ((low >>> 8) | (high << 24));
  tablesHigh[i] = tablesHigh[low & 0xff]! ^ (high >>> 8);
}

export class Crc64 {
  /** The sum of what was added so far. */
  #low = 0;
  #high = 0;

  /** Adds `bytes[start, end)`. */
  update(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    let low = this.#low;
    let high = this.#high;
    let at = start;
    for (const last = end - 8; at <= last; at += 8) {
      const a = low ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
      const b =
        high ^ (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24));
      const i0 = 1792 + (a & 0xff);
      const i1 = 1536 + ((a >>> 8) & 0xff);
      const i2 = 1280 + ((a >>> 16) & 0xff);
      const i3 = 1024 + (a >>> 24);
      const i4 = 768 + (b & 0xff);
      const i5 = 512 + ((b >>> 8) & 0xff);
      const i6 = 256 + ((b >>> 16) & 0xff);
      const i7 = b >>> 24;
      low =
        tablesLow[i0]! ^
        tablesLow[i1]! ^
        tablesLow[i2]! ^
        tablesLow[i3]! ^
        tablesLow[i4]! ^
        tablesLow[i5]! ^
        tablesLow[i6]! ^
        tablesLow[i7]!;
      high =
        tablesHigh[i0]! ^
        tablesHigh[i1]! ^
        tablesHigh[i2]! ^
        tablesHigh[i3]! ^
        tablesHigh[i4]! ^
        tablesHigh[i5]! ^
        tablesHigh[i6]! ^
        tablesHigh[i7]!;
    }
    for (; at < end; at++) {
      const i = (low ^ bytes[at]!) & 0xff;
      low = tablesLow[i]! ^ ((low >>> 8) | (high << 24));
      high = tablesHigh[i]! ^ (high >>> 8);
    }
    this.#low = low;
    this.#high = high;
    return this;
  }

  /** Whether the eight bytes from `at` on, little-endian, are the sum. */
  isAt(bytes: Uint8Array, at: number): boolean {
    for (let i = 0; i < 8; i++) if (bytes[at + i] !== this.#byte(i)) return false;
    return true;
  }

  /** Writes the sum as eight bytes, little-endian. */
  write(target: Uint8Array, at: number): void {
    for (let i = 0; i < 8; i++) target[at + i] = this.#byte(i);
  }

  #byte(index: number): number {
    return (index < 4 ? this.#low >>> (8 * index) : this.#high >>> (8 * (index - 4))) & 0xff;
  }
}
