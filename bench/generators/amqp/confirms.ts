/**
 * Which publishes of a channel the server has confirmed. Delivery tags count from 1, as the channel's publishes do.
 *
 * A server may confirm one by one in any order, and all up to a tag at once in between: so what is confirmed ahead of
 * an older one is remembered. Invariant: a tag that is confirmed twice, or was never published, throws.
 */
export class Confirms {
  /** This and all below it are confirmed. */
  #upTo = 0;
  /** Confirmed above that. */
  readonly #ahead = new Set<number>();

  get count(): number {
    return this.#upTo + this.#ahead.size;
  }

  add(tag: number, isMultiple: boolean, published: number): void {
    if (tag > published) throw new Error(`publish ${tag} is confirmed, of ${published}`);
    if (tag <= this.#upTo || this.#ahead.has(tag)) throw new Error(`publish ${tag} is confirmed twice`);
    if (isMultiple) this.#allUpTo(tag);
    else if (tag === this.#upTo + 1) this.#upTo = tag;
    else this.#ahead.add(tag);
    while (this.#ahead.size > 0 && this.#ahead.delete(this.#upTo + 1)) this.#upTo += 1;
  }

  #allUpTo(tag: number): void {
    this.#upTo = tag;
    for (const early of this.#ahead) if (early < tag) this.#ahead.delete(early);
  }
}
