/**
 * An inner node of a score tree: for each child its first score and reference, and how many members are below it. One object for about
 * 2,000 members.
 *
 * Not here: which child a member belongs to (score-tree.ts). Invariant: all children are leaves, or none.
 */
import type { Ref } from "../element-table.ts";
import type { ScoreLeaves } from "./score-leaves.ts";

export const nodeMax = 64;

/** What a node says of a child. */
export interface Child {
  readonly score: number;
  readonly ref: Ref;
  readonly size: number;
  /** A leaf's block, or a node of the level below. */
  readonly leaf: number;
  readonly node: ScoreNode | null;
}

export class ScoreNode {
  /** 1: its children are leaves. */
  readonly level: number;
  count = 0;
  readonly scores = new Float64Array(nodeMax);
  readonly refs = new Int32Array(nodeMax);
  readonly sizes = new Int32Array(nodeMax);
  readonly leaves: Int32Array | null;
  readonly nodes: ScoreNode[] = [];

  constructor(level: number) {
    this.level = level;
    this.leaves = level === 1 ? new Int32Array(nodeMax) : null;
  }

  /** Members below it. */
  get size(): number {
    let total = 0;
    for (let i = 0; i < this.count; i++) total += this.sizes[i]!;
    return total;
  }

  /** Itself, as a child. */
  asChild(): Child {
    return { score: this.scores[0]!, ref: this.refs[0]!, size: this.size, leaf: 0, node: this };
  }

  insert(place: number, { score, ref, size, leaf, node }: Child): void {
    const { count } = this;
    this.scores.copyWithin(place + 1, place, count);
    this.refs.copyWithin(place + 1, place, count);
    this.sizes.copyWithin(place + 1, place, count);
    this.scores[place] = score;
    this.refs[place] = ref;
    this.sizes[place] = size;
    if (this.leaves === null) this.nodes.splice(place, 0, node!);
    else {
      this.leaves.copyWithin(place + 1, place, count);
      this.leaves[place] = leaf;
    }
    this.count++;
  }

  remove(place: number): void {
    const { count } = this;
    this.scores.copyWithin(place, place + 1, count);
    this.refs.copyWithin(place, place + 1, count);
    this.sizes.copyWithin(place, place + 1, count);
    if (this.leaves !== null) this.leaves.copyWithin(place, place + 1, count);
    else this.nodes.splice(place, 1);
    this.count--;
  }

  /** Takes the children of `other` from the place `from` on, behind its own; returns how many members they have. */
  take(other: ScoreNode, from: number): number {
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

  /** The same with copies of its children: leaves by `copyLeaf`, in their order. */
  copy(copyLeaf: (leaf: number) => number): ScoreNode {
    const twin = new ScoreNode(this.level);
    twin.count = this.count;
    twin.scores.set(this.scores);
    twin.refs.set(this.refs);
    twin.sizes.set(this.sizes);
    for (const node of this.nodes) twin.nodes.push(node.copy(copyLeaf));
    for (let i = 0; this.leaves !== null && i < this.count; i++) twin.leaves![i] = copyLeaf(this.leaves[i]!);
    return twin;
  }
}

/** Moves the leaf of the member of that rank, which there is; returns the rank behind it. */
export function relocateLeaf(root: ScoreNode, leaves: ScoreLeaves, rank: number): number {
  let node = root;
  for (let left = rank; ;) {
    let place = 0;
    while (left >= node.sizes[place]!) left -= node.sizes[place++]!;
    if (node.leaves === null) {
      node = node.nodes[place]!;
      continue;
    }
    node.leaves[place] = leaves.relocate(node.leaves[place]!);
    return rank - left + node.sizes[place]!;
  }
}

export function setFirst(node: ScoreNode, place: number, score: number, ref: Ref): void {
  node.scores[place] = score;
  node.refs[place] = ref;
}

/** Of a child and one beside it that may join, the left one; -1 where there is none. */
export function neighbourOf(
  node: ScoreNode,
  place: number,
  mayJoin: (one: number, other: number) => boolean,
): number {
  if (place + 1 < node.count && mayJoin(place, place + 1)) return place;
  return place > 0 && mayJoin(place - 1, place) ? place - 1 : -1;
}
