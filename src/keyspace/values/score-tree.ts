/**
 * The order of a large sorted set: its members by score, then by their bytes, and how many stand before each. A counted B+tree.
 *
 *     leaf  = i32 count, i32 next leaf, i32 previous leaf, i32 unused, 68 x f64 score, 68 x i32 reference
 *             in a block of the arena; 0 is no leaf
 *     inner = for each child: its first score and reference, how many members are below it; one object for ~2,000 members
 *
 * A member is a reference into the set's element table, which has its bytes. A leaf that is full is split; at the right end it stays
 * full and a new one begins, so that growing scores (times) fill leaves. A leaf with few members joins one beside it.
 * Not here: from a member to its score (element-table.ts). Invariants: what an inner node says of a child's first member and number
 * is true after each change, so no node names a member that is gone; a leaf has a member at least.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { type Arena, wordOf } from "../arena.ts";
import type { ElementTable, Ref } from "./element-table.ts";
import { compareMembers } from "./score-bytes.ts";

const leafMax = 68;
const leafHeaderBytes = 16;
const leafBytes = leafHeaderBytes + leafMax * 12;
/** A node with fewer joins its neighbour, */
const leafLeast = leafMax >> 2;
/** where both together have no more than this. */
const leafJoined = (leafMax * 3) >> 2;
const innerMax = 64;
const innerLeast = innerMax >> 2;
const innerJoined = (innerMax * 3) >> 2;

const countWord = 0;
const nextWord = 1;
const previousWord = 2;
/** From a leaf's first word, in doubles and in words. */
const scoresDouble = leafHeaderBytes >> 3;
const refsWord = (leafHeaderBytes + leafMax * 8) >> 2;

class Inner {
  /** 1: its children are leaves. */
  readonly level: number;
  count = 0;
  readonly scores = new Float64Array(innerMax);
  readonly refs = new Int32Array(innerMax);
  readonly sizes = new Int32Array(innerMax);
  readonly leaves: Int32Array | null;
  readonly nodes: Inner[] = [];

  constructor(level: number) {
    this.level = level;
    this.leaves = level === 1 ? new Int32Array(innerMax) : null;
  }

  get size(): number {
    let total = 0;
    for (let i = 0; i < this.count; i++) total += this.sizes[i]!;
    return total;
  }

  /** Makes room for a child at `place`, which the caller fills. */
  open(place: number): void {
    const { count } = this;
    this.scores.copyWithin(place + 1, place, count);
    this.refs.copyWithin(place + 1, place, count);
    this.sizes.copyWithin(place + 1, place, count);
    if (this.leaves !== null) this.leaves.copyWithin(place + 1, place, count);
    else this.nodes.splice(place, 0, this);
    this.count++;
  }

  close(place: number): void {
    const { count } = this;
    this.scores.copyWithin(place, place + 1, count);
    this.refs.copyWithin(place, place + 1, count);
    this.sizes.copyWithin(place, place + 1, count);
    if (this.leaves !== null) this.leaves.copyWithin(place, place + 1, count);
    else this.nodes.splice(place, 1);
    this.count--;
  }

  /** Takes the children of `other` from `from` on, behind its own; returns how many members they have. */
  take(other: Inner, from: number): number {
    const { count } = this;
    this.scores.set(other.scores.subarray(from, other.count), count);
    this.refs.set(other.refs.subarray(from, other.count), count);
    this.sizes.set(other.sizes.subarray(from, other.count), count);
    if (this.leaves !== null) this.leaves.set(other.leaves!.subarray(from, other.count), count);
    else this.nodes.push(...other.nodes.splice(from));
    let moved = 0;
    for (let i = from; i < other.count; i++) moved += other.sizes[i]!;
    this.count += other.count - from;
    other.count = from;
    return moved;
  }
}

/** Where a range begins or ends among members that compare equal to its bound. */
export type Edge = "before" | "behind";

