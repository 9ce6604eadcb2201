/**
 * Sorted sets in memory: members with their scores, packed in the entry of the key, or in an element table and a tree.
 *
 *     packed = u16 count, u16 spare, (score, element) ...      in their order: by score, then by bytes
 *
 * Not here: the journal and who is told of changes (sorted-set-changes.ts), commands. Invariants: a sorted set is packed while it has
 * at most `packedCountMax` members in `packedBytesMax` bytes, and never becomes packed again; the flag `beyondListpack` says what
 * redis would say of it; no score is NaN. One object serves all sorted sets of a keyspace: what it has found is valid until the next
 * call, but that members of other sorted sets may be found, set and removed during a walk (`seek`, `next`).
 */
import { ageUnit } from "../../age.ts";
import { encodingBounds, type EncodingBounds, type KeyspaceBounds } from "../../bounds.ts";
import type { KeyContent } from "../../content.ts";
import { beyondListpack, valueType } from "../../value-type.ts";
import { LargeSortedSet } from "./large-sorted-set.ts";
import {
  elementBytes,
  packedCount,
  PackedCursor,
  packedHeaderBytes,
  setPackedCount,
  writeElement,
} from "../packed.ts";
import { compareMembers, readScore, scoreBytes, writeScore } from "./score-bytes.ts";
import type { Edge, ScoreTree } from "./score-tree.ts";

/** A place in the order: it outlives changes. */
export interface MemberPlace {
  readonly score: number;
  readonly bytes: Uint8Array;
}

/** A range of names: from `min` on, or behind it; up to `max`, or before it. Null is no bound. */
export interface NameRange {
  readonly min: NameBound | null;
  readonly max: NameBound | null;
}

export interface NameBound {
  readonly bytes: Uint8Array;
  readonly isExclusive: boolean;
}

export class SortedSetValues {
  readonly #bounds: KeyspaceBounds;
  readonly #encodings: Readonly<EncodingBounds>;
  readonly #cursor = new PackedCursor();
  /** The member that `next` found: `bytes[start, end)`; and its score, which `find` finds too. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  score = 0;
  /** Where the entry is after a change. */
  entry = 0;
  /** The score that `set` has given. */
  given = 0;
  /** The walk: over a packed set from `#at` on, or back over the first `#left` of `#places`; over a large one by its tree. */
  #isReverse = false;
  #large: LargeSortedSet | null = null;
  #at = 0;
  #until = 0;
  #left = 0;
  #places = new Int32Array(128);

  constructor(bounds: KeyspaceBounds, encodings: Readonly<EncodingBounds> = encodingBounds) {
    this.#bounds = bounds;
    this.#encodings = encodings;
  }

  /** Makes an empty sorted set for a key that has no entry: the caller fills it. */
  create({ table }: KeyContent, key: Uint8Array, start: number, end: number, age: number): number {
    const hash = table.hash(key, start, end);
    const entry = table.insert(hash, key, start, end, valueType.sortedSet, packedHeaderBytes);
    setPackedCount(table.bytes, table.start, 0);
    table.setAge(entry, age);
    return entry;
  }

  /** What a large sorted set has; null for a packed one. */
  largeOf(content: KeyContent, entry: number): LargeSortedSet | null {
    return content.isLarge(entry) ? (content.largeOf(entry) as LargeSortedSet) : null;
  }

  count(content: KeyContent, entry: number): number {
    const large = this.largeOf(content, entry);
    if (large !== null) return large.count;
    const { table } = content;
    table.locate(entry);
    return packedCount(table.bytes, table.start);
  }

  /** Finds a member's score. */
  find(content: KeyContent, entry: number, member: Uint8Array, start: number, end: number): boolean {
    const large = this.largeOf(content, entry);
    if (large !== null) {
      const ref = large.find(member, start, end);
      if (ref !== 0) this.score = large.scoreOf(ref);
      return ref !== 0;
    }
    const { table } = content;
    table.locate(entry);
    const at = this.#findPacked(table.bytes, table.start + packedHeaderBytes, table.end, member, start, end);
    if (at >= 0) this.score = readScore(table.bytes, at);
    return at >= 0;
  }

