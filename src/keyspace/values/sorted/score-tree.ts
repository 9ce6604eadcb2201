/**
 * The order of a large sorted set: its members by score, then by their bytes, and how many stand before each. A counted B+tree.
 *
 * A member is a reference into the set's element table, which has its bytes. A leaf that is full is split; at the right end it stays
 * full and a new one begins, so that growing scores (times) fill leaves. A leaf with few members joins one beside it.
 * Not here: leaves and nodes (score-leaves.ts, score-nodes.ts), from a member to its score (element-table.ts). Invariants: what a node
 * says of a child's first member and number is true after each change, so no node names a member that is gone; a leaf has a member at
 * least.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Arena } from "../../arena.ts";
import type { ElementTable, Ref } from "../element-table.ts";
import { compareMembers } from "./score-bytes.ts";
import { leafMax, noLeaf, ScoreLeaves } from "./score-leaves.ts";
import { type Child, neighbourOf, nodeMax, relocateLeaf, ScoreNode, setFirst } from "./score-nodes.ts";

/** A leaf or node with fewer joins its neighbour, */
const leafLeast = leafMax >> 2;
const nodeLeast = nodeMax >> 2;
/** where both together have no more than this. */
const leafJoined = (leafMax * 3) >> 2;
const nodeJoined = (nodeMax * 3) >> 2;

/** Where a range begins or ends among members that compare equal to its bound. */
export type Edge = "before" | "behind";

export class ScoreTree {
  readonly #arena: Arena;
  readonly #elements: ElementTable;
  readonly #leaves: ScoreLeaves;
  #root = new ScoreNode(1);
  count = 0;
  /** From the root to the leaf that was sought last, which is `#leaf`. */
  readonly #path: ScoreNode[] = [];
  readonly #places: number[] = [];
  /** What is sought: see `#compare`. */
  #score = 0;
  #bytes: Uint8Array = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  /** Whether scores count, and bytes. */
  #hasScore = true;
  #hasBytes = true;
  #same: Ref = 0;
  /** The result for what compares equal. */
  #tie = 0;
  readonly #order = (score: number, ref: Ref): number => this.#compare(score, ref);
  /** The walk: a place in a leaf, and what `next` or `previous` found. */
  #leaf = 0;
  #index = 0;
  /** The leaf that `next` and `previous` are in. */
  readonly #walk = noLeaf();
  score = 0;
  ref: Ref = 0;

  constructor(arena: Arena, elements: ElementTable) {
    this.#arena = arena;
    this.#elements = elements;
    this.#leaves = new ScoreLeaves(arena);
  }

  get leafCount(): number {
    return this.#leaves.count;
  }

  get heldBytes(): number {
    return this.#leaves.heldBytes;
  }

  // Seeking

