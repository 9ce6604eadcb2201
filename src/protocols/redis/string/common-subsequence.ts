/**
 * The longest common subsequence of two runs of bytes, by the table of the lengths for all pairs of prefixes.
 *
 * Pure. Of the table two rows are kept, and one bit for each pair: which of the two shorter prefixes to go on with from there. So a
 * walk back from the end is possible, at 1/32 of the memory. Invariant: the walk takes the way of redis's LCS: a match where there is
 * one, else the shorter first run if that has the longer subsequence, else the shorter second one.
 */
import type { Job } from "../../../base/turn-work.ts";

const cellsOfUnit = 500;
const stepsOfUnit = 500;

/** Bytes `[start, end)` of one run are those of the other from `otherStart` on. */
export interface MatchedRange {
  readonly start: number;
  readonly end: number;
  readonly otherStart: number;
}

export class CommonSubsequence {
  readonly #one: Uint8Array;
  readonly #other: Uint8Array;
  /** A row of bits for each byte of the first run: whether the prefix without it has the longer subsequence. */
  #isUp: Uint8Array | null = null;
  readonly #rowBytes: number;
  /** Of the subsequence, once it is measured. */
  length = 0;
  /** The subsequence, once it was walked. */
  text: Buffer = Buffer.alloc(0);

  constructor(one: Uint8Array, other: Uint8Array) {
    this.#one = one;
    this.#other = other;
    this.#rowBytes = Math.ceil(other.length / 8);
  }

  /** Finds the length; with `isWalked` so that a walk can follow. */
  *measure(isWalked: boolean): Job<void> {
    const one = this.#one;
    const width = this.#other.length;
    if (isWalked) this.#isUp = new Uint8Array(one.length * this.#rowBytes);
    let before = new Uint32Array(width + 1);
    let row = new Uint32Array(width + 1);
    let done = 0;
    for (let i = 0; i < one.length; i++) {
      // A row in parts: a short run beside a very long one.
      for (let from = 0; from < width; from += cellsAtOnce) {
        const until = Math.min(from + cellsAtOnce, width);
        this.#fill(i, before, row, from, until);
        done += until - from + 1;
        if (done < cellsAtOnce) continue;
        yield done / cellsOfUnit;
        done = 0;
      }
      [before, row] = [row, before];
    }
    this.length = before[width]!;
  }

  #fill(i: number, before: Uint32Array, row: Uint32Array, from: number, until: number): void {
    const byte = this.#one[i]!;
    const other = this.#other;
    const isUp = this.#isUp;
    const bits = i * this.#rowBytes;
    for (let j = from; j < until; j++) {
      const up = before[j + 1]!;
      const left = row[j]!;
      if (other[j] === byte) row[j + 1] = before[j]! + 1;
      else if (up > left) {
        row[j + 1] = up;
        if (isUp !== null) isUp[bits + (j >> 3)]! |= 1 << (j & 7);
      } else row[j + 1] = left;
    }
  }

  /** Goes back from the end; `visit` is given the ranges that match, the last one first. */
  *walk(visit: (range: MatchedRange) => void): Job<void> {
    const one = this.#one;
    const other = this.#other;
    const isUp = this.#isUp!;
    this.text = Buffer.alloc(this.length);
    let i = one.length;
    let j = other.length;
    let left = this.length;
    let steps = 0;
    while (i > 0 && j > 0) {
      const end = i;
      while (i > 0 && j > 0 && one[i - 1] === other[j - 1]) {
        this.text[--left] = one[--i]!;
        j--;
        steps++;
      }
      if (i < end) visit({ start: i, end, otherStart: j });
      else if ((isUp[(i - 1) * this.#rowBytes + ((j - 1) >> 3)]! >> ((j - 1) & 7)) & 1) i--;
      else j--;
      if (++steps < stepsAtOnce) continue;
      yield steps / stepsOfUnit;
      steps = 0;
    }
  }
}

const cellsAtOnce = 32_000;
const stepsAtOnce = 8000;