  /** Where a packed member begins, with its score; the cursor is at its bytes. -1 for none. */
  #findPacked(
    bytes: Uint8Array,
    from: number,
    until: number,
    member: Uint8Array,
    start: number,
    end: number,
  ): number {
    const cursor = this.#cursor;
    const size = end - start;
    const first = size === 0 ? 0 : member[start]!;
    for (let at = from; at < until; at = cursor.end) {
      cursor.read(bytes, at + scoreBytes);
      const found = cursor.start;
      if (cursor.end - found !== size || (size > 0 && bytes[found] !== first)) continue;
      let i = 1;
      while (i < size && bytes[found + i] === member[start + i]) i++;
      if (i >= size) return at;
    }
    return -1;
  }

  /** Where among the packed members a new one belongs. */
  #placeFor(
    bytes: Uint8Array,
    from: number,
    until: number,
    score: number,
    member: Uint8Array,
    start: number,
    end: number,
  ): number {
    const cursor = this.#cursor;
    for (let at = from; at < until; at = cursor.end) {
      const other = readScore(bytes, at);
      if (other > score) return at;
      cursor.read(bytes, at + scoreBytes);
      if (other === score && compareMembers(bytes, cursor.start, cursor.end, member, start, end) > 0)
        return at;
    }
    return until;
  }

  /** The rank of a member, whose score is found as well; -1 for none. */
  rankOf(content: KeyContent, entry: number, member: Uint8Array, start: number, end: number): number {
    const large = this.largeOf(content, entry);
    if (large !== null) {
      const ref = large.find(member, start, end);
      if (ref === 0) return -1;
      this.score = large.scoreOf(ref);
      return large.tree.rankOf(this.score, ref);
    }
    const { table } = content;
    table.locate(entry);
    const { bytes } = table;
    const from = table.start + packedHeaderBytes;
    const found = this.#findPacked(bytes, from, table.end, member, start, end);
    if (found < 0) return -1;
    this.score = readScore(bytes, found);
    let rank = 0;
    for (let at = from; at < found; rank++) {
      this.#cursor.read(bytes, at + scoreBytes);
      at = this.#cursor.end;
    }
    return rank;
  }

  /** How many members have a lower score; with `behind`, or the same one. */
  rankOfScore(content: KeyContent, entry: number, score: number, edge: Edge): number {
    const tree = this.#treeOf(content, entry);
    if (tree !== null) return tree.rankOfScore(score, edge);
    let rank = 0;
    this.seek(content, entry, 0);
    while (this.next() && (this.score < score || (edge === "behind" && this.score === score))) rank++;
    return rank;
  }

  /** How many members stand before the place of that one, which need not be there; with `behind`, before it or at it. */
  rankOfPlace(content: KeyContent, entry: number, { score, bytes }: MemberPlace, edge: Edge): number {
    const tree = this.#treeOf(content, entry);
    if (tree !== null) return tree.rankOfMember(score, bytes, 0, bytes.length, edge);
    let rank = 0;
    this.seek(content, entry, 0);
    while (this.next() && this.#stands(score, bytes) < (edge === "before" ? 0 : 1)) rank++;
    return rank;
  }

  /** Where the member found last stands, by that place: below 0, 0, or above. */
  #stands(score: number, bytes: Uint8Array): number {
    if (this.score !== score) return this.score < score ? -1 : 1;
    return Math.sign(compareMembers(this.bytes, this.start, this.end, bytes, 0, bytes.length));
  }

  #treeOf(content: KeyContent, entry: number): ScoreTree | null {
    return this.largeOf(content, entry)?.tree ?? null;
  }

  /**
   * The ranks of the members with a name in that range: from the first up to, but not with, the second. Where scores differ, a packed
   * set gives what redis gives, whose walk from one end stops at the first member that does not belong there.
   */
  namesBetween(
    content: KeyContent,
    entry: number,
    { min, max }: NameRange,
    isReverse: boolean,
  ): readonly [from: number, to: number] {
    const tree = this.#treeOf(content, entry);
    if (tree !== null) {
      const from = min === null ? 0 : edgeOf(tree, min, min.isExclusive ? "behind" : "before");
      const to = max === null ? tree.count : edgeOf(tree, max, max.isExclusive ? "before" : "behind");
      return [from, Math.max(from, to)];
    }
    const isAbove: boolean[] = [];
    const isBelow: boolean[] = [];
    this.seek(content, entry, 0);
    while (this.next()) {
      isAbove.push(min === null || this.#order(min) >= (min.isExclusive ? 1 : 0));
      isBelow.push(max === null || this.#order(max) <= (max.isExclusive ? -1 : 0));
    }
    if (!isBelow[0] || !isAbove.at(-1)) return [0, 0];
    if (!isReverse) {
      const from = isAbove.indexOf(true);
      let to = from;
      while (isBelow[to] === true) to++;
      return [from, to];
    }
    const last = isBelow.lastIndexOf(true);
    let from = last + 1;
    while (from > 0 && isAbove[from - 1] === true) from--;
    return [from, last + 1];
  }

  /** Of the member found last and a bound: -1, 0, 1. */
  #order({ bytes }: NameBound): number {
    return Math.sign(compareMembers(this.bytes, this.start, this.end, bytes, 0, bytes.length));
  }

  /** Begins a walk: `next` gives the member of that rank, then those behind it, or in reverse those before it. Nothing may change meanwhile. */
  seek(content: KeyContent, entry: number, rank: number, isReverse = false): void {
    const large = this.largeOf(content, entry);
    this.#large = large;
    this.#isReverse = isReverse;
    if (large !== null) return large.tree.seek(isReverse ? rank + 1 : rank);
    const { table } = content;
    table.locate(entry);
    const { bytes } = table;
    const cursor = this.#cursor;
    this.bytes = bytes;
    this.#until = table.end;
    this.#left = 0;
    let at = table.start + packedHeaderBytes;
    if (isReverse && packedCount(bytes, table.start) > this.#places.length)
      this.#places = new Int32Array(packedCount(bytes, table.start));
    for (let left = isReverse ? rank + 1 : rank; left > 0 && at < this.#until; left--) {
      if (isReverse) this.#places[this.#left++] = at;
      cursor.read(bytes, at + scoreBytes);
      at = cursor.end;
    }
    this.#at = at;
  }

  next(): boolean {
    const large = this.#large;
    if (large !== null) {
      const { tree, elements } = large;
      if (!(this.#isReverse ? tree.previous() : tree.next())) return false;
      elements.locateKey(tree.ref);
      this.score = tree.score;
      this.bytes = elements.bytes;
      this.start = elements.start;
      this.end = elements.end;
      return true;
    }
    if (this.#isReverse) {
      if (this.#left === 0) return false;
      this.#at = this.#places[--this.#left]!;
    } else if (this.#at >= this.#until) return false;
    const cursor = this.#cursor;
    this.score = readScore(this.bytes, this.#at);
    cursor.read(this.bytes, this.#at + scoreBytes);
    this.start = cursor.start;
    this.end = cursor.end;
    this.#at = cursor.end;
    return true;
  }

  /**
   * Gives a member a score; says whether it is a new one. Its record, with the score `given`, stands at `position`, or later. A score of -0
   * is 0 where redis has a listpack, which keeps whole numbers as integers.
   */
  set(
    content: KeyContent,
    entry: number,
    position: number,
    score: number,
    member: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const isListpack =
      (content.table.typeWord(entry) & beyondListpack) === 0 &&
      end - start <= this.#encodings.sortedSetValueBytesMax;
    this.given = isListpack ? score + 0 : score;
    return this.setExactly(content, entry, position, this.given, member, start, end);
  }

  /** The same with a score that was given once, as a record has it. */
  setExactly(
    content: KeyContent,
    entry: number,
    position: number,
    score: number,
    member: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    this.entry = entry;
    const { table } = content;
    if (!content.isLarge(entry)) {
      table.locate(entry);
      const { bytes, start: begin } = table;
      const size = table.end - begin;
      const from = begin + packedHeaderBytes;
      const at = this.#findPacked(bytes, from, table.end, member, start, end);
      if (at >= 0) {
        this.#movePacked(bytes, from, table.end, at, this.#cursor.end, score, member, start, end);
        return false;
      }
      if (end - start > this.#encodings.sortedSetValueBytesMax) content.addFlag(entry, beyondListpack);
      const count = packedCount(bytes, begin) + 1;
      const added = scoreBytes + elementBytes(end - start);
      if (count <= this.#bounds.packedCountMax && size + added <= this.#bounds.packedBytesMax) {
        const place = this.#placeFor(bytes, from, table.end, score, member, start, end) - begin;
        this.entry = table.resize(entry, size + added, true);
        const to = table.start + place;
        table.bytes.copyWithin(to + added, to, table.start + size);
        writeScore(table.bytes, to, score);
        writeElement(table.bytes, to + scoreBytes, member, start, end);
        setPackedCount(table.bytes, table.start, count);
        if (count > this.#encodings.sortedSetEntriesMax) content.addFlag(this.entry, beyondListpack);
        return true;
      }
      this.makeLarge(content, entry);
    }
    const large = this.largeOf(content, this.entry)!;
    large.elements.age = position;
    const isNew = large.set(score, member, start, end);
    if (
      isNew &&
      (end - start > this.#encodings.sortedSetValueBytesMax ||
        large.count > this.#encodings.sortedSetEntriesMax)
    )
      content.addFlag(this.entry, beyondListpack);
    return isNew;
  }

  /** The packed member in `[at, behind)` goes to where its new score belongs: all sizes stay. */
  #movePacked(
    bytes: Buffer,
    from: number,
    until: number,
    at: number,
    behind: number,
    score: number,
    member: Uint8Array,
    start: number,
    end: number,
  ): void {
    const size = behind - at;
    let to = this.#placeFor(bytes, from, at, score, member, start, end);
    if (to < at) bytes.copyWithin(to + size, to, at);
    else {
      to = this.#placeFor(bytes, behind, until, score, member, start, end);
      bytes.copyWithin(at, behind, to);
      to -= size;
    }
    writeScore(bytes, to, score);
    writeElement(bytes, to + scoreBytes, member, start, end);
  }

  /** Takes a member out; says whether it was there. An empty sorted set is the caller's to remove. */
  remove(content: KeyContent, entry: number, member: Uint8Array, start: number, end: number): boolean {
    this.entry = entry;
    const large = this.largeOf(content, entry);
    if (large !== null) {
      const ref = large.find(member, start, end);
      if (ref !== 0) large.remove(ref);
      return ref !== 0;
    }
    const { table } = content;
    table.locate(entry);
    const at = this.#findPacked(table.bytes, table.start + packedHeaderBytes, table.end, member, start, end);
    if (at >= 0) this.#cutPacked(content, entry, at, this.#cursor.end);
    return at >= 0;
  }

  /** Takes out the member that `next` found last. */
  removeFound(content: KeyContent, entry: number): void {
    this.entry = entry;
    const large = this.largeOf(content, entry);
    if (large !== null) return large.remove(large.tree.ref);
    // Its length says where it begins.
    const size = scoreBytes + elementBytes(this.end - this.start);
    content.table.locate(entry);
    this.#cutPacked(content, entry, this.end - size, this.end);
  }

  /** Of a packed value that is located. */
  #cutPacked({ table }: KeyContent, entry: number, at: number, behind: number): void {
    const { bytes, start, end } = table;
    setPackedCount(bytes, start, packedCount(bytes, start) - 1);
    bytes.copyWithin(at, behind, end);
    this.entry = table.resize(entry, end - start - (behind - at), true);
  }

  /** The packed sorted set of `entry` becomes a large one. Its members were recorded when the entry was, or later. */
  makeLarge(content: KeyContent, entry: number): void {
    const large = new LargeSortedSet(content.arena, content.newElements());
    large.elements.age = content.table.age(entry) * ageUnit;
    const { table } = content;
    table.locate(entry);
    const { bytes, end } = table;
    const cursor = this.#cursor;
    for (let at = table.start + packedHeaderBytes; at < end; at = cursor.end) {
      cursor.read(bytes, at + scoreBytes);
      large.set(readScore(bytes, at), bytes, cursor.start, cursor.end);
    }
    this.entry = content.setLarge(entry, large);
  }
}

function edgeOf(tree: ScoreTree, { bytes }: NameBound, edge: Edge): number {
  return tree.rankOfBytes(bytes, 0, bytes.length, edge);
}
