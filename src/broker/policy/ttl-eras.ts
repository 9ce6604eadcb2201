/**
 * Which `message-ttl` counts for a record where the queue's has been changed: the one that the queue had when the record came,
 * as in RabbitMQ, where a message gets its time of expiry as it is queued.
 *
 *     eras: { below, ttl }    records below `below`, and not in an era before, have `ttl`; undefined: none
 *
 * A record that no era has is under the ttl of the queue's policy. Not here: the record's own expiration.
 * Invariants: `below` grows from era to era; there are at most `erasMax`; where two had to become one, its records live as long
 * as the longer-lived of both.
 */
const erasMax = 64;

export type TtlEra = readonly [below: number, ttl: number | null];

interface Era {
  readonly below: number;
  readonly ttl: number | undefined;
}

export class TtlEras {
  #eras: Era[];

  /** In the form of `list`. */
  constructor(list: readonly TtlEra[] = []) {
    this.#eras = list.map(([below, ttl]) => ({ below, ttl: ttl ?? undefined }));
  }

  get count(): number {
    return this.#eras.length;
  }

  list(): TtlEra[] {
    return this.#eras.map(({ below, ttl }) => [below, ttl ?? null]);
  }

  /** The queue's ttl was `ttl` until now, and its next record gets the offset `below`. No record is below `first`. */
  ended(ttl: number | undefined, below: number, first: number): void {
    this.forgetBelow(first);
    const eras = this.#eras;
    const last = eras.at(-1);
    if (below <= (last?.below ?? first)) return;
    if (last !== undefined && last.ttl === ttl) eras.pop();
    eras.push({ below, ttl });
    if (eras.length <= erasMax) return;
    const [oldest, second] = eras.splice(0, 2) as [Era, Era];
    const isLonger = oldest.ttl === undefined || (second.ttl !== undefined && oldest.ttl > second.ttl);
    eras.unshift({ below: second.below, ttl: isLonger ? oldest.ttl : second.ttl });
  }

  /** No record is below `first` any more. */
  forgetBelow(first: number): void {
    while (this.#eras.length > 0 && this.#eras[0]!.below <= first) this.#eras.shift();
  }

  /** The ttl of a record, if the queue's ttl is `now`. */
  of(offset: number, now: number | undefined): number | undefined {
    for (const { below, ttl } of this.#eras) if (offset < below) return ttl;
    return now;
  }
}
