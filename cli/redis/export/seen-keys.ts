/**
 * Which keys were met: SCAN may give one twice, and no server loads a file that has a key twice.
 *
 * Not the keys but 96 bits of each are kept, by random seeds: that two of a hundred million keys have the same is less likely than one
 * in ten billion. Invariant: at most half of the places are taken.
 */
import { randomInt } from "node:crypto";

const firstPlaces = 1 << 12;
const words = 3;
const seedMax = 2 ** 32 - 1;

export class SeenKeys {
  readonly #seeds = [randomInt(seedMax), randomInt(seedMax), randomInt(seedMax)] as const;
  #table = new Uint32Array(firstPlaces * words);
  count = 0;

  /** Notes a key; says whether it is new. */
  add(key: Uint8Array): boolean {
    let [a, b, c]: readonly [number, number, number] = this.#seeds;
    for (const byte of key) {
      a = Math.imul(a ^ byte, 0x85eb_ca6b);
      a ^= a >>> 13;
      b = Math.imul(b ^ byte, 0xc2b2_ae35);
      b ^= b >>> 16;
      c = Math.imul(c ^ byte, 0x27d4_eb2f);
      c ^= c >>> 15;
    }
    // Zeros are a free place.
    const isNew = put(this.#table, a | 0 || 1, b, c);
    if (isNew && ++this.count * words * 2 > this.#table.length) this.#grow();
    return isNew;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += words)
      if (old[at] !== 0) put(this.#table, old[at]!, old[at + 1]!, old[at + 2]!);
  }
}

/** False where it is there already. */
function put(table: Uint32Array, a: number, b: number, c: number): boolean {
  const places = table.length / words;
  let place = ((a ^ b) >>> 0) & (places - 1);
  for (;;) {
    const at = place * words;
    if (table[at] === 0) {
      table[at] = a;
      table[at + 1] = b;
      table[at + 2] = c;
      return true;
    }
    if (table[at] === a >>> 0 && table[at + 1] === b >>> 0 && table[at + 2] === c >>> 0) return false;
    place = (place + 1) & (places - 1);
  }
}
