/**
 * Changes amid a large list: which block is split when there is no room, and which numbers the parts get.
 *
 * Not here: blocks (block-list.ts), the journal. What a replay has to repeat is told to a `BlockLog`, in order. Invariant: a block of more
 * than one element has at most `blockBytesMax` bytes.
 */
import { type BlockList, numberStep } from "./block-list.ts";
import { listElementBytes } from "./list-bytes.ts";

/** Who writes down what became of the blocks. */
export interface BlockLog {
  wasSplit(number: number, index: number, made: number): void;
  /** A block has this number instead of that one, all at once. */
  wereRenumbered(before: readonly number[], now: readonly number[]): void;
  /** The block at that place is new. */
  wasMade(list: BlockList, at: number): void;
  wasSet(number: number, index: number): void;
  wasInserted(number: number, index: number): void;
}

/** Blocks on each side that get other numbers where there is no room. */
const renumberedLeast = 32;
/** Other numbers are this far from each other at least. */
const distanceLeast = 16;

export class BlockEdits {
  readonly #list: BlockList;
  readonly #log: BlockLog;
  /** The place that is changed. */
  #at: number;
  #index: number;

  constructor(list: BlockList, log: BlockLog, at: number, index: number) {
    this.#list = list;
    this.#log = log;
    this.#at = at;
    this.#index = index;
  }

  /** Adds an element in front of the place; `index` may be the block's count. */
  insert(value: Uint8Array, start: number, end: number): void {
    const list = this.#list;
    const size = listElementBytes(end - start);
    this.#makeRoom(size);
    if (list.fits(this.#at, size)) {
      list.insert(this.#at, this.#index, value, start, end);
      return this.#log.wasInserted(list.ring.numberAt(this.#at), this.#index);
    }
    // Beside the one element that is there.
    const at = this.#at + this.#index;
    const number = this.#numberBefore(at);
    list.makeBlock(at, number, false, 0);
    list.insert(at, 0, value, start, end);
    this.#log.wasMade(list, at);
  }

  /** Replaces the element at the place. */
  set(value: Uint8Array, start: number, end: number): void {
    const list = this.#list;
    list.find(this.#at, this.#index);
    this.#makeRoom(listElementBytes(end - start) - listElementBytes(list.end - list.start));
    list.set(this.#at, this.#index, value, start, end);
    this.#log.wasSet(list.ring.numberAt(this.#at), this.#index);
  }

  /** Halves the block until there is room, or one element is left. */
  #makeRoom(change: number): void {
    const list = this.#list;
    while (!list.fits(this.#at, change) && list.ring.countAt(this.#at) > 1) {
      const half = list.ring.countAt(this.#at) >> 1;
      const made = this.#numberBefore(this.#at);
      const number = list.ring.numberAt(this.#at);
      list.split(this.#at, half, made);
      this.#log.wasSplit(number, half, made);
      if (this.#index < half) continue;
      this.#at++;
      this.#index -= half;
    }
  }

  /** A number for a block in front of that place. */
  #numberBefore(at: number): number {
    const { ring } = this.#list;
    if (at === 0) return ring.numberAt(0) - numberStep;
    if (at === ring.length) return ring.numberAt(at - 1) + numberStep;
    if (ring.numberAt(at) - ring.numberAt(at - 1) < 2) this.#renumber(at);
    return Math.floor((ring.numberAt(at - 1) + ring.numberAt(at)) / 2);
  }

  /** The numbers around a place are spread: over as many blocks as it takes for them to be far from each other. */
  #renumber(at: number): void {
    const { ring } = this.#list;
    for (let side = renumberedLeast; ; side *= 2) {
      const from = Math.max(at - side, 0);
      const until = Math.min(at + side, ring.length);
      const count = until - from;
      const low = from > 0 ? ring.numberAt(from - 1) : ring.numberAt(0) - numberStep * count;
      const high = until < ring.length ? ring.numberAt(until) : ring.numberAt(until - 1) + numberStep * count;
      const distance = Math.floor((high - low) / (count + 1));
      if (distance < distanceLeast) continue;
      const before: number[] = [];
      const now: number[] = [];
      for (let i = 0; i < count; i++) {
        before.push(ring.numberAt(from + i));
        now.push(low + distance * (i + 1));
        ring.setNumber(from + i, now[i]!);
      }
      return this.#log.wereRenumbered(before, now);
    }
  }
}
