/**
 * The order of a queue with priorities (`x-max-priority`): of the records that no consumer has been given, the one of the highest
 * priority comes first, and of these the oldest.
 *
 *     page = 1024 offsets, for each its priority + 1; 0: it is not filed, or gone from the queue
 *
 * A byte for each record that is in the queue, ready or held (two bytes where all 256 priorities are allowed); for each priority one
 * offset, below which all records of that priority have been given out, and the numbers of the pages in which others may wait. So the
 * next record is found by a search for one byte in one page, whatever the backlog and however many priorities there are: a page is
 * passed once for each priority that was filed in it. Nothing of this is stored: the priority is in the record, and is read again after a
 * restart (queue/filing.ts).
 *
 * Not here: who holds what, and what was given back (queue-cursor.ts). Invariants: records are filed in the order of their offsets; a
 * page other than the newest is kept while a record in it is in the queue.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { Log } from "../../storage/index.ts";
import { OffsetHeap, type OffsetQueue } from "./offset-heap.ts";
import { PageNumbers } from "./page-numbers.ts";
import { noOwner, type PendingTable } from "./pending-table.ts";

const offsetsPerPage = 1024;
/** RabbitMQ's highest priority. */
export const priorityMax = 255;
/** An offset and a priority are one number in a heap. */
const offsetsMax = 2 ** 45;

/** The next record of a priority is mostly as near as this: looking at each costs less than a call. */
const nearOffsets = 64;

interface Page {
  readonly number: number;
  /** Of its first mark. */
  readonly offset: number;
  readonly marks: Uint8Array | Uint16Array;
  /** Marks that are not 0. */
  live: number;
}

export class PriorityOrder {
  /** What is above it counts as this. */
  readonly max: number;
  readonly #log: Log;
  #pages = new Map<number, Page>();
  #newest: Page | null = null;
  /** Where a record was found last. */
  #found: Page | null = null;
  /** The records that somebody holds, or that wait to come again. */
  readonly #pending: PendingTable;
  /**
   * Below, some of the records that are noted may stand among those that wait to be given out; above, one that somebody holds is behind
   * `#from`. Set at the start.
   */
  notedBelow = 0;
  /** Behind the newest mark that was set. */
  #end = 0;
  /** For each priority the lowest offset that may be one of a record which nobody was given; Infinity: there is none. */
  readonly #from: Float64Array;
  /** For each priority the pages in which records at or above `#from` may be; undefined before the first. */
  readonly #pagesOf: (PageNumbers | undefined)[] = [];
  /** The last number in each of these; -1: there is none. */
  readonly #lastPageOf: Float64Array;
  /** A bit for each priority of which `#from` is not Infinity. */
  readonly #present = new Uint32Array((priorityMax + 1) >>> 5);

  constructor(max: number, log: Log, pending: PendingTable) {
    this.max = max;
    this.#log = log;
    this.#pending = pending;
    this.#from = new Float64Array(max + 1).fill(Infinity);
    this.#lastPageOf = new Float64Array(max + 1).fill(-1);
  }

  /** Pages that it keeps: for tests of what it gives back. */
  get pageCount(): number {
    return this.#pages.size;
  }

