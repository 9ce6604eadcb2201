/**
 * The leaves of a score tree: members in their order, some in each leaf, all leaves in a chain.
 *
 *     leaf = i32 count, i32 next leaf, i32 previous leaf, i32 unused, 68 x f64 score, 68 x i32 reference
 *            in a block of the arena; 0 is no leaf
 *
 * Not here: which leaf a member belongs into (score-tree.ts). Invariant: `first` and `last` are the ends of the chain, 0 without leaves.
 */
import { type Arena, wordOf } from "../../arena.ts";
import type { Ref } from "../element-table.ts";

export const leafMax = 68;
const headerBytes = 16;
const leafBytes = headerBytes + leafMax * 12;
const leafWords = leafBytes >> 2;
const countWord = 0;
const nextWord = 1;
const previousWord = 2;
/** From a leaf's first word, in doubles and in words. */
const scoresDouble = headerBytes >> 3;
const refsWord = (headerBytes + leafMax * 8) >> 2;

/** A leaf that is walked through: where its members are. Valid until the next change. */
export interface OpenLeaf {
  words: Int32Array;
  doubles: Float64Array;
  /** The first score in `doubles`, and the first reference in `words`. */
  scoresAt: number;
  refsAt: number;
  size: number;
}

const noWords = new Int32Array(0);
const noDoubles = new Float64Array(0);

export function noLeaf(): OpenLeaf {
  return { words: noWords, doubles: noDoubles, scoresAt: 0, refsAt: 0, size: 0 };
}

/** Below 0 where what is sought stands before that member. */
export type Order = (score: number, ref: Ref) => number;

export class ScoreLeaves {
  readonly #arena: Arena;
  first = 0;
  last = 0;
  /** How many leaves there are. */
  count = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  get heldBytes(): number {
    return this.count * leafBytes;
  }

  /** How many members a leaf has. */
  sizeOf(leaf: number): number {
    return this.#arena.chunk(leaf).words[wordOf(leaf) + countWord]!;
  }

  /** Says in `into` where the members of a leaf are; none of leaf 0. */
  open(leaf: number, into: OpenLeaf): void {
    const { words, doubles } = this.#arena.chunk(leaf);
    const word = wordOf(leaf);
    into.words = words;
    into.doubles = doubles;
    into.scoresAt = (word >> 1) + scoresDouble;
    into.refsAt = word + refsWord;
    into.size = leaf === 0 ? 0 : words[word + countWord]!;
  }

  nextOf(leaf: number): number {
    return this.#arena.chunk(leaf).words[wordOf(leaf) + nextWord]!;
  }

  previousOf(leaf: number): number {
    return this.#arena.chunk(leaf).words[wordOf(leaf) + previousWord]!;
  }

  scoreAt(leaf: number, place: number): number {
    return this.#arena.chunk(leaf).doubles[(wordOf(leaf) >> 1) + scoresDouble + place]!;
  }

  refAt(leaf: number, place: number): Ref {
    return this.#arena.chunk(leaf).words[wordOf(leaf) + refsWord + place]!;
  }

  setScore(leaf: number, place: number, score: number): void {
    this.#arena.chunk(leaf).doubles[(wordOf(leaf) >> 1) + scoresDouble + place] = score;
  }

  setRef(leaf: number, place: number, ref: Ref): void {
    this.#arena.chunk(leaf).words[wordOf(leaf) + refsWord + place] = ref;
  }

