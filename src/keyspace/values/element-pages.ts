/**
 * The index of an element table: from a 32-bit hash to the references that have it (extendible hashing).
 *
 *     directory = 2^depth places, by the upper bits of the hash; a page of a lower depth stands in several, side by side
 *     page      = 256 x (i32 hash, i32 reference) in a block of the arena; 0 is no reference; open addressing by the lower
 *                 8 bits of the hash, and a removal shifts back what is behind
 *
 * A page is split when it has `pageSplitAt` elements, and joins its sibling when both together have fewer than
 * `pageJoinBelow`: growing and shrinking cost a page at a time, never the whole index. Elements of one hash cannot be split.
 * Where a split would make the directory larger than the elements are worth, another page is chained to the full one.
 * Not here: what a reference leads to. Invariants: a page of depth d stands in 2^(depth - d) places of the directory; an
 * element is in the page of its hash, or in one that is chained to it; no page of a chain but the first is empty.
 */
import type { Random } from "../../base/random.ts";
import { type Arena, type ArenaChunk, wordOf } from "../arena.ts";

export const pageSplitAt = 224;
export const pageJoinBelow = 128;
const pageSlots = 256;
const slotMask = pageSlots - 1;
const pageBytes = pageSlots * 8;
/** The lower 8 bits of a hash say the slot. */
const depthMax = 24;
/** The directory has at most one place for so many elements, as it has with hashes that differ. */
const elementsAPlace = 16;
const placesFree = 16;

class Page {
  address: number;
  words: Int32Array;
  /** Where its first slot is in `words`. */
  at: number;
  depth: number;
  count = 0;
  /** Another page for the same hashes. */
  next: Page | null = null;

  constructor(address: number, chunk: ArenaChunk, depth: number) {
    this.address = address;
    this.words = chunk.words;
    this.at = wordOf(address);
    this.depth = depth;
    this.words.fill(0, this.at, this.at + pageSlots * 2);
  }

  put(hash: number, ref: number): void {
    const { words, at } = this;
    let slot = hash & slotMask;
    while (words[at + slot * 2 + 1] !== 0) slot = (slot + 1) & slotMask;
    words[at + slot * 2] = hash;
    words[at + slot * 2 + 1] = ref;
    this.count++;
  }

  /** The slot of an element, or -1. */
  slotOf(hash: number, ref: number): number {
    const { words, at } = this;
    let slot = hash & slotMask;
    for (;;) {
      const found = words[at + slot * 2 + 1]!;
      if (found === 0) return -1;
      if (found === ref && words[at + slot * 2] === hash) return slot;
      slot = (slot + 1) & slotMask;
    }
  }

  /** Empties a slot and moves what probing would no longer reach. */
  clear(slot: number): void {
    const { words, at } = this;
    let hole = slot;
    let next = slot;
    for (;;) {
      next = (next + 1) & slotMask;
      const ref = words[at + next * 2 + 1]!;
      if (ref === 0) break;
      const hash = words[at + next * 2]!;
      // Its place of origin lies behind the hole: it stays.
      if (((next - (hash & slotMask)) & slotMask) < ((next - hole) & slotMask)) continue;
      words[at + hole * 2] = hash;
      words[at + hole * 2 + 1] = ref;
      hole = next;
    }
    words[at + hole * 2 + 1] = 0;
    this.count--;
  }
}