  /** Numbers of pages that it keeps, over all priorities: for the same. */
  get pageNumbersKept(): number {
    let kept = 0;
    for (const pages of this.#pagesOf) kept += pages?.kept ?? 0;
    return kept;
  }

  /** Pages that searches have looked at, but for the one where a record was found last: for tests of what a search costs. */
  pagesSearched = 0;

  /** A record that nobody was given waits from now on. It is the newest of all that were filed. */
  file(offset: number, priority: number): void {
    const level = Math.min(priority, this.max);
    const { number } = this.#mark(offset, level);
    if (this.#lastPageOf[level] !== number) this.#addPage(level, number);
    if (this.#from[level] !== Infinity) return;
    this.#from[level] = offset;
    this.#present[level >>> 5]! |= 1 << (level & 31);
  }

  #addPage(level: number, number: number): void {
    this.#lastPageOf[level] = number;
    (this.#pagesOf[level] ??= new PageNumbers()).push(number, this.#pages);
  }

  /** A record is held by somebody: its priority counts when it is given back. */
  note(offset: number, priority: number): void {
    this.#mark(offset, Math.min(priority, this.max));
  }

  #mark(offset: number, level: number): Page {
    if (assertsAreOn) assertInvariant(offset < offsetsMax, "an offset leaves room for a priority beside it");
    const number = Math.floor(offset / offsetsPerPage);
    let page = this.#page(number);
    if (page === undefined) page = this.#makePage(number);
    if (offset >= this.#end) this.#end = offset + 1;
    const at = offset % offsetsPerPage;
    if (page.marks[at] === 0) page.live++;
    page.marks[at] = level + 1;
    return page;
  }

  #page(number: number): Page | undefined {
    const newest = this.#newest;
    return newest !== null && newest.number === number ? newest : this.#pages.get(number);
  }

  #makePage(number: number): Page {
    const marks = this.max < priorityMax ? new Uint8Array(offsetsPerPage) : new Uint16Array(offsetsPerPage);
    const page = { number, offset: number * offsetsPerPage, marks, live: 0 };
    this.#pages.set(number, page);
    const before = this.#newest;
    if (before !== null && before.number > number) return page;
    this.#newest = page;
    if (before !== null && before.live === 0) this.#pages.delete(before.number);
    // Of what was trimmed from the front of the log nobody has told.
    for (const each of this.#pages.keys()) {
      if ((each + 1) * offsetsPerPage > this.#log.firstOffset) break;
      this.#pages.delete(each);
    }
    return page;
  }

  /** The record is out of the queue. */
  gone(offset: number): void {
    const page = this.#page(Math.floor(offset / offsetsPerPage));
    if (page !== undefined) this.#clear(page, offset % offsetsPerPage);
  }

  #clear(page: Page, at: number): void {
    if (page.marks[at] === 0) return;
    page.marks[at] = 0;
    if (--page.live === 0 && page !== this.#newest) this.#pages.delete(page.number);
    if (assertsAreOn) assertInvariant(page.live >= 0, "a page counts its records");
  }

  /** The record's priority in this queue; -1 where it is not known. */
  levelOf(offset: number): number {
    const page = this.#page(Math.floor(offset / offsetsPerPage));
    return page === undefined ? -1 : page.marks[offset % offsetsPerPage]! - 1;
  }

  /** Whether a record waits that nobody was given: it is `first`. */
  get isReady(): boolean {
    for (let level = this.#highest(); level >= 0; level = this.#highest()) if (this.#find(level)) return true;
    return false;
  }

  /** Only when `isReady`, as `takeFirst`. */
  get first(): number {
    return this.#from[this.#highest()]!;
  }

  /** The first is given to somebody. */
  takeFirst(): void {
    this.#from[this.#highest()]!++;
  }

  #highest(): number {
    const present = this.#present;
    for (let word = this.max >>> 5; word >= 0; word--)
      if (present[word] !== 0) return (word << 5) + 31 - Math.clz32(present[word]!);
    return -1;
  }

  /** Moves `#from` of a priority to the next record that is there; false: there is none. */
  #find(level: number): boolean {
    const page = this.#found;
    if (page !== null) {
      const mark = level + 1;
      const { offset, marks } = page;
      const distance = this.#from[level]! - offset;
      if (distance >= 0 && distance < offsetsPerPage) {
        // As whole numbers, not as doubles.
        let at = distance | 0;
        const end = Math.min(at + nearOffsets, offsetsPerPage, this.#end - offset) | 0;
        while (at < end && marks[at] !== mark) at++;
        if (at < end && !this.#log.removed.has(offset + at) && !this.#isNoted(offset + at)) {
          this.#from[level] = offset + at;
          return true;
        }
      }
    }
    return this.#findFar(level);
  }

  #findFar(level: number): boolean {
    const mark = level + 1;
    const { removed, firstOffset } = this.#log;
    const pages = this.#pagesOf[level]!;
    for (let number = pages.first; number >= 0; pages.shift(), number = pages.first) {
      const page = this.#page(number);
      // Also one that was trimmed, of which nobody has told.
      if (page === undefined || page.offset + offsetsPerPage <= firstOffset) continue;
      const { offset, marks } = page;
      let at = Math.max(this.#from[level]! - offset, 0);
      if (at >= offsetsPerPage) continue;
      this.pagesSearched++;
      if (marks[at] !== mark) at = marks.indexOf(mark, at);
      for (; at >= 0; at = marks.indexOf(mark, at + 1)) {
        if (this.#isNoted(offset + at)) continue;
        if (!removed.has(offset + at)) {
          this.#from[level] = offset + at;
          this.#found = page;
          return true;
        }
        this.#clear(page, at);
      }
    }
    this.#nothingOf(level);
    return false;
  }

  #isNoted(offset: number): boolean {
    return offset < this.notedBelow && this.#pending.ownerOf(offset) !== noOwner;
  }

  #nothingOf(level: number): void {
    this.#from[level] = Infinity;
    this.#lastPageOf[level] = -1;
    this.#present[level >>> 5]! &= ~(1 << (level & 31));
  }

  /** Whether record `a` comes before record `b`. */
  isBefore(a: number, b: number): boolean {
    const [ofA, ofB] = [this.levelOf(a), this.levelOf(b)];
    return ofA === ofB ? a < b : ofA > ofB;
  }

  /** All that was ready is gone; what is pending is held. */
  purged(): void {
    this.#from.fill(Infinity);
    this.#lastPageOf.fill(-1);
    for (const pages of this.#pagesOf) pages?.clear();
    this.#present.fill(0);
    const before = this.#pages;
    this.#pages = new Map();
    this.#newest = this.#found = null;
    this.#pending.visit(0, Infinity, (offset) => {
      const page = before.get(Math.floor(offset / offsetsPerPage));
      const mark = page === undefined ? 0 : page.marks[offset % offsetsPerPage]!;
      if (mark > 0) this.#mark(offset, mark - 1);
      return true;
    });
  }
}

/** Offsets of records that were given back: in the order of a `PriorityOrder`, which knows all of them. */
export class OffsetsByPriority implements OffsetQueue {
  readonly #order: PriorityOrder;
  readonly #keys = new OffsetHeap();

  constructor(order: PriorityOrder) {
    this.#order = order;
  }

  get size(): number {
    return this.#keys.size;
  }

  get first(): number {
    return this.#keys.first % offsetsMax;
  }

  push(offset: number): void {
    this.#keys.push((priorityMax - Math.max(this.#order.levelOf(offset), 0)) * offsetsMax + offset);
  }

  pop(): number {
    return this.#keys.pop() % offsetsMax;
  }
}