export class ScoreTree {
  readonly #arena: Arena;
  readonly #elements: ElementTable;
  #root = new Inner(1);
  count = 0;
  leafCount = 0;
  #first = 0;
  #last = 0;
  /** From the root to the leaf that was sought last. */
  readonly #path: Inner[] = [];
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
  /** The walk: a place in a leaf, and what `next` or `previous` found. */
  #leaf = 0;
  #index = 0;
  score = 0;
  ref: Ref = 0;
  #freedLeaf = -1;

  constructor(arena: Arena, elements: ElementTable) {
    this.#arena = arena;
    this.#elements = elements;
  }

  get heldBytes(): number {
    return this.leafCount * leafBytes;
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

  /** Goes down to the leaf of what is sought, noting the path; returns how many members are in leaves before it. */
  #descend(): number {
    let before = 0;
    let node = this.#root;
    for (let depth = 0; ; depth++) {
      // The last child that does not begin behind it.
      let low = 0;
      let high = node.count;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.#compare(node.scores[middle]!, node.refs[middle]!) < 0) high = middle;
        else low = middle + 1;
      }
      const place = low === 0 ? 0 : low - 1;
      this.#path[depth] = node;
      this.#places[depth] = place;
      for (let i = 0; i < place; i++) before += node.sizes[i]!;
      if (node.leaves !== null) {
        this.#leaf = node.leaves[place]!;
        return before;
      }
      node = node.nodes[place]!;
    }
  }

  /** The first place in the leaf whose member is not before what is sought. */
  #placeInLeaf(): number {
    const chunk = this.#arena.chunk(this.#leaf);
    const at = wordOf(this.#leaf);
    const scores = (at >> 1) + scoresDouble;
    let low = 0;
    let high = chunk.words[at + countWord]!;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(chunk.doubles[scores + middle]!, chunk.words[at + refsWord + middle]!) <= 0)
        high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #rank(): number {
    return this.count === 0 ? 0 : this.#descend() + this.#placeInLeaf();
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
    let left = rank;
    let node = this.#root;
    if (rank >= this.count) {
      this.#leaf = this.#last;
      this.#index = this.#last === 0 ? 0 : this.#arena.chunk(this.#last).words[wordOf(this.#last)]!;
      return;
    }
    for (;;) {
      let place = 0;
      while (left >= node.sizes[place]!) left -= node.sizes[place++]!;
      if (node.leaves !== null) {
        this.#leaf = node.leaves[place]!;
        this.#index = left;
        return;
      }
      node = node.nodes[place]!;
    }
  }

  /** Finds a member's `score` and `ref`; false at the end. */
  next(): boolean {
    if (this.#leaf === 0) return false;
    let chunk = this.#arena.chunk(this.#leaf);
    let at = wordOf(this.#leaf);
    if (this.#index >= chunk.words[at + countWord]!) {
      const next = chunk.words[at + nextWord]!;
      if (next === 0) return false;
      this.#leaf = next;
      this.#index = 0;
      chunk = this.#arena.chunk(next);
      at = wordOf(next);
    }
    this.score = chunk.doubles[(at >> 1) + scoresDouble + this.#index]!;
    this.ref = chunk.words[at + refsWord + this.#index]!;
    this.#index++;
    return true;
  }

  previous(): boolean {
    if (this.#leaf === 0) return false;
    let chunk = this.#arena.chunk(this.#leaf);
    let at = wordOf(this.#leaf);
    if (this.#index === 0) {
      const previous = chunk.words[at + previousWord]!;
      if (previous === 0) return false;
      this.#leaf = previous;
      chunk = this.#arena.chunk(previous);
      at = wordOf(previous);
      this.#index = chunk.words[at + countWord]!;
    }
    this.#index--;
    this.score = chunk.doubles[(at >> 1) + scoresDouble + this.#index]!;
    this.ref = chunk.words[at + refsWord + this.#index]!;
    return true;
  }

  // Changes

  add(score: number, ref: Ref): void {
    if (this.count === 0) return this.#addFirst(score, ref);
    this.#seekRef(score, ref);
    this.#descend();
    this.#insert(this.#placeInLeaf(), score, ref);
    if (assertsAreOn) this.#assertPath();
  }

  #addFirst(score: number, ref: Ref): void {
    const leaf = this.#makeLeaf();
    this.#first = this.#last = leaf;
    const root = this.#root;
    root.open(0);
    root.leaves![0] = leaf;
    this.#path[0] = root;
    this.#places[0] = 0;
    root.sizes[0] = 0;
    this.#leaf = leaf;
    this.#insert(0, score, ref);
  }

  #makeLeaf(): number {
    const leaf = this.#arena.allocate(leafBytes);
    const { words } = this.#arena.chunk(leaf);
    words.fill(0, wordOf(leaf), wordOf(leaf) + (leafHeaderBytes >> 2));
    this.leafCount++;
    return leaf;
  }

  /** Into the leaf at the end of the path. */
  #insert(place: number, score: number, ref: Ref): void {
    const chunk = this.#arena.chunk(this.#leaf);
    const at = wordOf(this.#leaf);
    const count = chunk.words[at + countWord]!;
    this.count++;
    const bottom = this.#root.level - 1;
    for (let depth = 0; depth <= bottom; depth++) this.#path[depth]!.sizes[this.#places[depth]!]!++;
    if (count === leafMax) return this.#insertSplitting(place, score, ref);
    const { words, doubles } = chunk;
    const scores = (at >> 1) + scoresDouble;
    const refs = at + refsWord;
    if (place < count) {
      doubles.copyWithin(scores + place + 1, scores + place, scores + count);
      words.copyWithin(refs + place + 1, refs + place, refs + count);
    }
    doubles[scores + place] = score;
    words[refs + place] = ref;
    words[at + countWord] = count + 1;
    if (place === 0) this.#firstChanged(bottom, score, ref);
  }

  /** The leaf is full. Its count in the path has the new member already. */
  #insertSplitting(place: number, score: number, ref: Ref): void {
    const left = this.#leaf;
    const right = this.#makeLeaf();
    const from = this.#arena.chunk(left);
    const to = this.#arena.chunk(right);
    const [a, b] = [wordOf(left), wordOf(right)];
    const next = from.words[a + nextWord]!;
    from.words[a + nextWord] = right;
    to.words[b + previousWord] = left;
    to.words[b + nextWord] = next;
    if (next === 0) this.#last = right;
    else this.#arena.chunk(next).words[wordOf(next) + previousWord] = right;

    const isAtEnd = next === 0 && place === leafMax;
    const kept = isAtEnd ? leafMax : leafMax >> 1;
    const [scoresA, scoresB] = [(a >> 1) + scoresDouble, (b >> 1) + scoresDouble];
    for (let i = kept; i < leafMax; i++) {
      to.doubles[scoresB + i - kept] = from.doubles[scoresA + i]!;
      to.words[b + refsWord + i - kept] = from.words[a + refsWord + i]!;
    }
    from.words[a + countWord] = kept;
    to.words[b + countWord] = leafMax - kept;
    const isRight = place > kept || isAtEnd;
    this.#putInLeaf(isRight ? right : left, isRight ? place - kept : place, score, ref);
    const depth = this.#root.level - 1;
    if (place === 0) this.#firstChanged(depth, score, ref);
    const moved = to.words[b + countWord]!;
    const node = this.#path[depth]!;
    node.sizes[this.#places[depth]!]! -= moved;
    this.#addChild(depth, to.doubles[scoresB]!, to.words[b + refsWord]!, moved, right, null);
  }

  #putInLeaf(leaf: number, place: number, score: number, ref: Ref): void {
    const { words, doubles } = this.#arena.chunk(leaf);
    const at = wordOf(leaf);
    const count = words[at + countWord]!;
    const scores = (at >> 1) + scoresDouble;
    const refs = at + refsWord;
    doubles.copyWithin(scores + place + 1, scores + place, scores + count);
    words.copyWithin(refs + place + 1, refs + place, refs + count);
    doubles[scores + place] = score;
    words[refs + place] = ref;
    words[at + countWord] = count + 1;
  }

  /** Puts a child behind the one that the path goes through at that depth. It was a part of that one. */
  #addChild(depth: number, score: number, ref: Ref, size: number, leaf: number, child: Inner | null): void {
    const node = this.#path[depth]!;
    const place = this.#places[depth]! + 1;
    if (node.count < innerMax) return putChild(node, place, score, ref, size, leaf, child);
    const right = new Inner(node.level);
    const isAtEnd = place === innerMax && this.#isLastPath(depth);
    const kept = isAtEnd ? innerMax : innerMax >> 1;
    const moved = right.take(node, kept);
    const isRight = isAtEnd || place > kept;
    if (isRight) putChild(right, place - kept, score, ref, size, leaf, child);
    else putChild(node, place, score, ref, size, leaf, child);
    this.#addSibling(depth, node, right, isRight ? moved + size : moved);
  }

  #isLastPath(depth: number): boolean {
    for (let i = 0; i < depth; i++) if (this.#places[i] !== this.#path[i]!.count - 1) return false;
    return true;
  }

  #addSibling(depth: number, left: Inner, right: Inner, size: number): void {
    if (depth > 0) {
      const parent = this.#path[depth - 1]!;
      parent.sizes[this.#places[depth - 1]!]! -= size;
      this.#addChild(depth - 1, right.scores[0]!, right.refs[0]!, size, 0, right);
      return;
    }
    const root = new Inner(left.level + 1);
    putChild(root, 0, left.scores[0]!, left.refs[0]!, left.size, 0, left);
    putChild(root, 1, right.scores[0]!, right.refs[0]!, size, 0, right);
    this.#root = root;
  }

  /** The first member below the path's node of that depth is another one. */
  #firstChanged(depth: number, score: number, ref: Ref): void {
    for (let at = depth; at >= 0; at--) {
      const node = this.#path[at]!;
      const place = this.#places[at]!;
      node.scores[place] = score;
      node.refs[place] = ref;
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
    const place = this.#locate(score, ref);
    const leaf = this.#leaf;
    const { words, doubles } = this.#arena.chunk(leaf);
    const at = wordOf(leaf);
    if (assertsAreOn)
      assertInvariant(words[at + refsWord + place] === ref, "the member is where it is sought");
    const scores = (at >> 1) + scoresDouble;
    const refs = at + refsWord;
    const count = words[at + countWord]! - 1;
    doubles.copyWithin(scores + place, scores + place + 1, scores + count + 1);
    words.copyWithin(refs + place, refs + place + 1, refs + count + 1);
    words[at + countWord] = count;
    this.count--;
    const bottom = this.#root.level - 1;
    for (let depth = 0; depth <= bottom; depth++) this.#path[depth]!.sizes[this.#places[depth]!]!--;
    if (count === 0) {
      this.#unlink(leaf);
      this.#removeChild(bottom, this.#places[bottom]!);
    } else {
      if (place === 0) this.#firstChanged(bottom, doubles[scores]!, words[refs]!);
      if (count < leafLeast) this.#joinLeaf(bottom);
    }
    if (assertsAreOn) this.#assertPath();
  }

  #unlink(leaf: number): void {
    const { words } = this.#arena.chunk(leaf);
    const at = wordOf(leaf);
    const [next, previous] = [words[at + nextWord]!, words[at + previousWord]!];
    if (next === 0) this.#last = previous;
    else this.#arena.chunk(next).words[wordOf(next) + previousWord] = previous;
    if (previous === 0) this.#first = next;
    else this.#arena.chunk(previous).words[wordOf(previous) + nextWord] = next;
    this.#arena.release(leaf);
    this.leafCount--;
  }

  /** The leaf of the path joins one beside it, if both together have few members. */
  #joinLeaf(depth: number): void {
    const node = this.#path[depth]!;
    const place = this.#places[depth]!;
    for (const left of [place, place - 1]) {
      if (left < 0 || left + 1 >= node.count) continue;
      if (node.sizes[left]! + node.sizes[left + 1]! > leafJoined) continue;
      const [one, other] = [node.leaves![left]!, node.leaves![left + 1]!];
      const to = this.#arena.chunk(one);
      const from = this.#arena.chunk(other);
      const [a, b] = [wordOf(one), wordOf(other)];
      const count = to.words[a + countWord]!;
      const added = from.words[b + countWord]!;
      for (let i = 0; i < added; i++) {
        to.doubles[(a >> 1) + scoresDouble + count + i] = from.doubles[(b >> 1) + scoresDouble + i]!;
        to.words[a + refsWord + count + i] = from.words[b + refsWord + i]!;
      }
      to.words[a + countWord] = count + added;
      node.sizes[left]! += added;
      this.#unlink(other);
      this.#removeChild(depth, left + 1);
      return;
    }
  }

  /** Takes a child out of the path's node of that depth: it is empty, or another one has its members. */
  #removeChild(depth: number, place: number): void {
    const node = this.#path[depth]!;
    node.close(place);
    if (node.count === 0) {
      if (depth === 0) this.#root = new Inner(1);
      else this.#removeChild(depth - 1, this.#places[depth - 1]!);
      return;
    }
    if (place === 0 && depth > 0) this.#firstChanged(depth - 1, node.scores[0]!, node.refs[0]!);
    if (depth > 0) {
      if (node.count < innerLeast) this.#joinInner(depth);
      return;
    }
    while (this.#root.level > 1 && this.#root.count === 1) this.#root = this.#root.nodes[0]!;
  }

  #joinInner(depth: number): void {
    const parent = this.#path[depth - 1]!;
    const place = this.#places[depth - 1]!;
    for (const left of [place, place - 1]) {
      if (left < 0 || left + 1 >= parent.count) continue;
      const [one, other] = [parent.nodes[left]!, parent.nodes[left + 1]!];
      if (one.count + other.count > innerJoined) continue;
      parent.sizes[left]! += one.take(other, 0);
      this.#removeChild(depth - 1, left + 1);
      return;
    }
  }

  /** A member has another score. Cheap where it stays between its neighbours. */
  update(score: number, ref: Ref, to: number): void {
    const place = this.#locate(score, ref);
    const { words, doubles } = this.#arena.chunk(this.#leaf);
    const at = wordOf(this.#leaf);
    const scores = (at >> 1) + scoresDouble;
    const isInside = place > 0 && place < words[at + countWord]! - 1;
    if (isInside && doubles[scores + place - 1]! < to && to < doubles[scores + place + 1]!) {
      doubles[scores + place] = to;
      return;
    }
    this.remove(score, ref);
    this.add(to, ref);
  }

  /** The element of a member has moved: its bytes are at `to` already, those at `from` are not to be looked at. */
  moved(score: number, from: Ref, to: Ref): void {
    this.#seekRef(score, to);
    this.#same = from;
    this.#descend();
    const place = this.#placeInLeaf();
    const { words } = this.#arena.chunk(this.#leaf);
    const at = wordOf(this.#leaf) + refsWord + place;
    if (assertsAreOn) assertInvariant(words[at] === from, "a member that moves is where it is sought");
    words[at] = to;
    if (place === 0) this.#firstChanged(this.#root.level - 1, score, to);
  }

  /** The same order of a table that has the same references. */
  copy(elements: ElementTable): ScoreTree {
    const copied = new ScoreTree(this.#arena, elements);
    let previous = 0;
    const copyNode = (node: Inner): Inner => {
      const twin = new Inner(node.level);
      twin.count = node.count;
      twin.scores.set(node.scores);
      twin.refs.set(node.refs);
      twin.sizes.set(node.sizes);
      if (node.leaves === null) for (const child of node.nodes) twin.nodes.push(copyNode(child));
      for (let i = 0; node.leaves !== null && i < node.count; i++) {
        previous = twin.leaves![i] = copied.#copyLeaf(node.leaves[i]!, previous);
      }
      return twin;
    };
    copied.#root = copyNode(this.#root);
    copied.#last = previous;
    copied.count = this.count;
    return copied;
  }

  #copyLeaf(leaf: number, previous: number): number {
    const copy = this.#makeLeaf();
    const from = this.#arena.chunk(leaf);
    const to = this.#arena.chunk(copy);
    const [a, b] = [wordOf(leaf), wordOf(copy)];
    to.words.set(from.words.subarray(a, a + (leafBytes >> 2)), b);
    to.words[b + previousWord] = previous;
    to.words[b + nextWord] = 0;
    if (previous === 0) this.#first = copy;
    else this.#arena.chunk(previous).words[wordOf(previous) + nextWord] = copy;
    return copy;
  }

  /** Gives back up to `blocks` leaves of a tree that nobody uses any more; returns how many, 0 when none is left. */
  freeSome(blocks: number): number {
    if (this.#freedLeaf < 0) this.#freedLeaf = this.#first === 0 ? 0 : 1;
    let freed = 0;
    while (this.#freedLeaf === 1 && freed < blocks) {
      const leaf = this.#first;
      this.#first = this.#arena.chunk(leaf).words[wordOf(leaf) + nextWord]!;
      this.#arena.release(leaf);
      freed++;
      if (this.#first === 0) this.#freedLeaf = 0;
    }
    return freed;
  }

  /** Of the nodes that the last change went through. */
  #assertPath(): void {
    assertInvariant(this.#root.size === this.count, "the root counts all members");
    assertInvariant((this.count === 0) === (this.#first === 0), "a tree without members has no leaf");
  }

  /** Every node: for tests. */
  assertSound(): void {
    let leaf = this.#first;
    let leaves = 0;
    const visit = (node: Inner): number => {
      let total = 0;
      assertInvariant(node === this.#root || node.count > 0, "an inner node has a child");
      for (let i = 0; i < node.count; i++) {
        let size: number;
        let score: number;
        let ref: number;
        if (node.leaves === null) {
          const child = node.nodes[i]!;
          assertInvariant(child.level === node.level - 1, "levels go down by one");
          size = visit(child);
          score = child.scores[0]!;
          ref = child.refs[0]!;
        } else {
          assertInvariant(node.leaves[i] === leaf, "leaves are chained in their order");
          const { words, doubles } = this.#arena.chunk(leaf);
          const at = wordOf(leaf);
          size = words[at + countWord]!;
          assertInvariant(size > 0 && size <= leafMax, "a leaf has a member");
          score = doubles[(at >> 1) + scoresDouble]!;
          ref = words[at + refsWord]!;
          leaf = words[at + nextWord]!;
          leaves++;
        }
        assertInvariant(node.sizes[i] === size, "a node counts the members below each child");
        assertInvariant(node.scores[i] === score && node.refs[i] === ref, "and names the first of them");
        total += size;
      }
      return total;
    };
    assertInvariant(visit(this.#root) === this.count, "the tree counts its members");
    assertInvariant(leaf === 0 && leaves === this.leafCount, "all leaves are in the tree");
  }
}

function putChild(
  node: Inner,
  place: number,
  score: number,
  ref: Ref,
  size: number,
  leaf: number,
  child: Inner | null,
): void {
  node.open(place);
  node.scores[place] = score;
  node.refs[place] = ref;
  node.sizes[place] = size;
  if (child === null) node.leaves![place] = leaf;
  else node.nodes[place] = child;
}
