/**
 * Finds the place of an id by its digest: a hash table that grows and shrinks a page at a time, so that no publish waits while a large
 * one is made anew.
 *
 *     slot = i32 first word of the digest, i32 place or -1
 *
 * The lowest bits of the digest's first word say where in a page to begin to look; a directory names the page for those above; a page
 * that is full is split in two by one more bit. The word stands in the slot, so that ids of other digests are passed, moved and split
 * without a look at them. Not here: the ids (id-blocks.ts). Invariant: a place is in the table once; pages that the directory names twice lie there at the
 * distance of their depth.
 */
import type { Digest, IdBlocks } from "./id-blocks.ts";

const none = -1;
const slotsFirst = 64;
const slotBitsMax = 12;
const slotsMax = 1 << slotBitsMax;
const bytesOfSlot = 8;
/** A page is full at so many of eight slots; two that have fewer than one of eight together become one. */
const fullEighths = 6;
const sparsePart = 8;

class Page {
  readonly depth: number;
  /** Two numbers for each slot. */
  slots: Int32Array;
  /** Of slots. */
  mask: number;
  count = 0;

  constructor(depth: number, size: number) {
    this.depth = depth;
    this.slots = new Int32Array(size * 2).fill(none);
    this.mask = size - 1;
  }

  get size(): number {
    return this.mask + 1;
  }

  put(a: number, place: number): void {
    const { slots, mask } = this;
    let at = a & mask;
    while (slots[at * 2 + 1] !== none) at = (at + 1) & mask;
    slots[at * 2] = a;
    slots[at * 2 + 1] = place;
    this.count++;
  }

  /** Where the place stands that has this first word; -1 where it does not. */
  slotOf(a: number, place: number): number {
    const { slots, mask } = this;
    for (let at = a & mask; ; at = (at + 1) & mask) {
      const found = slots[at * 2 + 1]!;
      if (found === place) return at;
      if (found === none) return -1;
    }
  }

  /** What stands behind the hole and might not be found across it moves into it. */
  removeAt(slot: number): void {
    const { slots, mask } = this;
    let hole = slot;
    for (let at = (hole + 1) & mask; slots[at * 2 + 1] !== none; at = (at + 1) & mask) {
      const home = slots[at * 2]! & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole * 2] = slots[at * 2]!;
      slots[hole * 2 + 1] = slots[at * 2 + 1]!;
      hole = at;
    }
    slots[hole * 2 + 1] = none;
    this.count--;
  }

  resize(size: number): void {
    const old = this.slots;
    this.slots = new Int32Array(size * 2).fill(none);
    this.mask = size - 1;
    this.count = 0;
    for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== none) this.put(old[at]!, old[at + 1]!);
  }
}

export class IdTable {
  readonly #blocks: IdBlocks;
  #directory: Page[];
  #depth = 0;
  bytes: number;

  constructor(blocks: IdBlocks) {
    this.#blocks = blocks;
    this.#directory = [new Page(0, slotsFirst)];
    this.bytes = slotsFirst * bytesOfSlot;
  }

  #page(a: number): Page {
    return this.#directory[(a >>> slotBitsMax) & ((1 << this.#depth) - 1)]!;
  }

  /** The place of that digest; -1 for none. */
  find(digest: Digest): number {
    const { a } = digest;
    const { slots, mask } = this.#page(a);
    for (let at = a & mask; ; at = (at + 1) & mask) {
      const place = slots[at * 2 + 1]!;
      if (place === none || (slots[at * 2] === a && this.#blocks.isAt(place, digest))) return place;
    }
  }

  /** The digest is not in the table. */
  add({ a }: Digest, place: number): void {
    let page = this.#page(a);
    while (page.count * 8 >= page.size * fullEighths) {
      if (page.size < slotsMax) this.#resize(page, page.size * 2);
      else this.#split(page, a);
      page = this.#page(a);
    }
    page.put(a, place);
  }

  /** The same id came again, and has another place. False: the place was not there. */
  replace({ a }: Digest, place: number, by: number): boolean {
    const page = this.#page(a);
    const slot = page.slotOf(a, place);
    if (slot >= 0) page.slots[slot * 2 + 1] = by;
    return slot >= 0;
  }

  /** The id at that place is forgotten; nothing where a newer one of the same digest has taken its entry. */
  remove(place: number): void {
    const a = this.#blocks.firstWordAt(place);
    const page = this.#page(a);
    const slot = page.slotOf(a, place);
    if (slot < 0) return;
    page.removeAt(slot);
    if (page.count * sparsePart < page.size) this.#shrink(page, a);
  }

  #resize(page: Page, size: number): void {
    this.bytes += (size - page.size) * bytesOfSlot;
    page.resize(size);
  }

  #split({ depth, slots }: Page, a: number): void {
    if (depth === this.#depth) {
      this.#directory = [...this.#directory, ...this.#directory];
      this.#depth++;
    }
    const halves = [new Page(depth + 1, slotsMax), new Page(depth + 1, slotsMax)];
    this.bytes += slotsMax * bytesOfSlot;
    for (let at = 0; at < slots.length; at += 2) {
      const half = (slots[at]! >>> (slotBitsMax + depth)) & 1;
      if (slots[at + 1] !== none) halves[half]!.put(slots[at]!, slots[at + 1]!);
    }
    const low = (a >>> slotBitsMax) & ((1 << depth) - 1);
    for (let at = low, half = 0; at < this.#directory.length; at += 1 << depth, half ^= 1)
      this.#directory[at] = halves[half]!;
  }

  /** A page with few ids becomes smaller, or one with the page that it was split from. */
  #shrink(page: Page, a: number): void {
    if (page.depth === 0) {
      if (page.size > slotsFirst) this.#resize(page, page.size / 2);
      return;
    }
    const other = this.#page(a ^ (1 << (slotBitsMax + page.depth - 1)));
    if (other.depth !== page.depth || (page.count + other.count) * sparsePart >= slotsMax * 2) return;
    const joined = new Page(page.depth - 1, slotsMax);
    this.bytes -= slotsMax * bytesOfSlot;
    for (const { slots } of [page, other]) {
      for (let at = 0; at < slots.length; at += 2)
        if (slots[at + 1] !== none) joined.put(slots[at]!, slots[at + 1]!);
    }
    const low = (a >>> slotBitsMax) & ((1 << joined.depth) - 1);
    for (let at = low; at < this.#directory.length; at += 1 << joined.depth) this.#directory[at] = joined;
    this.#halve();
  }

  /** The directory is as large as its deepest page needs. It is looked at when pages have been joined. */
  #halve(): void {
    while (this.#depth > 0) {
      const half = this.#directory.length / 2;
      for (let at = 0; at < half; at++) if (this.#directory[at] !== this.#directory[at + half]) return;
      this.#directory.length = half;
      this.#depth--;
    }
  }
}
