/**
 * What is due when: a heap of millions of times, in pages of packed numbers, with no object for each.
 *
 *     entry = due time (ms, float64), item (an offset, float64), owner (uint32): 20 bytes
 *
 * The heap has four children for each entry, so few pages are touched by a change. It grows and shrinks by pages: nothing is copied.
 * Not here: the clock, what the numbers mean (timetable.ts), which entries are of no use any more (timers.ts). Invariants: no entry is due before its parent; of the same time the lower item comes first.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";

const pageBits = 14;
const pageSize = 1 << pageBits;
const pageMask = pageSize - 1;
export const fanOut = 4;

class Page {
  readonly due = new Float64Array(pageSize);
  readonly item = new Float64Array(pageSize);
  readonly owner = new Uint32Array(pageSize);
}

export class TimerIndex {
  readonly #pages: Page[] = [];
  #size = 0;
  /** What `take` took, or `look` saw. */
  due = 0;
  item = 0;
  owner = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#pages.length * pageSize * 20;
  }

  /** When the first is due; Infinity when there is none. */
  get nextDue(): number {
    return this.#size === 0 ? Infinity : this.#pages[0]!.due[0]!;
  }

  add(due: number, owner: number, item: number): void {
    if (this.#size === this.#pages.length * pageSize) this.#pages.push(new Page());
    this.#siftUp(this.#size++, due, owner, item);
  }

  /** Takes the first; false when there is none. */
  take(): boolean {
    if (this.#size === 0) return false;
    this.look(0);
    this.remove(0);
    return true;
  }

  /** Puts the entry at a place of the heap, from 0 to `size`, into `due`, `item` and `owner`. */
  look(at: number): void {
    const page = this.#pages[at >>> pageBits]!;
    const slot = at & pageMask;
    this.due = page.due[slot]!;
    this.item = page.item[slot]!;
    this.owner = page.owner[slot]!;
  }

  /** Removes the entry at a place. Another one comes there, or the place is the end now. */
  remove(hole: number): void {
    const at = --this.#size;
    const page = this.#pages[at >>> pageBits]!;
    const slot = at & pageMask;
    if (at > hole) this.#put(hole, page.due[slot]!, page.owner[slot]!, page.item[slot]!);
    // One empty page stays, or a size at a border would make and drop one with each change.
    if (this.#pages.length * pageSize - this.#size > 2 * pageSize) this.#pages.pop();
  }

  /** Fills the hole, or a place above or below it, from which what stands there moves into it. */
  #put(hole: number, due: number, owner: number, item: number): void {
    if (hole > 0) {
      const parent = Math.floor((hole - 1) / fanOut);
      const page = this.#pages[parent >>> pageBits]!;
      if (isBefore(due, item, page.due[parent & pageMask]!, page.item[parent & pageMask]!))
        return this.#siftUp(hole, due, owner, item);
    }
    this.#siftDown(hole, due, owner, item);
  }

  #siftUp(from: number, due: number, owner: number, item: number): void {
    let at = from;
    while (at > 0) {
      const parent = Math.floor((at - 1) / fanOut);
      const page = this.#pages[parent >>> pageBits]!;
      const slot = parent & pageMask;
      if (!isBefore(due, item, page.due[slot]!, page.item[slot]!)) break;
      this.#set(at, page.due[slot]!, page.owner[slot]!, page.item[slot]!);
      at = parent;
    }
    this.#set(at, due, owner, item);
  }

  #siftDown(from: number, due: number, owner: number, item: number): void {
    const size = this.#size;
    let at = from;
    for (;;) {
      let least = -1;
      let leastDue = due;
      let leastItem = item;
      const first = at * fanOut + 1;
      const end = Math.min(first + fanOut, size);
      for (let child = first; child < end; child++) {
        const page = this.#pages[child >>> pageBits]!;
        const slot = child & pageMask;
        if (!isBefore(page.due[slot]!, page.item[slot]!, leastDue, leastItem)) continue;
        least = child;
        leastDue = page.due[slot]!;
        leastItem = page.item[slot]!;
      }
      if (least < 0) break;
      this.#set(at, leastDue, this.#pages[least >>> pageBits]!.owner[least & pageMask]!, leastItem);
      at = least;
    }
    this.#set(at, due, owner, item);
    if (assertsAreOn) this.#assertFirst();
  }

  #assertFirst(): void {
    const page = this.#pages[0]!;
    for (let child = 1; child <= fanOut && child < this.#size; child++) {
      const isSound = !isBefore(page.due[child]!, page.item[child]!, page.due[0]!, page.item[0]!);
      assertInvariant(isSound, "no entry is due before its parent");
    }
  }

  #set(at: number, due: number, owner: number, item: number): void {
    const page = this.#pages[at >>> pageBits]!;
    const slot = at & pageMask;
    page.due[slot] = due;
    page.item[slot] = item;
    page.owner[slot] = owner;
  }
}

function isBefore(due: number, item: number, otherDue: number, otherItem: number): boolean {
  return due < otherDue || (due === otherDue && item < otherItem);
}