  /** The first place whose member is not before what is sought. `order` says so where its score is `sought`; NaN: of all members. */
  placeOf(leaf: number, sought: number, order: Order): number {
    const hasScore = !Number.isNaN(sought);
    const { words, doubles } = this.#arena.chunk(leaf);
    const at = wordOf(leaf);
    const scores = (at >> 1) + scoresDouble;
    const refs = at + refsWord;
    let low = 0;
    let high = words[at + countWord]!;
    while (low < high) {
      const middle = (low + high) >> 1;
      const score = doubles[scores + middle]!;
      if (hasScore && sought !== score ? sought < score : order(score, words[refs + middle]!) <= 0)
        high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Puts a member into a leaf that has room. */
  insert(leaf: number, place: number, score: number, ref: Ref): void {
    const { words, doubles } = this.#arena.chunk(leaf);
    const at = wordOf(leaf);
    const count = words[at + countWord]!;
    const scores = (at >> 1) + scoresDouble;
    const refs = at + refsWord;
    if (place < count) {
      doubles.copyWithin(scores + place + 1, scores + place, scores + count);
      words.copyWithin(refs + place + 1, refs + place, refs + count);
    }
    doubles[scores + place] = score;
    words[refs + place] = ref;
    words[at + countWord] = count + 1;
  }

  /** Takes a member out; returns how many the leaf has left. */
  cut(leaf: number, place: number): number {
    const { words, doubles } = this.#arena.chunk(leaf);
    const at = wordOf(leaf);
    const count = words[at + countWord]! - 1;
    const scores = (at >> 1) + scoresDouble;
    const refs = at + refsWord;
    if (place < count) {
      doubles.copyWithin(scores + place, scores + place + 1, scores + count + 1);
      words.copyWithin(refs + place, refs + place + 1, refs + count + 1);
    }
    words[at + countWord] = count;
    return count;
  }

  /** Makes a leaf behind `leaf`, which is the last one if it is 0. It gets the members of `leaf` from the place `kept` on. */
  makeBehind(leaf: number, kept: number): number {
    const made = this.#arena.allocate(leafBytes);
    const { words } = this.#arena.chunk(made);
    const at = wordOf(made);
    const next = leaf === 0 ? 0 : this.nextOf(leaf);
    words[at + countWord] = 0;
    words[at + nextWord] = next;
    words[at + previousWord] = leaf;
    if (leaf === 0) this.first = made;
    else this.#arena.chunk(leaf).words[wordOf(leaf) + nextWord] = made;
    if (next === 0) this.last = made;
    else this.#arena.chunk(next).words[wordOf(next) + previousWord] = made;
    this.count++;
    if (leaf !== 0) this.#move(leaf, kept, made);
    return made;
  }

  /** The members of `from` from a place on go behind those of `to`. */
  #move(from: number, place: number, to: number): void {
    const source = this.#arena.chunk(from);
    const target = this.#arena.chunk(to);
    const [a, b] = [wordOf(from), wordOf(to)];
    const [scoresA, scoresB] = [(a >> 1) + scoresDouble, (b >> 1) + scoresDouble];
    const count = source.words[a + countWord]!;
    let at = target.words[b + countWord]!;
    for (let i = place; i < count; i++, at++) {
      target.doubles[scoresB + at] = source.doubles[scoresA + i]!;
      target.words[b + refsWord + at] = source.words[a + refsWord + i]!;
    }
    source.words[a + countWord] = place;
    target.words[b + countWord] = at;
  }

  /** The members of the leaf behind `leaf` join it, and that one goes. */
  joinNext(leaf: number): void {
    const next = this.nextOf(leaf);
    this.#move(next, 0, leaf);
    this.unlink(next);
  }

  /** Moves a leaf to another block; returns where it is. */
  relocate(leaf: number): number {
    const arena = this.#arena;
    if (!arena.isLeaving(leaf)) return leaf;
    const [next, previous] = [this.nextOf(leaf), this.previousOf(leaf)];
    const place = arena.moveBlock(leaf);
    if (next === 0) this.last = place;
    else arena.chunk(next).words[wordOf(next) + previousWord] = place;
    if (previous === 0) this.first = place;
    else arena.chunk(previous).words[wordOf(previous) + nextWord] = place;
    return place;
  }

  unlink(leaf: number): void {
    const [next, previous] = [this.nextOf(leaf), this.previousOf(leaf)];
    if (next === 0) this.last = previous;
    else this.#arena.chunk(next).words[wordOf(next) + previousWord] = previous;
    if (previous === 0) this.first = next;
    else this.#arena.chunk(previous).words[wordOf(previous) + nextWord] = next;
    this.#arena.release(leaf);
    this.count--;
  }

  /** Makes a leaf at the end with the members of a leaf of `others`. */
  copyFrom(others: ScoreLeaves, leaf: number): number {
    const copy = this.makeBehind(this.last, this.last === 0 ? 0 : this.sizeOf(this.last));
    const from = others.#arena.chunk(leaf);
    const to = this.#arena.chunk(copy);
    const [a, b] = [wordOf(leaf), wordOf(copy)];
    const header = headerBytes >> 2;
    to.words.set(from.words.subarray(a + header, a + leafWords), b + header);
    to.words[b + countWord] = from.words[a + countWord]!;
    return copy;
  }

  /** Gives back up to `blocks` leaves for good; returns how many, 0 when none is left. */
  freeSome(blocks: number): number {
    let freed = 0;
    for (; this.first !== 0 && freed < blocks; freed++) {
      const leaf = this.first;
      this.first = this.nextOf(leaf);
      this.#arena.release(leaf);
    }
    return freed;
  }
}