export class ElementPages {
  readonly #arena: Arena;
  #directory: Page[];
  #depth = 0;
  /** How many pages that stand in the directory have each depth. */
  readonly #depthCounts = new Uint32Array(depthMax + 1);
  /** Of the longest chain that there has been. */
  #chainMax = 1;
  count = 0;
  /** How many blocks it has. */
  pageCount = 0;
  /** What `first` and `next` look for, and where they stand. */
  #page: Page | null = null;
  #slot = 0;
  #hash = 0;
  /** Where `freeSome` goes on. */
  #freed = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#directory = [this.#makePage(0)];
    this.#depthCounts[0] = 1;
  }

  /** The same references under the same hashes, in blocks of its own. */
  copy(): ElementPages {
    const copied = new ElementPages(this.#arena);
    copied.#freePage(copied.#directory[0]!);
    const directory: Page[] = [];
    for (let place = 0; place < this.#directory.length;) {
      const page = this.#directory[place]!;
      const twin = copied.#copyPage(page);
      const end = place + (1 << (this.#depth - page.depth));
      for (; place < end; place++) directory.push(twin);
    }
    copied.#directory = directory;
    copied.#depth = this.#depth;
    copied.#depthCounts.set(this.#depthCounts);
    copied.#chainMax = this.#chainMax;
    copied.count = this.count;
    return copied;
  }

  #copyPage(page: Page): Page {
    const twin = this.#makePage(page.depth);
    twin.words.set(page.words.subarray(page.at, page.at + pageSlots * 2), twin.at);
    twin.count = page.count;
    if (page.next !== null) twin.next = this.#copyPage(page.next);
    return twin;
  }

  get depth(): number {
    return this.#depth;
  }

  #makePage(depth: number): Page {
    const address = this.#arena.allocate(pageBytes);
    this.pageCount++;
    return new Page(address, this.#arena.chunk(address), depth);
  }

  #freePage(page: Page): void {
    this.#arena.release(page.address);
    this.pageCount--;
  }

  /** The place of a hash in the directory. A shift by 32 would be none. */
  #placeOf(hash: number): number {
    return (hash >>> 1) >>> (31 - this.#depth);
  }

  /** The first reference of that hash, or 0; `next` gives the others. Nothing may change meanwhile. */
  first(hash: number): number {
    this.#page = this.#directory[this.#placeOf(hash)]!;
    this.#hash = hash;
    this.#slot = hash & slotMask;
    return this.next();
  }

  next(): number {
    const hash = this.#hash;
    let page = this.#page;
    let slot = this.#slot;
    while (page !== null) {
      const { words, at } = page;
      for (;;) {
        const ref = words[at + slot * 2 + 1]!;
        if (ref === 0) break;
        const isFound = words[at + slot * 2] === hash;
        slot = (slot + 1) & slotMask;
        if (!isFound) continue;
        this.#page = page;
        this.#slot = slot;
        return ref;
      }
      page = page.next;
      slot = hash & slotMask;
    }
    this.#page = null;
    return 0;
  }

  insert(hash: number, ref: number): void {
    let page = this.#directory[this.#placeOf(hash)]!;
    while (page.count >= pageSplitAt || page.next !== null) {
      if (!this.#maySplit(page)) break;
      this.#split(page, hash);
      page = this.#directory[this.#placeOf(hash)]!;
    }
    this.#putInto(page, hash, ref);
    this.count++;
  }

  #maySplit({ depth }: Page): boolean {
    if (depth >= depthMax) return false;
    return depth < this.#depth || 2 << depth <= Math.max(placesFree, this.count / elementsAPlace);
  }

  /** The elements of a page and of those chained to it are spread over two pages of the next depth. */
  #split(page: Page, hash: number): void {
    const depth = page.depth + 1;
    const [low, high] = [this.#makePage(depth), this.#makePage(depth)];
    if (depth > this.#depth) this.#double();
    const width = 1 << (this.#depth - depth);
    // The places of the page begin where the bits below its depth are 0.
    const place = this.#placeOf(hash) & ~(2 * width - 1);
    this.#directory.fill(low, place, place + width);
    this.#directory.fill(high, place + width, place + 2 * width);
    this.#depthCounts[page.depth]!--;
    this.#depthCounts[depth]! += 2;
    for (let from: Page | null = page; from !== null; from = from.next) {
      const { words, at } = from;
      for (let i = at; i < at + pageSlots * 2; i += 2) {
        if (words[i + 1] !== 0)
          this.#putInto((words[i]! >>> (32 - depth)) & 1 ? high : low, words[i]!, words[i + 1]!);
      }
      this.#freePage(from);
    }
  }

  #putInto(first: Page, hash: number, ref: number): void {
    let page = first;
    let length = 1;
    while (page.count >= pageSplitAt) {
      page = page.next ??= this.#makePage(first.depth);
      length++;
    }
    this.#chainMax = Math.max(this.#chainMax, length);
    page.put(hash, ref);
  }

  #double(): void {
    const before = this.#directory;
    const doubled: Page[] = [];
    for (const page of before) doubled.push(page, page);
    this.#directory = doubled;
    this.#depth++;
  }

  /** Another reference takes the place of `ref`. */
  repoint(hash: number, ref: number, to: number): void {
    const { page, slot } = this.#find(hash, ref);
    page.words[page.at + slot * 2 + 1] = to;
  }

  #find(hash: number, ref: number): { page: Page; slot: number; before: Page | null } {
    let before: Page | null = null;
    let page: Page | null = this.#directory[this.#placeOf(hash)]!;
    while (page !== null) {
      const slot = page.slotOf(hash, ref);
      if (slot >= 0) return { page, slot, before };
      before = page;
      page = page.next;
    }
    throw new Error("an element is not in the index of its table");
  }

  remove(hash: number, ref: number): void {
    const { page, slot, before } = this.#find(hash, ref);
    page.clear(slot);
    this.count--;
    if (page.count === 0 && before !== null) {
      before.next = page.next;
      this.#freePage(page);
    }
    this.#join(hash);
  }

  /** While a page and its sibling have little together, one of them takes all. */
  #join(hash: number): void {
    for (;;) {
      const page = this.#directory[this.#placeOf(hash)]!;
      if (page.depth === 0 || page.next !== null) return;
      const width = 1 << (this.#depth - page.depth);
      const place = this.#placeOf(hash) & ~(width - 1);
      const sibling = this.#directory[place ^ width]!;
      if (sibling.depth !== page.depth || sibling.next !== null) return;
      if (page.count + sibling.count >= pageJoinBelow) return;
      const { words, at } = sibling;
      for (let i = at; i < at + pageSlots * 2; i += 2) {
        if (words[i + 1] !== 0) page.put(words[i]!, words[i + 1]!);
      }
      this.#directory.fill(page, place & ~width, (place & ~width) + 2 * width);
      this.#freePage(sibling);
      this.#depthCounts[page.depth]! -= 2;
      page.depth--;
      this.#depthCounts[page.depth]!++;
      while (this.#depth > 0 && this.#depthCounts[this.#depth] === 0) this.#halve();
    }
  }

  #halve(): void {
    this.#directory = this.#directory.filter((_, place) => place % 2 === 0);
    this.#depth--;
  }

  /**
   * Appends to `found` about `wanted` references, in the order of their hashes, from `cursor` (below 2^32) on; returns the next
   * cursor, or 0 after the last. References with the same hash come together. An element that exists throughout a scan is found
   * exactly once.
   */
  scan(cursor: number, wanted: number, found: number[]): number {
    const enough = found.length + wanted;
    let from = cursor;
    while (from < 2 ** 32) {
      const page = this.#directory[this.#placeOf(from)]!;
      const sorted = hashesFrom(page, from);
      for (let i = 0; i < sorted.length; i++) {
        const hash = Math.floor(sorted[i]! / orderUnit);
        if (found.length >= enough && Math.floor(sorted[i - 1]! / orderUnit) !== hash) return hash;
        found.push(refAt(page, sorted[i]! % orderUnit));
      }
      const width = 2 ** (32 - page.depth);
      from = (Math.floor(from / width) + 1) * width;
      if (found.length >= enough && from < 2 ** 32) return from;
    }
    return 0;
  }

  /** Moves pages out of chunks that are to be emptied; `cursor` is a hash. See `LargeValue.moveSome`. */
  moveSome(cursor: number, most: number): number {
    let from = cursor;
    for (let left = most; left > 0 && from < 2 ** 32;) {
      const first = this.#directory[this.#placeOf(from)]!;
      for (let page: Page | null = first; page !== null; page = page.next, left--) this.#movePage(page);
      const width = 2 ** (32 - first.depth);
      from = (Math.floor(from / width) + 1) * width;
    }
    return from < 2 ** 32 ? from : 0;
  }

  #movePage(page: Page): void {
    const arena = this.#arena;
    if (!arena.isLeaving(page.address)) return;
    page.address = arena.moveBlock(page.address);
    page.words = arena.chunk(page.address).words;
    page.at = wordOf(page.address);
  }

  /** One of all references, each with the same chance. There must be one. */
  random(random: Random): number {
    for (;;) {
      // A page of a lower depth stands in more places.
      let page: Page | null = this.#directory[random.below(1 << this.#depth)]!;
      if (this.#depth > page.depth && random.below(1 << (this.#depth - page.depth)) !== 0) continue;
      for (
        let skip = this.#chainMax === 1 ? 0 : random.below(this.#chainMax);
        skip > 0 && page !== null;
        skip--
      ) {
        page = page.next;
      }
      if (page === null) continue;
      const ref = page.words[page.at + random.below(pageSlots) * 2 + 1]!;
      if (ref !== 0) return ref;
    }
  }

  /** Gives back up to `blocks` blocks for good; returns how many. Nothing else may be called any more. */
  freeSome(blocks: number): number {
    const directory = this.#directory;
    let freed = 0;
    while (freed < blocks && this.#freed < directory.length) {
      const page = directory[this.#freed]!;
      const { next } = page;
      this.#freePage(page);
      freed++;
      if (next === null) this.#freed += 1 << (this.#depth - page.depth);
      else directory[this.#freed] = next;
    }
    return freed;
  }
}

/** An element's order is its hash, then its place in the chain of its page: it fits 53 bits for chains of 4,096 pages. */
const orderUnit = 2 ** 20;
let orders = new Float64Array(pageSlots);

/** The elements of a page's chain from a hash on, in order. Valid until the next call. */
function hashesFrom(first: Page, from: number): Float64Array {
  let count = 0;
  let base = 0;
  for (let page: Page | null = first; page !== null; page = page.next) {
    if (count + pageSlots > orders.length) {
      const grown = new Float64Array(orders.length * 2);
      grown.set(orders);
      orders = grown;
    }
    const { words, at } = page;
    for (let slot = 0; slot < pageSlots; slot++) {
      if (words[at + slot * 2 + 1] === 0) continue;
      const hash = words[at + slot * 2]! >>> 0;
      if (hash >= from) orders[count++] = hash * orderUnit + base + slot;
    }
    base += pageSlots;
  }
  const found = orders.subarray(0, count);
  // In place: the memory is this module's own.
  Float64Array.prototype.sort.call(found);
  return found;
}

function refAt(first: Page, place: number): number {
  let page = first;
  let slot = place;
  for (; slot >= pageSlots; slot -= pageSlots) page = page.next!;
  return page.words[page.at + slot * 2 + 1]!;
}
