/**
 * Deliveries of one channel that wait for their acknowledgement: delivery tag -> where it came from and its offset.
 *
 * Pages of typed arrays by tag, so that a delivery is no object, and one that is never acknowledged costs a page and
 * not all that followed it. Not here: what settling means (channel.ts).
 * Invariants: tags only grow; a page is kept as long as something in it is outstanding, or it is the newest;
 * `source.held` is the number of outstanding tags of that source.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Outcome } from "./transaction.ts";
import type { Queue } from "../../../broker/queue/queue.ts";

/** A consumer, or the basic.get of one queue. */
export interface UnackedSource {
  readonly queue: Queue;
  /** Above 0 for consumers: counts in the channel's prefetch. */
  readonly id: number;
  /** Its deliveries are taken out of the queue, so settling them matters there; a stream's are copies. */
  readonly takesRecords: boolean;
  /** Of a consumer in a group of a stream: carries out what became of a delivery. */
  settleInGroup?(offset: number, outcome: Outcome): void;
  held: number;
  /** Settled in a transaction that has not ended: out of the table, but the prefetch counts them until the commit. */
  uncommitted: number;
  /** A delivery was settled, its channel has credit or its connection room: what it waits for may be there. */
  mayTakeAgain(): void;
  /** The consumer's tag; "" of basic.get. */
  readonly tag: string;
  /** Its slot in the channel's table of sources; 0 while it has none. */
  slot: number;
}

const tagsPerPage = 256;
const pooledPagesMax = 64;

export interface Page {
  number: number;
  offsets: Float64Array;
  /** Slot of the source; 0 for none. */
  slots: Uint32Array;
  outstanding: number;
}

const pool: Page[] = [];

function takePage(number: number): Page {
  const page = pool.pop();
  if (page === undefined) {
    return {
      number,
      offsets: new Float64Array(tagsPerPage),
      slots: new Uint32Array(tagsPerPage),
      outstanding: 0,
    };
  }
  page.number = number;
  return page;
}

/** The first `count` tags of a page, taken out of it, as a page of their own. */
function splitPage(page: Page, count: number): Page {
  const part = takePage(page.number);
  part.outstanding = 0;
  for (let at = 0; at < Math.min(count, tagsPerPage); at++) {
    if (page.slots[at] === 0) continue;
    part.slots[at] = page.slots[at]!;
    part.offsets[at] = page.offsets[at]!;
    page.slots[at] = 0;
    part.outstanding++;
    page.outstanding--;
  }
  return part;
}

export class Unacked {
  /** In the order of their numbers, since tags grow; after a rollback `#inOrder` sees to it. */
  readonly #pages = new Map<number, Page>();
  #isOrdered = true;
  #newest: Page | null = null;
  #last: Page | null = null;
  readonly #sources: (UnackedSource | null)[] = [null];
  #freeSlots: number[] = [];
  /** The tag given last. */
  lastTag = 0;
  size = 0;
  /** What `take` found. */
  source!: UnackedSource;
  offset = 0;

  /** Notes a delivery and returns its tag. */
  add(source: UnackedSource, offset: number): number {
    if (source.slot === 0) this.#giveSlot(source);
    const tag = ++this.lastTag;
    const number = Math.floor(tag / tagsPerPage);
    let page = this.#newest;
    if (page === null || page.number !== number) page = this.#nextPage(number);
    const at = tag % tagsPerPage;
    page.offsets[at] = offset;
    page.slots[at] = source.slot;
    page.outstanding++;
    source.held++;
    this.size++;
    return tag;
  }

  /** A tag for a delivery that needs no acknowledgement. */
  skip(): number {
    return ++this.lastTag;
  }

  /** Those that hold something, for operators. */
  *sources(): Generator<UnackedSource, void> {
    for (const source of this.#sources) if (source !== null) yield source;
  }

  #giveSlot(source: UnackedSource): void {
    source.slot = this.#freeSlots.pop() ?? this.#sources.length;
    this.#sources[source.slot] = source;
  }

