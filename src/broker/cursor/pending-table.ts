/**
 * The records that a cursor has given out and not got back: who holds each, since when, how often given.
 *
 * Pages of typed arrays by offset, taken from a pool: no object for each record. A table that `keepsIds` also knows the
 * entry id of each record, which outlives the record itself. Invariants: a page is kept exactly as long as something is
 * noted in it (`noted > 0`); `#numbers` are the numbers of all pages, in order; ids grow with the offset.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { EntryId } from "../../message/entry-id.ts";

const pageBits = 8;
const recordsPerPage = 1 << pageBits;
const pooledPagesMax = 64;

/** Nobody holds the record. */
export const noOwner = 0;
/** Nobody holds it now, and it is to be given out again before any new one. */
export const requeuedOwner = -1;
/** A queue's record comes again at the time that is noted with it (retry/queue-retries.ts). No consumer has such a number. */
export const waitingOwner = 0x7fffffff;
/** It is delivered no more, and waits for a place among the dead letters: it was rejected, or given back too often. */
export const rejectedOwner = 0x7ffffffe;
export const exhaustedOwner = 0x7ffffffd;

/** Of these three. */
export function isWaitingOwner(owner: number): boolean {
  return owner >= exhaustedOwner;
}

interface Page {
  number: number;
  owners: Int32Array;
  counts: Uint32Array;
  times: Float64Array;
  /** Four words for each record (message/entry-id.ts); empty unless the table keeps ids. */
  ids: Uint32Array;
  noted: number;
}

const noIds = new Uint32Array(0);
/** The id that is compared. */
const notedId = new EntryId();
const pool: Page[] = [];
const poolWithIds: Page[] = [];

function takePage(number: number, keepsIds: boolean): Page {
  const page = (keepsIds ? poolWithIds : pool).pop();
  if (page === undefined) {
    return {
      number,
      owners: new Int32Array(recordsPerPage),
      counts: new Uint32Array(recordsPerPage),
      times: new Float64Array(recordsPerPage),
      ids: keepsIds ? new Uint32Array(4 * recordsPerPage) : noIds,
      noted: 0,
    };
  }
  page.number = number;
  return page;
}

export class PendingTable {
  readonly keepsIds: boolean;
  readonly #pages = new Map<number, Page>();
  #numbers: number[] = [];
  #last: Page | undefined = undefined;
  /** Records noted: held or requeued. */
  size = 0;

  constructor(keepsIds = false) {
    this.keepsIds = keepsIds;
  }

