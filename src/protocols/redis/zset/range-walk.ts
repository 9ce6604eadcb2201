/**
 * A walk over a range of a large sorted set in slices: in its order, each member once. Nobody else changes the set between the slices
 * (core/claims); where the walker does, there are no more members than the range had when the walk began.
 *
 * Not here: replies. Invariant: the walk ends where the set is deleted, replaced or moved to another database.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import type { LargeValue } from "../../../keyspace/values/large-value.ts";
import type { MemberPlace, SortedSetValues } from "../../../keyspace/values/sorted/sorted-set.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";

const unitsOfMember = 0.3;

/** The rank where a walk begins, and how many members it takes. Ranks hold until the set changes. */
export interface Ranks {
  readonly first: number;
  readonly count: number;
  readonly isReverse: boolean;
}

export class RangeWalk {
  readonly #sets: SortedSetValues;
  readonly #content: KeyContent;
  readonly #id: number;
  readonly #value: LargeValue;

  /** The set of `entry` is a large one. */
  constructor(sets: SortedSetValues, content: KeyContent, entry: number) {
    this.#sets = sets;
    this.#content = content;
    this.#id = content.idOf(entry);
    this.#value = content.largeOf(entry);
  }

  get isThere(): boolean {
    return this.#content.values.at(this.#id) === this.#value;
  }

  get #entry(): number {
    return this.#content.values.entryOf(this.#id);
  }

  /** Where its entry is; 0 once it is gone, or in another database. */
  entryIn(content: KeyContent): number {
    return content === this.#content && this.isThere ? this.#entry : 0;
  }

  /** Has `visit` see the members of a range that was resolved in this turn, as `SortedSetValues` finds them. It must not change the set. */
  *go({ first, count, isReverse }: Ranks, visit: () => void): Job<void> {
    if (!this.isThere) return;
    const sets = this.#sets;
    const piece = new Piece();
    sets.seek(this.#content, this.#entry, first, isReverse);
    for (let left = count; left > 0 && sets.next(); left--) {
      visit();
      const due = piece.add(unitsOfMember + unitsOfBytes(sets.end - sets.start));
      if (due === 0) continue;
      const last = placeFound(sets);
      yield due;
      if (!this.isThere) return;
      this.#seekBeyond(last, isReverse);
    }
  }

  #seekBeyond(last: MemberPlace, isReverse: boolean): void {
    const sets = this.#sets;
    const rank = sets.rankOfPlace(this.#content, this.#entry, last, isReverse ? "before" : "behind");
    sets.seek(this.#content, this.#entry, isReverse ? rank - 1 : rank, isReverse);
  }
}

/** The same for a sorted set that may be packed: it is walked at once. */
export function* eachInRange(
  sets: SortedSetValues,
  content: KeyContent,
  entry: number,
  ranks: Ranks,
  visit: () => void,
): Job<void> {
  const { first, count, isReverse } = ranks;
  if (content.isLarge(entry)) yield* new RangeWalk(sets, content, entry).go(ranks, visit);
  else if (count > 0) {
    sets.seek(content, entry, first, isReverse);
    for (let left = count; left > 0 && sets.next(); left--) visit();
  }
}

/** The place of the member that was found last. */
function placeFound({ score, bytes, start, end }: SortedSetValues): MemberPlace {
  return { score, bytes: Buffer.from(bytes.subarray(start, end)) };
}