  #seekMember(score: number, bytes: Uint8Array, start: number, end: number, same: Ref): void {
    this.#score = score;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#hasScore = this.#hasBytes = true;
    this.#same = same;
    this.#tie = 0;
  }

  #seekRef(score: number, ref: Ref): void {
    const elements = this.#elements;
    elements.locateKey(ref);
    this.#seekMember(score, elements.bytes, elements.start, elements.end, ref);
  }

  /** Below 0 where what is sought stands before that member, above 0 behind it. */
  #compare(score: number, ref: Ref): number {
    if (this.#hasScore) {
      if (this.#score < score) return -1;
      if (this.#score > score) return 1;
    }
    if (!this.#hasBytes) return this.#tie;
    if (ref === this.#same) return this.#tie;
    const elements = this.#elements;
    elements.locateKey(ref);
    const order = compareMembers(
      this.#bytes,
      this.#start,
      this.#end,
      elements.bytes,
      elements.start,
      elements.end,
    );
    return order === 0 ? this.#tie : order;
  }

  /** Goes down to the leaf of what is sought, noting the path. */
  #descend(): void {
    const sought = this.#score;
    const hasScore = this.#hasScore;
    let node = this.#root;
    for (let depth = 0; ; depth++) {
      // The last child that does not begin behind it.
      let low = 0;
      let high = node.count;
      while (low < high) {
        const middle = (low + high) >> 1;
        const score = node.scores[middle]!;
        // Members are looked at where scores are equal only.
        if (hasScore && sought !== score ? sought < score : this.#compare(score, node.refs[middle]!) < 0)
          high = middle;
        else low = middle + 1;
      }
      const place = low === 0 ? 0 : low - 1;
      this.#path[depth] = node;
      this.#places[depth] = place;
      if (node.leaves !== null) {
        this.#leaf = node.leaves[place]!;
        return;
      }
      node = node.nodes[place]!;
    }
  }

  /** How many members are in leaves before the one at the end of the path. */
  get #countBefore(): number {
    let before = 0;
    for (let depth = this.#bottom; depth >= 0; depth--) {
      const { sizes } = this.#path[depth]!;
      for (let i = this.#places[depth]! - 1; i >= 0; i--) before += sizes[i]!;
    }
    return before;
  }

  #placeInLeaf(): number {
    return this.#leaves.placeOf(this.#leaf, this.#hasScore ? this.#score : NaN, this.#order);
  }

  #rank(): number {
    if (this.count === 0) return 0;
    this.#descend();
    return this.#countBefore + this.#placeInLeaf();
  }

  /** How many members stand before the one with that reference and score. */
  rankOf(score: number, ref: Ref): number {
    this.#seekRef(score, ref);
    return this.#rank();
  }

  /** How many members stand before the place of that one, which need not be there; with `behind`, before it or at it. */
  rankOfMember(score: number, bytes: Uint8Array, start: number, end: number, edge: Edge): number {
    this.#seekMember(score, bytes, start, end, 0);
    this.#tie = edge === "before" ? -1 : 1;
    return this.#rank();
  }

  /** How many members have a lower score, or with `behind` the same one. */
  rankOfScore(score: number, edge: Edge): number {
    this.#score = score;
    this.#hasScore = true;
    this.#hasBytes = false;
    this.#tie = edge === "before" ? -1 : 1;
    return this.#rank();
  }

  /** How many members are less than those bytes, or with `behind` equal to them. All scores must be the same. */
  rankOfBytes(bytes: Uint8Array, start: number, end: number, edge: Edge): number {
    this.#seekMember(0, bytes, start, end, 0);
    this.#hasScore = false;
    this.#tie = edge === "before" ? -1 : 1;
    return this.#rank();
  }

  // Walking

  /** `next` gives the member of that rank, `previous` the one before it. Nothing may change meanwhile. */
  seek(rank: number): void {
    if (rank >= this.count) {
      this.#enter(this.#leaves.last, 0);
      this.#index = this.#walk.size;
      return;
    }
    let left = rank;
    let node = this.#root;
    for (;;) {
      let place = 0;
      while (left >= node.sizes[place]!) left -= node.sizes[place++]!;
      if (node.leaves !== null) return this.#enter(node.leaves[place]!, left);
      node = node.nodes[place]!;
    }
  }

  #enter(leaf: number, index: number): void {
    this.#leaf = leaf;
    this.#index = index;
    this.#leaves.open(leaf, this.#walk);
  }

  /** Finds a member's `score` and `ref`; false at the end. */
  next(): boolean {
    const walk = this.#walk;
    if (this.#index >= walk.size) {
      const next = this.#leaf === 0 ? 0 : this.#leaves.nextOf(this.#leaf);
      if (next === 0) return false;
      this.#enter(next, 0);
    }
    const place = this.#index++;
    this.score = walk.doubles[walk.scoresAt + place]!;
    this.ref = walk.words[walk.refsAt + place]!;
    return true;
  }

  previous(): boolean {
    const walk = this.#walk;
    if (this.#index === 0) {
      const previous = this.#leaf === 0 ? 0 : this.#leaves.previousOf(this.#leaf);
      if (previous === 0) return false;
      this.#enter(previous, 0);
      this.#index = walk.size;
    }
    const place = --this.#index;
    this.score = walk.doubles[walk.scoresAt + place]!;
    this.ref = walk.words[walk.refsAt + place]!;
    return true;
  }

  /** Moves the leaf of that rank if its chunk is to be emptied; returns the rank behind it, 0 at the end. */
  moveLeaf(rank: number): number {
    const end = rank < this.count ? relocateLeaf(this.#root, this.#leaves, rank) : 0;
    return end < this.count ? end : 0;
  }

  // Changes

  add(score: number, ref: Ref): void {
    if (this.count === 0) this.#begin();
    else {
      this.#seekRef(score, ref);
      this.#descend();
    }
    this.#insert(this.count === 0 ? 0 : this.#placeInLeaf(), score, ref);
    if (assertsAreOn) this.#assertCounted();
  }

  /** One leaf, without members yet. */
  #begin(): void {
    this.#leaf = this.#leaves.makeBehind(0, 0);
    this.#root.insert(0, { score: 0, ref: 0, size: 0, leaf: this.#leaf, node: null });
    this.#path[0] = this.#root;
    this.#places[0] = 0;
  }

  /** Into the leaf at the end of the path. */
  #insert(place: number, score: number, ref: Ref): void {
    const leaves = this.#leaves;
    const leaf = this.#leaf;
    this.count++;
    this.#countOnPath(1);
    if (leaves.sizeOf(leaf) < leafMax) leaves.insert(leaf, place, score, ref);
    else this.#insertSplitting(leaf, place, score, ref);
    if (place === 0) this.#firstChanged(this.#bottom, score, ref);
  }

  /** The depth of the nodes above leaves. */
  get #bottom(): number {
    return this.#path[0]!.level - 1;
  }

  #countOnPath(by: 1 | -1): void {
    const bottom = this.#bottom;
    for (let depth = 0; depth <= bottom; depth++) this.#path[depth]!.sizes[this.#places[depth]!]! += by;
  }

  /** The leaf is full. Its count in the path has the new member already. */
  #insertSplitting(leaf: number, place: number, score: number, ref: Ref): void {
    const leaves = this.#leaves;
    const isAtEnd = leaf === leaves.last && place === leafMax;
    const kept = isAtEnd ? leafMax : leafMax >> 1;
    const right = leaves.makeBehind(leaf, kept);
    if (isAtEnd || place > kept) leaves.insert(right, place - kept, score, ref);
    else leaves.insert(leaf, place, score, ref);
    const size = leaves.sizeOf(right);
    const bottom = this.#bottom;
    this.#path[bottom]!.sizes[this.#places[bottom]!]! -= size;
    this.#addChild(bottom, {
      score: leaves.scoreAt(right, 0),
      ref: leaves.refAt(right, 0),
      size,
      leaf: right,
      node: null,
    });
  }

  /** Puts a child behind the one that the path goes through at that depth. It was a part of that one. */
  #addChild(depth: number, child: Child): void {
    const node = this.#path[depth]!;
    const place = this.#places[depth]! + 1;
    if (node.count < nodeMax) return node.insert(place, child);
    const right = new ScoreNode(node.level);
    const isAtEnd = place === nodeMax && this.#isLastPath(depth);
    const kept = isAtEnd ? nodeMax : nodeMax >> 1;
    right.take(node, kept);
    if (isAtEnd || place > kept) right.insert(place - kept, child);
    else node.insert(place, child);
    const sibling = right.asChild();
    if (depth > 0) {
      this.#path[depth - 1]!.sizes[this.#places[depth - 1]!]! -= sibling.size;
      return this.#addChild(depth - 1, sibling);
    }
    this.#root = new ScoreNode(node.level + 1);
    this.#root.insert(0, node.asChild());
    this.#root.insert(1, sibling);
  }

  #isLastPath(depth: number): boolean {
    for (let i = 0; i < depth; i++) if (this.#places[i] !== this.#path[i]!.count - 1) return false;
    return true;
  }

  /** The first member below the child that the path goes through at that depth is another one. */
  #firstChanged(depth: number, score: number, ref: Ref): void {
    let node = this.#root;
    // A root that was made of a split has the old one as its first child.
    if (node !== this.#path[0]) setFirst(node, 0, score, ref);
    for (let at = depth; at >= 0; at--) {
      node = this.#path[at]!;
      const place = this.#places[at]!;
      setFirst(node, place, score, ref);
      if (place > 0) return;
    }
  }

  /** Goes to a member that is there; returns its place in its leaf. */
  #locate(score: number, ref: Ref): number {
    this.#seekRef(score, ref);
    this.#descend();
    return this.#placeInLeaf();
  }

  /** Takes out a member, while its element is still there. */
  remove(score: number, ref: Ref): void {
    const leaves = this.#leaves;
    const place = this.#locate(score, ref);
    const leaf = this.#leaf;
    if (assertsAreOn) assertInvariant(leaves.refAt(leaf, place) === ref, "the member is where it is sought");
    const left = leaves.cut(leaf, place);
    this.count--;
    this.#countOnPath(-1);
    const bottom = this.#bottom;
    if (left === 0) {
      leaves.unlink(leaf);
      this.#removeChild(bottom, this.#places[bottom]!);
    } else {
      if (place === 0) this.#firstChanged(bottom, leaves.scoreAt(leaf, 0), leaves.refAt(leaf, 0));
      if (left < leafLeast) this.#joinLeaf(bottom);
    }
    if (assertsAreOn) this.#assertCounted();
  }

  /** The leaf of the path joins one beside it, if both together have few members. */
  #joinLeaf(depth: number): void {
    const node = this.#path[depth]!;
    const left = neighbourOf(
      node,
      this.#places[depth]!,
      (one, other) => node.sizes[one]! + node.sizes[other]! <= leafJoined,
    );
    if (left < 0) return;
    this.#leaves.joinNext(node.leaves![left]!);
    node.sizes[left]! += node.sizes[left + 1]!;
    this.#removeChild(depth, left + 1);
  }

  /** Takes a child out of the path's node of that depth: it is empty, or another one has its members. */
  #removeChild(depth: number, place: number): void {
    const node = this.#path[depth]!;
    node.remove(place);
    if (depth === 0) {
      if (node.count === 0) this.#root = new ScoreNode(1);
      while (this.#root.level > 1 && this.#root.count === 1) this.#root = this.#root.nodes[0]!;
      return;
    }
    if (node.count === 0) return this.#removeChild(depth - 1, this.#places[depth - 1]!);
    if (place === 0) this.#firstChanged(depth - 1, node.scores[0]!, node.refs[0]!);
    if (node.count < nodeLeast) this.#joinNode(depth);
  }

  #joinNode(depth: number): void {
    const parent = this.#path[depth - 1]!;
    const { nodes } = parent;
    const left = neighbourOf(
      parent,
      this.#places[depth - 1]!,
      (one, other) => nodes[one]!.count + nodes[other]!.count <= nodeJoined,
    );
    if (left < 0) return;
    parent.sizes[left]! += nodes[left]!.take(nodes[left + 1]!, 0);
    this.#removeChild(depth - 1, left + 1);
  }

  /** A member has another score. Cheap where it stays between its neighbours. */
  update(score: number, ref: Ref, to: number): void {
    const leaves = this.#leaves;
    const place = this.#locate(score, ref);
    const leaf = this.#leaf;
    const isInside = place > 0 && place < leaves.sizeOf(leaf) - 1;
    if (isInside && leaves.scoreAt(leaf, place - 1) < to && to < leaves.scoreAt(leaf, place + 1))
      return leaves.setScore(leaf, place, to);
    this.remove(score, ref);
    this.add(to, ref);
  }

  /** The element of a member has moved: its bytes are at `to` already, those at `from` are not to be looked at. */
  moved(score: number, from: Ref, to: Ref): void {
    this.#seekRef(score, to);
    this.#same = from;
    this.#descend();
    const place = this.#placeInLeaf();
    if (assertsAreOn)
      assertInvariant(
        this.#leaves.refAt(this.#leaf, place) === from,
        "a member that moves is where it is sought",
      );
    this.#leaves.setRef(this.#leaf, place, to);
    if (place === 0) this.#firstChanged(this.#bottom, score, to);
  }

  /** The same order of a table that has the same references. */
  copy(elements: ElementTable): ScoreTree {
    const copied = new ScoreTree(this.#arena, elements);
    copied.#root = this.#root.copy((leaf) => copied.#leaves.copyFrom(this.#leaves, leaf));
    copied.count = this.count;
    return copied;
  }

  /** Gives back up to `blocks` leaves of a tree that nobody uses any more; returns how many, 0 when none is left. */
  freeSome(blocks: number): number {
    return this.#leaves.freeSome(blocks);
  }

  #assertCounted(): void {
    assertInvariant(this.#root.size === this.count, "the root counts all members");
    assertInvariant((this.count === 0) === (this.#leaves.first === 0), "a tree without members has no leaf");
  }

  /** All of it: for tests. */
  assertSound(): void {
    const leaves = this.#leaves;
    let leaf = leaves.first;
    let seen = 0;
    const visit = (node: ScoreNode): number => {
      assertInvariant(node === this.#root || node.count > 0, "a node has a child");
      for (let i = 0; i < node.count; i++) {
        const child = node.nodes[i];
        if (child === undefined)
          assertInvariant(node.leaves![i] === leaf, "leaves are chained in their order");
        else assertInvariant(child.level === node.level - 1, "levels go down by one");
        const size = child === undefined ? leaves.sizeOf(leaf) : visit(child);
        const [score, ref] =
          child === undefined
            ? [leaves.scoreAt(leaf, 0), leaves.refAt(leaf, 0)]
            : [child.scores[0], child.refs[0]];
        assertInvariant(size > 0 && node.sizes[i] === size, "a node counts the members below each child");
        assertInvariant(node.scores[i] === score && node.refs[i] === ref, "and names the first of them");
        if (child !== undefined) continue;
        assertInvariant(size <= leafMax, "a leaf has room for its members");
        leaf = leaves.nextOf(leaf);
        seen++;
      }
      return node.size;
    };
    assertInvariant(visit(this.#root) === this.count, "the tree counts its members");
    assertInvariant(leaf === 0 && seen === leaves.count, "all leaves are in the tree");
  }
}
