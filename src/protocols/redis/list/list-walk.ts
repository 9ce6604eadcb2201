/**
 * A walk over a large list in slices, block by block, between which other clients change it: an element that stays where it is, is met
 * exactly once.
 *
 * Not here: what is done with a block. Invariants: a block is visited whole within one turn; the walk ends where the list is deleted,
 * replaced or moved to another database.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import type { BlockList } from "../../../keyspace/values/list/block-list.ts";
import { Piece, unitsOfBytes } from "../core/sliced-reply.ts";

const unitsOfElement = 0.05;
/** Changing a block may move the places of those beside it: so many of them a unit. */
const blocksOfUnit = 256;

export class ListWalk {
  readonly #content: KeyContent;
  readonly #id: number;
  readonly list: BlockList;

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
    const { list } = this;
    const { ring } = list;
    const piece = new Piece();
    if (first < 0 || first >= ring.total) return;
    let at = ring.find(first);
    let { index } = ring;
    for (;;) {
      const number = ring.numberAt(at);
      const units = ring.countAt(at) * unitsOfElement + unitsOfBytes(list.usedBytes(at));
      const blocks = ring.length;
      if (!visit(at, index)) return;
      const changed = ring.length === blocks ? 0 : blocks / blocksOfUnit;
      const due = piece.add(units + changed);
      if (due > 0) yield due;
      if (!this.isThere) return;
      const place = ring.placeOf(number);
      if (isReverse) at = place < 0 ? ~place - 1 : place - 1;
      else at = place < 0 ? ~place : place + 1;
      if (at < 0 || at >= ring.length) return;
      index = isReverse ? ring.countAt(at) - 1 : 0;
    }
  }
}
