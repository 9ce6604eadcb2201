/**
 * Searches a text for one part of a glob pattern: steps without a star.
 *
 * Plain bytes by Knuth, Morris and Pratt: for each step, how much of the part still stands where the next byte differs. Steps
 * with `?` or classes by bits: bit i says that the part's first i + 1 steps match the bytes just read (shift-and).
 * Not here: the parts of a pattern that stand at a text's start and end, which are compared in place (glob.ts).
 * Invariant: the text is read once, never back; a byte costs two comparisons or one operation for each 32 steps.
 */
import { anyByte, firstClass, type GlobSteps, hasByte, lower } from "./glob-steps.ts";
import { limits } from "../limits.ts";

const wordBits = 32;
/** Of the search that is at work: there is one at a time, and none is left half-way. */
const state = new Int32Array(limits.globWildStepsMax / wordBits);

export class GlobSearch {
  readonly #codes: Uint16Array;
  readonly #ignoreCase: boolean;
  /** Of plain bytes: the length of the longest beginning of the part that also ends before the step. */
  readonly #shorter: Uint16Array | null;
  /** Of other steps: which of them take a byte, `words` numbers for each byte. */
  readonly #takers: Int32Array | null;

  constructor(steps: GlobSteps, from: number, to: number, ignoreCase: boolean) {
    this.#codes = steps.codes.subarray(from, to);
    this.#ignoreCase = ignoreCase;
    const isPlain = this.#codes.every((code) => code < anyByte);
    this.#shorter = isPlain ? shorterOf(this.#codes) : null;
    this.#takers = isPlain ? null : takersOf(this.#codes, steps.classes, ignoreCase);
  }

  /** Where the first match in `text[at, end)` ends; -1 without any. */
  endIn(text: Uint8Array, at: number, end: number): number {
    return this.#shorter !== null
      ? this.#plainEnd(this.#shorter, text, at, end)
      : this.#wildEnd(this.#takers!, text, at, end);
  }

  #plainEnd(shorter: Uint16Array, text: Uint8Array, start: number, end: number): number {
    const codes = this.#codes;
    const ignoreCase = this.#ignoreCase;
    let matched = 0;
    for (let at = start; at < end; at++) {
      const byte = ignoreCase ? lower(text[at]!) : text[at]!;
      while (matched > 0 && codes[matched] !== byte) matched = shorter[matched - 1]!;
      if (codes[matched] === byte && ++matched === codes.length) return at + 1;
    }
    return -1;
  }

  #wildEnd(takers: Int32Array, text: Uint8Array, start: number, end: number): number {
    const words = wordsOf(this.#codes);
    const last = words - 1;
    const wholeBit = 1 << ((this.#codes.length - 1) % wordBits);
    state.fill(0, 0, words);
    for (let at = start; at < end; at++) {
      let carry = 1;
      const row = text[at]! * words;
      for (let word = 0; word < words; word++) {
        const before = state[word]!;
        state[word] = ((before << 1) | carry) & takers[row + word]!;
        carry = before >>> 31;
      }
      if ((state[last]! & wholeBit) !== 0) return at + 1;
    }
    return -1;
  }
}

function wordsOf(codes: Uint16Array): number {
  return Math.ceil(codes.length / wordBits);
}

function shorterOf(codes: Uint16Array): Uint16Array {
  const shorter = new Uint16Array(codes.length);
  let matched = 0;
  for (let at = 1; at < codes.length; at++) {
    while (matched > 0 && codes[matched] !== codes[at]) matched = shorter[matched - 1]!;
    if (codes[matched] === codes[at]) matched++;
    shorter[at] = matched;
  }
  return shorter;
}

function takersOf(codes: Uint16Array, classes: Uint32Array, ignoreCase: boolean): Int32Array {
  const words = wordsOf(codes);
  const takers = new Int32Array(256 * words);
  codes.forEach((code, step) => {
    const word = Math.floor(step / wordBits);
    const bit = 1 << (step % wordBits);
    for (let byte = 0; byte < 256; byte++) {
      const isTaken =
        code < anyByte
          ? code === (ignoreCase ? lower(byte) : byte)
          : code === anyByte || hasByte(classes, code - firstClass, byte);
      if (isTaken) takers[byte * words + word]! |= bit;
    }
  });
  return takers;
}
