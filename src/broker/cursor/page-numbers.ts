/**
 * Numbers of pages, ascending: those in which records of one priority may wait (priority-order.ts).
 *
 * A number for each page and priority, not for each record. Not here: what is in a page. Invariant: what is kept is at most twice the
 * numbers whose pages are there, and a few.
 */
const prunedAtMin = 64;

export class PageNumbers {
  #numbers: number[] = [];
  /** Those before it are done with. */
  #head = 0;
  #pruneAt = prunedAtMin;

  /** How many it keeps: for tests of what it gives back. */
  get kept(): number {
    return this.#numbers.length;
  }

  /** The lowest; -1 where there is none. */
  get first(): number {
    return this.#head < this.#numbers.length ? this.#numbers[this.#head]! : -1;
  }

  /** The first is done with. */
  shift(): void {
    if (++this.#head === this.#numbers.length) this.clear();
  }

  clear(): void {
    this.#numbers.length = this.#head = 0;
  }

  /** Adds one above all others. Numbers of pages that are gone are dropped at times. */
  push(number: number, pages: { has(number: number): boolean }): void {
    this.#numbers.push(number);
    if (this.#numbers.length < this.#pruneAt) return;
    this.#numbers = this.#numbers.filter((each, at) => at >= this.#head && pages.has(each));
    this.#head = 0;
    this.#pruneAt = Math.max(2 * this.#numbers.length, prunedAtMin);
  }
}
