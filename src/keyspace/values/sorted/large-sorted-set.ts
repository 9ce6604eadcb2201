/**
 * A large sorted set: an element table from members to scores, and a tree that has their order.
 *
 * Not here: what a member or a score means to commands (sorted-set.ts). Invariant: each element is in the tree once, under the score
 * that is its payload.
 */
import type { Arena } from "../../arena.ts";
import type { ElementTable, Ref } from "../element-table.ts";
import type { LargeValue, Usage } from "../large-value.ts";
import { readScore, scoreBytes, writeScore } from "./score-bytes.ts";
import { ScoreTree } from "./score-tree.ts";

const ranksFrom = 2 ** 40;

export class LargeSortedSet implements LargeValue {
  readonly elements: ElementTable;
  readonly tree: ScoreTree;

  constructor(arena: Arena, elements: ElementTable, tree = new ScoreTree(arena, elements)) {
    this.elements = elements;
    this.tree = tree;
    this.#arena = arena;
    elements.onMove = (from, to) => tree.moved(this.scoreOf(to), from, to);
  }

  readonly #arena: Arena;

  get count(): number {
    return this.elements.count;
  }

  get liveBytes(): number {
    return this.elements.liveBytes;
  }

  get heldBytes(): number {
    return this.elements.heldBytes + this.tree.heldBytes;
  }

  scoreOf(ref: Ref): number {
    const { elements } = this;
    elements.locate(ref);
    return readScore(elements.bytes, elements.start);
  }

  /** The element of a member, or 0. */
  find(member: Uint8Array, start: number, end: number): Ref {
    const { elements } = this;
    return elements.find(elements.hash(member, start, end), member, start, end);
  }

  /** Gives a member a score; says whether it is a new one. */
  set(score: number, member: Uint8Array, start: number, end: number): boolean {
    const { elements, tree } = this;
    const hash = elements.hash(member, start, end);
    const ref = elements.find(hash, member, start, end);
    if (ref === 0) {
      const made = elements.insert(hash, member, start, end, scoreBytes);
      writeScore(elements.bytes, elements.start, score);
      tree.add(score, made);
      return true;
    }
    const before = this.scoreOf(ref);
    // 0 and -0 are shown differently.
    if (Object.is(before, score)) return false;
    writeScore(elements.bytes, elements.start, score);
    tree.update(before, ref, score);
    return false;
  }

  /** Takes out a member that is there. */
  remove(ref: Ref): void {
    const { elements, tree } = this;
    // The tree looks at its bytes.
    tree.remove(this.scoreOf(ref), ref);
    elements.locateKey(ref);
    elements.remove(elements.hash(elements.bytes, elements.start, elements.end), ref);
  }

  moveUsage(to: Usage): void {
    this.elements.moveUsage(to);
  }

  copy(usage: Usage): LargeSortedSet {
    const elements = this.elements.copy(usage);
    return new LargeSortedSet(this.#arena, elements, this.tree.copy(elements));
  }

  /** Cursors below `ranksFrom` are those of the elements. */
  moveSome(cursor: number, most: number): number {
    const { elements, tree } = this;
    if (cursor < ranksFrom) {
      const next = elements.moveSome(cursor, most);
      return next === 0 ? ranksFrom : next;
    }
    let rank = cursor - ranksFrom;
    for (let left = most; left > 0; left--) {
      rank = tree.moveLeaf(rank);
      if (rank === 0) return 0;
    }
    return ranksFrom + rank;
  }

  freeSome(blocks: number): number {
    const freed = this.elements.freeSome(blocks);
    return freed + this.tree.freeSome(blocks - freed);
  }
}
