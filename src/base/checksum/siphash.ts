/**
 * SipHash-2-4 with 128 bits, keyed: who does not know the key cannot make two inputs with the same digest on purpose, and 128 bits make it
 * out of reach by chance.
 *
 * In halves of 32 bits, which both runtimes compute without objects. Not here: the key. Invariant: the digest of the same bytes under the
 * same key is the same on every machine, since it is stored.
 */
export class SipHash {
  readonly #key: Int32Array;
  /** The digest that was computed last. */
  a = 0;
  b = 0;
  c = 0;
  d = 0;

  /** `key` is 16 bytes. */
  constructor(key: Uint8Array) {
    this.#key = Int32Array.from({ length: 4 }, (_, i) => word(key, i * 4));
  }

  /** Puts the digest of `bytes[start, end)` into `a`, `b`, `c` and `d`. */
  update(bytes: Uint8Array, start: number, end: number): void {
    const key = this.#key;
    let v0l = key[0]! ^ 0x70736575;
    let v0h = key[1]! ^ 0x736f6d65;
    let v1l = key[2]! ^ 0x6e646f6d ^ 0xee;
    let v1h = key[3]! ^ 0x646f7261;
    let v2l = key[0]! ^ 0x6e657261;
    let v2h = key[1]! ^ 0x6c796765;
    let v3l = key[2]! ^ 0x79746573;
    let v3h = key[3]! ^ 0x74656462;
    const size = end - start;
    /** Words of 8 bytes, the last of which has the rest and the size; then two steps that finish. */
    const last = size >>> 3;
    for (let step = 0; step <= last + 2; step++) {
      let ml = 0;
      let mh = 0;
      let rounds = 2;
      if (step < last) {
        const at = start + step * 8;
        ml = word(bytes, at);
        mh = word(bytes, at + 4);
      } else if (step === last) {
        mh = size << 24;
        for (let i = size & 7; i > 0;) {
          i--;
          const byte = bytes[start + last * 8 + i]!;
          if (i < 4) ml |= byte << (i * 8);
          else mh |= byte << ((i - 4) * 8);
        }
      } else {
        rounds = 4;
        if (step === last + 1) v2l ^= 0xee;
        else v1l ^= 0xdd;
      }
      v3l ^= ml;
      v3h ^= mh;
      for (; rounds > 0; rounds--) {
        let low = (v0l + v1l) | 0;
        v0h = (v0h + v1h + (((v0l & v1l) | ((v0l | v1l) & ~low)) >>> 31)) | 0;
        v0l = low;
        let l = (v1l << 13) | (v1h >>> 19);
        v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
        v1l = l ^ v0l;
        l = v0l;
        v0l = v0h;
        v0h = l;
        low = (v2l + v3l) | 0;
        v2h = (v2h + v3h + (((v2l & v3l) | ((v2l | v3l) & ~low)) >>> 31)) | 0;
        v2l = low;
        l = (v3l << 16) | (v3h >>> 16);
        v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
        v3l = l ^ v2l;
        low = (v0l + v3l) | 0;
        v0h = (v0h + v3h + (((v0l & v3l) | ((v0l | v3l) & ~low)) >>> 31)) | 0;
        v0l = low;
        l = (v3l << 21) | (v3h >>> 11);
        v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
        v3l = l ^ v0l;
        low = (v2l + v1l) | 0;
        v2h = (v2h + v1h + (((v2l & v1l) | ((v2l | v1l) & ~low)) >>> 31)) | 0;
        v2l = low;
        l = (v1l << 17) | (v1h >>> 15);
        v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
        v1l = l ^ v2l;
        l = v2l;
        v2l = v2h;
        v2h = l;
      }
      v0l ^= ml;
      v0h ^= mh;
      if (step === last + 1) {
        this.a = v0l ^ v1l ^ v2l ^ v3l;
        this.b = v0h ^ v1h ^ v2h ^ v3h;
      }
    }
    this.c = v0l ^ v1l ^ v2l ^ v3l;
    this.d = v0h ^ v1h ^ v2h ^ v3h;
  }
}

/** Little-endian, as SipHash has it. */
function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
