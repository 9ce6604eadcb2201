/**
 * A walk over a large list in slices, block by block. Nobody else changes the list between the slices (core/claims); where the walker
 * does, an element that stays where it is, is met exactly once.
 *
 * Not here: what is done with a block. Invariants: a block is visited whole within one turn; the walk ends where the list is deleted,
 * replaced or moved to another database.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import type { BlockList } from "../../../keyspace/values/list/block-list.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";

const unitsOfElement = 0.05;
/** Changing a block may move the places of those beside it: so many of them a unit. */
const blocksOfUnit = 256;

export class ListWalk {
  readonly #content: KeyContent;
  readonly #id: number;
  readonly list: BlockList;
  /** Of the block that was visited last. */
  #number = 0;

  constructor(content: KeyContent, entry: number) {
    this.#content = content;
    this.#id = content.idOf(entry);
    this.list = content.largeOf(entry) as BlockList;
  }

  get isThere(): boolean {
    return this.#content.values.at(this.#id) === this.list;
  }

  get entry(): number {
    return this.#content.values.entryOf(this.#id);
  }

  /**
   * Has `visit` see the block of the element `first` and those behind it, or with `isReverse` those before it, until it returns false.
   * `index` is that of the element in its block, for the first block; then of the one to begin with. `visit` may change the list.
   */
  *go(first: number, isReverse: boolean, visit: (at: number, index: number) => boolean): Job<void> {
    const { ring } = this.list;
    if (first < 0 || first >= ring.total) return;
    const at = ring.find(first);
    yield* this.#goFrom(at, ring.index, isReverse, visit);
  }

  /** Goes on behind the block for which `visit` has returned false. */
  *goOn(visit: (at: number, index: number) => boolean): Job<void> {
    if (!this.isThere) return;
    const at = this.#placeAfter(this.#number, false);
    if (at < this.list.ring.length) yield* this.#goFrom(at, 0, false, visit);
  }

  #placeAfter(number: number, isReverse: boolean): number {
    const place = this.list.ring.placeOf(number);
    if (isReverse) return place < 0 ? ~place - 1 : place - 1;
    return place < 0 ? ~place : place + 1;
  }

  *#goFrom(
    first: number,
    firstIndex: number,
    isReverse: boolean,
    visit: (at: number, index: number) => boolean,
  ): Job<void> {
    const { list } = this;
    const { ring } = list;
    const piece = new Piece();
    let at = first;
    let index = firstIndex;
    for (;;) {
      const number = ring.numberAt(at);
      this.#number = number;
      const units = ring.countAt(at) * unitsOfElement + unitsOfBytes(list.usedBytes(at));
      const blocks = ring.length;
      if (!visit(at, index)) return;
      const changed = ring.length === blocks ? 0 : blocks / blocksOfUnit;
      const due = piece.add(units + changed);
      if (due > 0) yield due;
      if (!this.isThere) return;
      at = this.#placeAfter(number, isReverse);
      if (at < 0 || at >= ring.length) return;
      index = isReverse ? ring.countAt(at) - 1 : 0;
    }
  }
}
