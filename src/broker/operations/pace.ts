/**
 * How many messages an operation may move now, at so many a second.
 *
 * After a pause it does not catch up for more than a tenth of a second. Pure: time is given.
 */
const burstMs = 100;

export class Pace {
  readonly #perMs: number;
  readonly #most: number;
  #left: number;
  #at: number;

  /** `perSecond` null: no bound. `now` is monotonic, ms. */
  constructor(perSecond: number | null, now: number) {
    this.#perMs = perSecond === null ? Infinity : perSecond / 1000;
    this.#most = perSecond === null ? Infinity : Math.max((perSecond * burstMs) / 1000, 1);
    this.#left = perSecond === null ? Infinity : 1;
    this.#at = now;
  }

  /** Whether another message may be moved. */
  may(now: number): boolean {
    if (this.#left === Infinity) return true;
    this.#left = Math.min(this.#left + Math.max(now - this.#at, 0) * this.#perMs, this.#most);
    this.#at = now;
    return this.#left >= 1;
  }

  /** In how many ms another may be moved; 1 at least, so that those of a second come one by one rather than together. */
  get msToNext(): number {
    return this.#left >= 1 ? 1 : Math.max(Math.ceil((1 - this.#left) / this.#perMs), 1);
  }

  moved(count: number): void {
    this.#left -= count;
  }
}
