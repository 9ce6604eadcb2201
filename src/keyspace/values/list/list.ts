/**
 * Lists in memory: elements in their order, packed in the entry of the key or in a ring of blocks.
 *
 *     packed = u16 count, u16 spare, elements (list-bytes.ts)
 *
 * Records speak of blocks (list-kind.ts): a packed list is block 0 of its own, and stays that block when it becomes a large one. Not here:
 * the journal and who is told of changes (list-changes.ts), commands. Invariant: a list is packed while it has at most `packedCountMax`
 * elements in `packedBytesMax` bytes, and never becomes packed again. One object serves all lists of a keyspace: what it has found is valid
 * until the next call.
 */
import { ageUnit } from "../../age.ts";
import type { KeyspaceBounds } from "../../bounds.ts";
import type { KeyContent } from "../../content.ts";
import { valueType } from "../../value-type.ts";
import { BlockList } from "./block-list.ts";
import { listElementBytes, ListCursor, writeListElement } from "./list-bytes.ts";
import { packedCount, packedHeaderBytes, setPackedCount } from "../packed.ts";

/** The number of a packed list's one block. */
export const packedBlock = 0;

export class ListValues {
  readonly #bounds: KeyspaceBounds;
  readonly #cursor = new ListCursor();
  /** The element that `get` or `next` found: `bytes[start, end)`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Where the entry is after a change. */
  entry = 0;
  /** The block that `push` used, and whether it is new; or the block of a packed list after `dropPacked`, and how many it took from there. */
  block = 0;
  isNewBlock = false;
  takenFromBlock = 0;
  /** The walk: elements of a block of `#large`, or of a packed list. */
  #large: BlockList | null = null;
  #blockAt = 0;
  #isReverse = false;
  #at = 0;
  #until = 0;

  constructor(bounds: KeyspaceBounds) {
    this.#bounds = bounds;
  }

  /** Makes an empty list for a key that has no entry: the caller fills it. */
  create({ table }: KeyContent, key: Uint8Array, start: number, end: number, age: number): number {
    const hash = table.hash(key, start, end);
    const entry = table.insert(hash, key, start, end, valueType.list, packedHeaderBytes);
    setPackedCount(table.bytes, table.start, 0);
    table.setAge(entry, age);
    return entry;
  }

  /** The blocks of a large list; null for a packed one. */
  largeOf(content: KeyContent, entry: number): BlockList | null {
    return content.isLarge(entry) ? (content.largeOf(entry) as BlockList) : null;
  }

  count(content: KeyContent, entry: number): number {
    const large = this.largeOf(content, entry);
    if (large !== null) return large.count;
    const { table } = content;
    table.locate(entry);
    return packedCount(table.bytes, table.start);
  }

  // Looking

  /** Finds the element at one end, which there is. */
  getEnd(content: KeyContent, entry: number, isLeft: boolean): void {
    const cursor = this.#cursor;
    const large = this.largeOf(content, entry);
    if (large === null) {
      const { table } = content;
      table.locate(entry);
      this.bytes = table.bytes;
      if (isLeft) cursor.read(table.bytes, table.start + packedHeaderBytes);
      else cursor.readBack(table.bytes, table.end);
    } else {
      large.open(isLeft ? 0 : large.ring.length - 1);
      this.bytes = large.bytes;
      if (isLeft) cursor.read(large.bytes, large.head);
      else cursor.readBack(large.bytes, large.tail);
    }
    this.start = cursor.start;
    this.end = cursor.end;
  }

  /** Finds the element of an index, which there is. */
  get(content: KeyContent, entry: number, index: number): void {
    const large = this.largeOf(content, entry);
    if (large !== null) {
      large.find(large.ring.find(index), large.ring.index);
      this.bytes = large.bytes;
      this.start = large.start;
      this.end = large.end;
      return;
    }
    this.#seekPacked(content, entry, index);
    this.bytes = content.table.bytes;
    this.start = this.#cursor.start;
    this.end = this.#cursor.end;
  }