  #nextPage(number: number): Page {
    const before = this.#newest;
    const page = takePage(number);
    this.#newest = page;
    this.#pages.set(number, page);
    if (before !== null && before.outstanding === 0) this.#drop(before);
    if (assertsAreOn) this.#assertSound();
    return page;
  }

  /** Pages that it keeps: for tests of what it gives back. */
  get pageCount(): number {
    return this.#pages.size;
  }

  #assertSound(): void {
    let outstanding = 0;
    for (const page of this.#pages.values()) {
      outstanding += page.outstanding;
      assertInvariant(
        page.outstanding > 0 || page === this.#newest,
        "a page of deliveries is kept while it holds some",
      );
    }
    assertInvariant(outstanding === this.size, "the pages hold all deliveries that are not acknowledged");
  }

  #drop(page: Page): void {
    this.#pages.delete(page.number);
    if (this.#last === page) this.#last = null;
    if (pool.length < pooledPagesMax) pool.push(page);
  }

  #page(tag: number): Page | null {
    const number = Math.floor(tag / tagsPerPage);
    const last = this.#last;
    if (last !== null && last.number === number) return last;
    const page = this.#pages.get(number);
    if (page === undefined) return null;
    this.#last = page;
    return page;
  }

  has(tag: number): boolean {
    return this.sourceOf(tag) !== null;
  }

  /** Null when it is not outstanding. */
  sourceOf(tag: number): UnackedSource | null {
    const page = this.#page(tag);
    return page === null ? null : this.#sources[page.slots[tag % tagsPerPage]!]!;
  }

  /** Takes a tag out and leaves what it was in `source` and `offset`; false when it is not outstanding. */
  take(tag: number): boolean {
    const page = this.#page(tag);
    if (page === null) return false;
    const at = tag % tagsPerPage;
    const slot = page.slots[at]!;
    if (slot === 0) return false;
    this.size--;
    this.#takeAt(page, at, slot);
    if (page.outstanding === 0 && page !== this.#newest) this.#drop(page);
    return true;
  }

  #takeAt(page: Page, at: number, slot: number): void {
    page.slots[at] = 0;
    page.outstanding--;
    this.offset = page.offsets[at]!;
    const source = this.#sources[slot]!;
    if (assertsAreOn)
      assertInvariant(page.outstanding >= 0 && source.held > 0, "a source holds what is taken from it");
    this.source = source;
    if (--source.held === 0) {
      this.#sources[slot] = null;
      this.#freeSlots.push(slot);
      source.slot = 0;
    }
  }

  /**
   * Takes out all tags up to and including `tag`, whole pages at a time: they are not outstanding any more, but their
   * sources hold them until `takeDetached` has given each.
   */
  detach(tag: number): Page[] {
    const detached: Page[] = [];
    for (const page of this.#inOrder()) {
      const base = page.number * tagsPerPage;
      if (base > tag) break;
      const isWhole = page !== this.#newest && base + tagsPerPage - 1 <= tag;
      const part = isWhole ? page : splitPage(page, tag - base + 1);
      this.size -= part.outstanding;
      if (isWhole) {
        this.#pages.delete(page.number);
        if (this.#last === page) this.#last = null;
      } else if (page.outstanding === 0 && page !== this.#newest) this.#drop(page);
      detached.push(part);
    }
    if (assertsAreOn) this.#assertSound();
    return detached;
  }

  /** Leaves the first delivery at or after `from` of a detached page in `source` and `offset`, and says where it was; -1: none. */
  takeDetached(page: Page, from: number): number {
    for (let at = from; at < tagsPerPage && page.outstanding > 0; at++) {
      const slot = page.slots[at]!;
      if (slot === 0) continue;
      this.#takeAt(page, at, slot);
      return at;
    }
    return -1;
  }

  /** How many of the detached deliveries each source has. */
  countDetached(pages: readonly Page[]): Map<UnackedSource, number> {
    const counts = new Map<UnackedSource, number>();
    for (const { slots } of pages) {
      for (const slot of slots) {
        if (slot === 0) continue;
        const source = this.#sources[slot]!;
        counts.set(source, (counts.get(source) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** Puts a tag back that was taken out. */
  restore(source: UnackedSource, tag: number, offset: number): void {
    if (source.slot === 0) this.#giveSlot(source);
    let page = this.#page(tag);
    if (page === null) {
      page = takePage(Math.floor(tag / tagsPerPage));
      this.#pages.set(page.number, page);
      // Once for all pages of a rollback, not once for each.
      this.#isOrdered = false;
    }
    page.offsets[tag % tagsPerPage] = offset;
    page.slots[tag % tagsPerPage] = source.slot;
    page.outstanding++;
    source.held++;
    this.size++;
  }

  /** The lowest outstanding tag; 0 where there is none. */
  get firstTag(): number {
    for (const tag of this.upTo(this.lastTag)) return tag;
    return 0;
  }

  #inOrder(): Iterable<Page> {
    if (!this.#isOrdered) {
      const pages = [...this.#pages.values()].toSorted((a, b) => a.number - b.number);
      this.#pages.clear();
      for (const page of pages) this.#pages.set(page.number, page);
      this.#isOrdered = true;
    }
    return this.#pages.values();
  }

  /** Outstanding tags up to and including `tag`, lowest first. The one given may be taken out meanwhile. */
  *upTo(tag: number): Generator<number> {
    for (const page of this.#inOrder()) {
      const base = page.number * tagsPerPage;
      if (base > tag) return;
      const until = Math.min(tagsPerPage, tag - base + 1);
      for (let at = 0; at < until && page.outstanding > 0 && page.number * tagsPerPage === base; at++) {
        if (page.slots[at] !== 0) yield base + at;
      }
    }
  }
}
