/**
 * The records that a shared cursor has given out and not got back: who holds each, since when, how often given.
 *
 * Pages of typed arrays by offset, taken from a pool: no object for each record. Invariant: a page is kept exactly as
 * long as something is noted in it (`noted > 0`).
 */
const pageBits = 8;
const recordsPerPage = 1 << pageBits;
const pooledPagesMax = 64;

/** Nobody holds the record. */
export const noOwner = 0;
/** Nobody holds it now, and it is to be given out again before any new one. */
export const requeuedOwner = -1;

interface Page {
  number: number;
  owners: Int32Array;
  counts: Uint32Array;
  times: Float64Array;
  noted: number;
}

const pool: Page[] = [];

function takePage(number: number): Page {
  const page = pool.pop();
  if (page === undefined) {
    return {
      number,
      owners: new Int32Array(recordsPerPage),
      counts: new Uint32Array(recordsPerPage),
      times: new Float64Array(recordsPerPage),
      noted: 0,
    };
  }
  page.number = number;
  return page;
}

export class PendingTable {
  readonly #pages = new Map<number, Page>();
  #last: Page | undefined = undefined;
  /** Records noted: held or requeued. */
  size = 0;

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

  set(offset: number, owner: number, count: number, time: number): void {
    let page = this.#page(offset);
    if (page === undefined) {
      page = takePage(Math.floor(offset / recordsPerPage));
      this.#pages.set(page.number, page);
      this.#last = page;
    }
    const at = offset % recordsPerPage;
    if (page.owners[at] === noOwner) {
      page.noted++;
      this.size++;
    }
    page.owners[at] = owner;
    page.counts[at] = count;
    page.times[at] = time;
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
    if (page.noted === 0) {
      this.#pages.delete(page.number);
      if (this.#last === page) this.#last = undefined;
      if (pool.length < pooledPagesMax) pool.push(page);
    }
    return owner;
  }

  /** The lowest noted offset at or above `from`; -1 when there is none. */
  next(from: number): number {
    const fromPage = Math.floor(from / recordsPerPage);
    let best: Page | undefined;
    const first = this.#pages.get(fromPage);
    if (first !== undefined) {
      const found = nextInPage(first, from % recordsPerPage);
      if (found >= 0) return found;
    }
    for (const page of this.#pages.values()) {
      if (page.number > fromPage && (best === undefined || page.number < best.number)) best = page;
    }
    return best === undefined ? -1 : nextInPage(best, 0);
  }

  /** Calls `visit` with each noted offset in `[from, to)`, in order, until it returns false. */
  visit(from: number, to: number, visit: (offset: number) => boolean): void {
    const numbers = [...this.#pages.keys()].sort((a, b) => a - b);
    for (const number of numbers) {
      const base = number * recordsPerPage;
      if (base + recordsPerPage <= from) continue;
      if (base >= to) return;
      const page = this.#pages.get(number);
      for (let at = Math.max(from - base, 0); page !== undefined && at < recordsPerPage; at++) {
        if (base + at >= to) return;
        if (page.owners[at] !== noOwner && !visit(base + at)) return;
      }
    }
  }

  reset(): void {
    this.#pages.clear();
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
