/**
 * MurmurHash64A, of which redis takes the register and the run of zeros of a HyperLogLog.
 *
 * Pure. JavaScript has no 64-bit integers that cost nothing: a hash is two halves of 32 bits, left in `hashLow` and `hashHigh`
 * until the next call, so that nothing is allocated for an element.
 */

const multiplierLow = 0x5bd1e995;
const multiplierHigh = 0xc6a4a793;

export let hashLow = 0;
export let hashHigh = 0;

/** Hashes `bytes[start, end)`. */
export function murmurHash64(bytes: Uint8Array, start: number, end: number, seed: number): void {
  const size = end - start;
  // h = seed ^ (size * multiplier)
  multiply(size | 0, 0);
  let low = (productLow ^ seed) | 0;
  let high = productHigh;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    multiply(word(bytes, at), word(bytes, at + 4));
    // k ^= k >> 47
    multiply(productLow ^ (productHigh >>> 15), productHigh);
    multiply(low ^ productLow, high ^ productHigh);
    low = productLow;
    high = productHigh;
  }
  if (at < end) {
    for (let i = 0; at + i < end; i++) {
      const byte = bytes[at + i]!;
      if (i < 4) low ^= byte << (8 * i);
      else high ^= byte << (8 * (i - 4));
    }
    multiply(low, high);
    low = productLow;
    high = productHigh;
  }
  multiply(low ^ (high >>> 15), high);
  hashLow = productLow ^ (productHigh >>> 15);
  hashHigh = productHigh;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

let productLow = 0;
let productHigh = 0;

/** The lower 64 bits of a product with the multiplier. */
function multiply(low: number, high: number): void {
  const a = low & 0xffff;
  const b = low >>> 16;
  const c = multiplierLow & 0xffff;
  const d = multiplierLow >>> 16;
  // The upper half of low * multiplierLow, in parts that a double holds exactly.
  const ac = a * c;
  const middle = a * d + b * c + Math.floor(ac / 0x10000);
  const upper = b * d + Math.floor(middle / 0x10000);
  productLow = Math.imul(low, multiplierLow);
  productHigh = (upper + Math.imul(low, multiplierHigh) + Math.imul(high, multiplierLow)) | 0;
}
