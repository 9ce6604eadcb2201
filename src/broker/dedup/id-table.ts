/**
 * Finds the place of an id by its digest: a hash table that grows and shrinks a page at a time, so that no publish waits while a large
 * one is made anew.
 *
 * A directory names the page for the lowest bits of the digest's second word; a page that is full is split in two by one more bit. In a
 * page the first word says where to begin to look. Not here: the ids (id-blocks.ts). Invariant: a place is in the table
 * once; pages that the directory names twice lie there at the distance of their depth.
 */
import type { Digest, IdBlocks } from "./id-blocks.ts";

const none = 0xffff_ffff;
const slotsFirst = 64;
const slotsMax = 4096;
/** A page is full at so many of four slots; two that have fewer than one of eight together become one. */
const fullQuarters = 3;
const sparsePart = 8;

class Page {
  readonly depth: number;
  slots: Uint32Array;
  count = 0;

  constructor(depth: number, size: number) {
    this.depth = depth;
    this.slots = new Uint32Array(size).fill(none);
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
    this.bytes = slotsFirst * 4;
  }

  #page(b: number): Page {
    return this.#directory[b & ((1 << this.#depth) - 1)]!;
  }

  /** The place of that digest; -1 for none. */
  find(digest: Digest): number {
    const { slots } = this.#page(digest.b);
    const mask = slots.length - 1;
    for (let at = digest.a & mask; ; at = (at + 1) & mask) {
      const place = slots[at]!;
      if (place === none) return -1;
      if (this.#blocks.isAt(place, digest)) return place;
    }
  }

  /** The digest is not in the table. */
  add({ a, b }: Digest, place: number): void {
    let page = this.#page(b);
    while (page.count * 4 >= page.slots.length * fullQuarters) {
      if (page.slots.length < slotsMax) this.#resize(page, page.slots.length * 2);
      else this.#split(page, b);
      page = this.#page(b);
    }
    put(page, a, place);
  }

  /** The same id came again, and has another place. */
  replace({ a, b }: Digest, place: number, by: number): void {
    const { slots } = this.#page(b);
    const mask = slots.length - 1;
    let at = a & mask;
    while (slots[at] !== place) at = (at + 1) & mask;
    slots[at] = by;
  }

  /** The id at that place is forgotten; nothing where a newer one of the same digest has taken its entry. */
  remove(place: number): void {
    const blocks = this.#blocks;
    const a = blocks.wordAt(place, 0);
    const b = blocks.wordAt(place, 1);
    const page = this.#page(b);
    const { slots } = page;
    const mask = slots.length - 1;
    let hole = a & mask;
    while (slots[hole] !== place) {
      if (slots[hole] === none) return;
      hole = (hole + 1) & mask;
    }
    // What stands behind the hole and might not be found across it moves into it.
    for (let at = (hole + 1) & mask; slots[at] !== none; at = (at + 1) & mask) {
      const home = blocks.wordAt(slots[at]!, 0) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = slots[at]!;
      hole = at;
    }
    slots[hole] = none;
    page.count--;
    if (page.count * sparsePart < page.slots.length) this.#shrink(page, b);
  }

  #resize(page: Page, size: number): void {
    const old = page.slots;
    page.slots = new Uint32Array(size).fill(none);
    page.count = 0;
    this.bytes += (size - old.length) * 4;
    for (const place of old) if (place !== none) put(page, this.#blocks.wordAt(place, 0), place);
  }

  #split(page: Page, b: number): void {
    if (page.depth === this.#depth) {
      this.#directory = [...this.#directory, ...this.#directory];
      this.#depth++;
    }
    const depth = page.depth + 1;
    const halves = [new Page(depth, slotsMax), new Page(depth, slotsMax)];
    this.bytes += slotsMax * 4;
    for (const place of page.slots) {
      if (place === none) continue;
      const half = (this.#blocks.wordAt(place, 1) >>> page.depth) & 1;
      put(halves[half]!, this.#blocks.wordAt(place, 0), place);
    }
    const low = b & ((1 << page.depth) - 1);
    for (let at = low, half = 0; at < this.#directory.length; at += 1 << page.depth, half ^= 1)
      this.#directory[at] = halves[half]!;
  }

  /** A page with few ids becomes smaller, or one with the page that it was split from. */
  #shrink(page: Page, b: number): void {
    if (page.depth === 0) {
      if (page.slots.length > slotsFirst) this.#resize(page, page.slots.length / 2);
      return;
    }
    const other = this.#page(b ^ (1 << (page.depth - 1)));
    if (other.depth !== page.depth || (page.count + other.count) * sparsePart >= slotsMax * 2) return;
    const joined = new Page(page.depth - 1, slotsMax);
    this.bytes -= slotsMax * 4;
    for (const half of [page, other]) {
      for (const place of half.slots) if (place !== none) put(joined, this.#blocks.wordAt(place, 0), place);
    }
    const low = b & ((1 << joined.depth) - 1);
    for (let at = low; at < this.#directory.length; at += 1 << joined.depth) this.#directory[at] = joined;
    this.#halve();
  }

  /** The directory is as large as its deepest page needs. It is looked at when it is large, and pages have been joined. */
  #halve(): void {
    while (this.#depth > 0) {
      const half = this.#directory.length / 2;
      for (let at = 0; at < half; at++) if (this.#directory[at] !== this.#directory[at + half]) return;
      this.#directory.length = half;
      this.#depth--;
    }
  }
}

function put(page: Page, a: number, place: number): void {
  const { slots } = page;
  const mask = slots.length - 1;
  let at = a & mask;
  while (slots[at] !== none) at = (at + 1) & mask;
  slots[at] = place;
  page.count++;
}
