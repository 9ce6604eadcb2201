/**
 * CRC-64 with Jones's polynomial, reflected, as at the end of Redis's DUMP: 0xad93d23594c935a9, no initial value, no final one.
 *
 * Two words of 32 bits, since a JS number has not 64. Not here: where the checksum stands.
 */
const polynomialHigh = 0x95ac9329;
const polynomialLow = 0xac4bc9b5;

const tableHigh = new Int32Array(256);
const tableLow = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit++) {
    const isSet = (low & 1) === 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (isSet) {
      high ^= polynomialHigh;
      low ^= polynomialLow;
    }
  }
  tableHigh[byte] = high;
  tableLow[byte] = low;
}

export class Crc64 {
  #high = 0;
  #low = 0;

  update(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    let high = this.#high;
    let low = this.#low;
    for (let at = start; at < end; at++) {
      const index = (low ^ bytes[at]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ tableLow[index]!;
      high = (high >>> 8) ^ tableHigh[index]!;
    }
    this.#high = high;
    this.#low = low;
    return this;
  }

  /** Eight bytes, little-endian. */
  write(into: Buffer, at: number): void {
    into.writeInt32LE(this.#low | 0, at);
    into.writeInt32LE(this.#high | 0, at + 4);
  }

  isAt(bytes: Buffer, at: number): boolean {
    return bytes.readInt32LE(at) === (this.#low | 0) && bytes.readInt32LE(at + 4) === (this.#high | 0);
  }
}