  #seekPacked({ table }: KeyContent, entry: number, index: number): void {
    table.locate(entry);
    const { bytes, start, end } = table;
    this.#cursor.seek(bytes, start + packedHeaderBytes, end, packedCount(bytes, start), index);
  }

  /** Begins a walk: `next` gives the element of that index, which there is, then those behind it, or in reverse those before it. Nothing may change meanwhile. */
  begin(content: KeyContent, entry: number, index: number, isReverse = false): void {
    const large = this.largeOf(content, entry);
    const cursor = this.#cursor;
    this.#large = large;
    this.#isReverse = isReverse;
    if (large === null) {
      const { table } = content;
      this.#seekPacked(content, entry, index);
      this.bytes = table.bytes;
      this.#until = isReverse ? table.start + packedHeaderBytes : table.end;
    } else {
      const { ring } = large;
      const at = ring.find(index);
      large.open(at);
      cursor.seek(large.bytes, large.head, large.tail, ring.countAt(at), ring.index);
      this.#openBlock(large, at);
    }
    this.#at = isReverse ? cursor.until : cursor.from;
  }

  #openBlock(large: BlockList, at: number): void {
    large.open(at);
    this.#blockAt = at;
    this.bytes = large.bytes;
    this.#at = this.#isReverse ? large.tail : large.head;
    this.#until = this.#isReverse ? large.head : large.tail;
  }

  next(): boolean {
    while (this.#at === this.#until) if (!this.#nextBlock()) return false;
    const cursor = this.#cursor;
    if (this.#isReverse) {
      cursor.readBack(this.bytes, this.#at);
      this.#at = cursor.from;
    } else {
      cursor.read(this.bytes, this.#at);
      this.#at = cursor.until;
    }
    this.start = cursor.start;
    this.end = cursor.end;
    return true;
  }

  #nextBlock(): boolean {
    const large = this.#large;
    if (large === null) return false;
    const at = this.#blockAt + (this.#isReverse ? -1 : 1);
    if (at < 0 || at >= large.ring.length) return false;
    this.#openBlock(large, at);
    return true;
  }

  /** Whether the element that was found is `value[from, to)`. */
  equals(value: Uint8Array, from: number, to: number): boolean {
    const { bytes, start } = this;
    const size = to - from;
    if (this.end - start !== size) return false;
    for (let i = 0; i < size; i++) if (bytes[start + i] !== value[from + i]) return false;
    return true;
  }

  // At the ends

  /** Adds an element at one end. Its record stands at `position`, or later. */
  push(
    content: KeyContent,
    entry: number,
    position: number,
    isLeft: boolean,
    value: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.entry = entry;
    if (!content.isLarge(entry)) {
      if (this.#pushPacked(content, isLeft, value, start, end)) return;
      this.makeLarge(content, entry);
    }
    const large = content.largeOf(this.entry) as BlockList;
    large.age = position;
    this.isNewBlock = large.push(isLeft, value, start, end);
    this.block = large.ring.numberAt(isLeft ? 0 : large.ring.length - 1);
  }

  /** Says whether there was room. */
  #pushPacked(content: KeyContent, isLeft: boolean, value: Uint8Array, start: number, end: number): boolean {
    const { table } = content;
    table.locate(this.entry);
    const count = packedCount(table.bytes, table.start);
    const size = table.end - table.start;
    const added = listElementBytes(end - start);
    const { packedCountMax, packedBytesMax } = this.#bounds;
    if (count >= packedCountMax || size + added > packedBytesMax) return false;
    this.insertPacked(content, isLeft ? packedHeaderBytes : size, value, start, end);
    this.block = packedBlock;
    this.isNewBlock = count === 0;
    return true;
  }

  /** Adds an element at an offset of the packed value of `this.entry`. */
  insertPacked({ table }: KeyContent, offset: number, value: Uint8Array, start: number, end: number): void {
    table.locate(this.entry);
    const size = table.end - table.start;
    const added = listElementBytes(end - start);
    this.entry = table.resize(this.entry, size + added, true);
    const { bytes, start: from } = table;
    bytes.copyWithin(from + offset + added, from + offset, from + size);
    writeListElement(bytes, from + offset, value, start, end);
    setPackedCount(bytes, from, packedCount(bytes, from) + 1);
  }

  /** Takes `wanted` elements off one end of a packed list, which has more. */
  dropPacked(content: KeyContent, entry: number, isLeft: boolean, wanted: number): void {
    this.entry = entry;
    const count = this.count(content, entry);
    this.removePacked(content, isLeft ? 0 : count - wanted, wanted);
    this.takenFromBlock = wanted;
    this.block = packedBlock;
  }

  /** Of the packed value of `this.entry`, takes out elements from an index on. */
  removePacked(content: KeyContent, index: number, wanted: number): void {
    const { table } = content;
    const cursor = this.#cursor;
    this.#seekPacked(content, this.entry, index);
    const { bytes, start, end } = table;
    const from = cursor.from;
    for (let left = wanted - 1; left > 0; left--) cursor.read(bytes, cursor.until);
    const { until } = cursor;
    setPackedCount(bytes, start, packedCount(bytes, start) - wanted);
    bytes.copyWithin(from, until, end);
    this.entry = table.resize(this.entry, end - start - (until - from), true);
  }

  /** Of a packed list. */
  elementBytesAt(content: KeyContent, entry: number, index: number): number {
    this.#seekPacked(content, entry, index);
    return this.#cursor.until - this.#cursor.from;
  }

  /** Where in the packed value of `this.entry` the element of an index begins, or the next one would. */
  offsetOfPacked({ table }: KeyContent, index: number): number {
    table.locate(this.entry);
    const { bytes, start, end } = table;
    return (
      this.#cursor.placeOf(bytes, start + packedHeaderBytes, end, packedCount(bytes, start), index) - start
    );
  }

  /** Whether a packed list of `this.entry` stays one with so many elements and bytes more. */
  staysPacked({ table }: KeyContent, elements: number, bytes: number): boolean {
    table.locate(this.entry);
    const { packedCountMax, packedBytesMax } = this.#bounds;
    return (
      packedCount(table.bytes, table.start) + elements <= packedCountMax &&
      table.end - table.start + bytes <= packedBytesMax
    );
  }

  /** The packed list of `entry` becomes a large one. Its elements were recorded when the entry was, or later. */
  makeLarge(content: KeyContent, entry: number): void {
    const { table } = content;
    const large = content.newBlockList();
    large.age = table.age(entry) * ageUnit;
    table.locate(entry);
    const { bytes, start, end } = table;
    const count = packedCount(bytes, start);
    if (count > 0) large.putBlock(0, packedBlock, count, bytes, start + packedHeaderBytes, end);
    this.entry = content.setLarge(entry, large);
  }
}
