/**
 * The locks on records that share consumers have acquired in one group, in the order in which they end.
 *
 * All last equally long, so that order is the one in which they began: a ring of typed arrays, no object for each record. A record that is
 * settled, or that another one gets, leaves its lock here until it is in front or there are many such. Not here: whether a lock still holds
 * (share-partition.ts). Invariant: `since` does not fall from one lock to the next.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";

const locksLeast = 64;

/** Whether the consumer has held the record without a break since it was noted so. */
export type HoldsLock = (offset: number, owner: number, notedAt: number) => boolean;

export class RecordLocks {
  #offsets = new Float64Array(locksLeast);
  #owners = new Uint32Array(locksLeast);
  /** Wall time at which the group noted the holder, by which the lock is known. */
  #notedAt = new Float64Array(locksLeast);
  /** Monotonic time, ms. */
  #since = new Float64Array(locksLeast);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get #capacity(): number {
    return this.#offsets.length;
  }

  /** When the first one began; Infinity where there is none. */
  get oldestSince(): number {
    return this.#size === 0 ? Infinity : this.#since[this.#head]!;
  }

  /** Where there is no room, those that do not hold any more go first. */
  add(
    offset: number,
    owner: number,
    { notedAt, since }: { notedAt: number; since: number },
    holds: HoldsLock,
  ): void {
    if (this.#size === this.#capacity) {
      this.#compact(holds);
      if (this.#size > this.#capacity / 2) this.#grow();
    }
    if (assertsAreOn && this.#size > 0)
      assertInvariant(
        since >= this.#since[this.#at(this.#size - 1)]!,
        "locks end in the order in which they began",
      );
    this.#put(this.#at(this.#size++), offset, owner, notedAt, since);
  }

  #at(index: number): number {
    return (this.#head + index) % this.#capacity;
  }

  #put(at: number, offset: number, owner: number, notedAt: number, since: number): void {
    this.#offsets[at] = offset;
    this.#owners[at] = owner;
    this.#notedAt[at] = notedAt;
    this.#since[at] = since;
  }

  #compact(holds: HoldsLock): void {
    let kept = 0;
    for (let i = 0; i < this.#size; i++) {
      const from = this.#at(i);
      const offset = this.#offsets[from]!;
      const owner = this.#owners[from]!;
      const notedAt = this.#notedAt[from]!;
      if (holds(offset, owner, notedAt))
        this.#put(this.#at(kept++), offset, owner, notedAt, this.#since[from]!);
    }
    this.#size = kept;
  }

  #grow(): void {
    const from = { offsets: this.#offsets, owners: this.#owners, notedAt: this.#notedAt, since: this.#since };
    const places = Array.from({ length: this.#size }, (_, index) => this.#at(index));
    const capacity = this.#capacity * 2;
    this.#offsets = new Float64Array(capacity);
    this.#owners = new Uint32Array(capacity);
    this.#notedAt = new Float64Array(capacity);
    this.#since = new Float64Array(capacity);
    this.#head = 0;
    for (const [index, at] of places.entries())
      this.#put(index, from.offsets[at]!, from.owners[at]!, from.notedAt[at]!, from.since[at]!);
  }

  /** Takes the first one; returns its record's offset if it still holds, else -1. */
  shift(holds: HoldsLock): number {
    const at = this.#head;
    this.#head = (at + 1) % this.#capacity;
    this.#size--;
    const offset = this.#offsets[at]!;
    return holds(offset, this.#owners[at]!, this.#notedAt[at]!) ? offset : -1;
  }

  /** Records that the consumer holds by a lock, in the order in which it got them. */
  heldBy(owner: number, holds: HoldsLock): number[] {
    const held: number[] = [];
    for (let i = 0; i < this.#size; i++) {
      const at = this.#at(i);
      if (this.#owners[at] === owner && holds(this.#offsets[at]!, owner, this.#notedAt[at]!))
        held.push(this.#offsets[at]!);
    }
    return held;
  }
}