  #page(offset: number): Page | undefined {
    const number = Math.floor(offset / recordsPerPage);
    const last = this.#last;
    if (last !== undefined && last.number === number) return last;
    const page = this.#pages.get(number);
    if (page !== undefined) this.#last = page;
    return page;
  }

  ownerOf(offset: number): number {
    const page = this.#page(offset);
    return page === undefined ? noOwner : page.owners[offset % recordsPerPage]!;
  }

  countOf(offset: number): number {
    const page = this.#page(offset);
    return page === undefined ? 0 : page.counts[offset % recordsPerPage]!;
  }

  timeOf(offset: number): number {
    const page = this.#page(offset);
    return page === undefined ? 0 : page.times[offset % recordsPerPage]!;
  }

  /** Entry id of a noted record, in a table that keeps ids. */
  readId(offset: number, into: EntryId): EntryId {
    return into.readWords(this.#page(offset)!.ids, offset % recordsPerPage);
  }

  set(offset: number, owner: number, count: number, time: number): void {
    this.#set(offset, owner, count, time);
  }

  /** The same with the record's entry id, in a table that keeps ids; returns who held it before. */
  give(offset: number, owner: number, count: number, time: number, id: EntryId): number {
    const before = this.#set(offset, owner, count, time);
    id.writeWords(this.#last!.ids, offset % recordsPerPage);
    return before;
  }

  /** Leaves the record's page in `#last`; returns who held the record before. */
  #set(offset: number, owner: number, count: number, time: number): number {
    let page = this.#page(offset);
    if (page === undefined) {
      page = takePage(Math.floor(offset / recordsPerPage), this.keepsIds);
      this.#pages.set(page.number, page);
      this.#addNumber(page.number);
      this.#last = page;
    }
    const at = offset % recordsPerPage;
    const before = page.owners[at]!;
    if (before === noOwner) {
      page.noted++;
      this.size++;
    }
    page.owners[at] = owner;
    page.counts[at] = count;
    page.times[at] = time;
    return before;
  }

  /** Forgets a record and returns who held it (`noOwner` when it was not noted). */
  clear(offset: number): number {
    const page = this.#page(offset);
    if (page === undefined) return noOwner;
    const at = offset % recordsPerPage;
    const owner = page.owners[at]!;
    if (owner === noOwner) return noOwner;
    page.owners[at] = noOwner;
    page.counts[at] = 0;
    page.times[at] = 0;
    page.noted--;
    this.size--;
    if (assertsAreOn)
      assertInvariant(page.noted >= 0 && this.size >= page.noted, "what is noted is counted once");
    if (page.noted === 0) {
      this.#pages.delete(page.number);
      this.#numbers.splice(this.#numberAtOrAbove(page.number), 1);
      if (this.#last === page) this.#last = undefined;
      const kept = this.keepsIds ? poolWithIds : pool;
      if (kept.length < pooledPagesMax) kept.push(page);
    }
    return owner;
  }

  #addNumber(number: number): void {
    const numbers = this.#numbers;
    if (numbers.length === 0 || numbers[numbers.length - 1]! < number) numbers.push(number);
    else numbers.splice(this.#numberAtOrAbove(number), 0, number);
  }

  /** Index of the first page number at or above `number`. */
  #numberAtOrAbove(number: number): number {
    const numbers = this.#numbers;
    let low = 0;
    let high = numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (numbers[middle]! < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The lowest noted offset at or above `from`; -1 when there is none. */
  next(from: number): number {
    const fromPage = Math.floor(from / recordsPerPage);
    const numbers = this.#numbers;
    for (let i = this.#numberAtOrAbove(fromPage); i < numbers.length; i++) {
      const number = numbers[i]!;
      const found = nextInPage(this.#pages.get(number)!, number === fromPage ? from % recordsPerPage : 0);
      if (found >= 0) return found;
    }
    return -1;
  }

  /** The highest noted offset; -1 when there is none. */
  get highest(): number {
    const number = this.#numbers[this.#numbers.length - 1];
    if (number === undefined) return -1;
    const { owners } = this.#pages.get(number)!;
    let at = recordsPerPage - 1;
    while (owners[at] === noOwner) at--;
    return number * recordsPerPage + at;
  }

  /** The lowest noted offset whose entry id is at or above the given one; -1 when there is none. */
  atOrAboveId(id: EntryId): number {
    // The last page whose first noted id is not above it, then the pages from there on.
    let low = 0;
    let high = this.#numbers.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const page = this.#pages.get(this.#numbers[middle]!)!;
      const first = nextInPage(page, 0) % recordsPerPage;
      if (compare(page, first, id) <= 0) low = middle;
      else high = middle - 1;
    }
    for (; low < this.#numbers.length; low++) {
      const page = this.#pages.get(this.#numbers[low]!)!;
      for (let at = 0; at < recordsPerPage; at++) {
        if (page.owners[at] !== noOwner && compare(page, at, id) >= 0)
          return page.number * recordsPerPage + at;
      }
    }
    return -1;
  }

  #hint = 0;

  /** The noted offset with exactly that entry id; -1 when there is none. Quick when asked in order. */
  findId(id: EntryId): number {
    const guess = this.#hint;
    if (this.ownerOf(guess) !== noOwner && this.#hasId(guess, id)) {
      this.#hint = guess + 1;
      return guess;
    }
    const offset = this.atOrAboveId(id);
    if (offset < 0 || !this.#hasId(offset, id)) return -1;
    this.#hint = offset + 1;
    return offset;
  }

  #hasId(offset: number, id: EntryId): boolean {
    return compare(this.#page(offset)!, offset % recordsPerPage, id) === 0;
  }

  /** Calls `visit` with each noted offset in `[from, to)`, in order, until it returns false. It may clear what it got. */
  visit(from: number, to: number, visit: (offset: number) => boolean): void {
    for (let offset = this.next(from); offset >= 0 && offset < to; offset = this.next(offset + 1)) {
      if (!visit(offset)) return;
    }
  }

  reset(): void {
    this.#pages.clear();
    this.#numbers = [];
    this.#last = undefined;
    this.size = 0;
  }
}

function nextInPage(page: Page, from: number): number {
  for (let at = from; at < recordsPerPage; at++) {
    if (page.owners[at] !== noOwner) return page.number * recordsPerPage + at;
  }
  return -1;
}

function compare(page: Page, at: number, id: EntryId): number {
  return notedId.readWords(page.ids, at).compare(id);
}
