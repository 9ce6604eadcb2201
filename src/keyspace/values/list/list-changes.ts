/**
 * Changes of one list by one command: in memory, in the journal and for those who watch the key.
 *
 *     open(entry)  push(...) drop(...) set(...) insert(...) remove(...)  close()
 *
 * Nothing else of the keyspace may be changed in between: elements that are pushed at one end go into one record, which is ended by the
 * next change or by `close`, or before where it has become long. What each record says: list-kind.ts. Invariant: a list that is empty at
 * `close` is removed with its key.
 */
import { type ByteWriter, copyBytes } from "../../../base/bytes.ts";
import type { Database } from "../../database.ts";
import { beginPart, endElements, operation, writeElementBytes } from "../../key-records.ts";
import type { Keyspace } from "../../keyspace.ts";
import { BlockEdits, type BlockLog } from "./block-edits.ts";
import type { BlockList } from "./block-list.ts";
import { pushFlags, writeBlock } from "./list-kind.ts";
import { packedBlock } from "./list.ts";
import { listElementBytes } from "./list-bytes.ts";

/** Elements of a block that follow each other. */
export interface ElementRun {
  readonly index: number;
  readonly count: number;
}

/** More runs of a block than this are taken out together. */
const runsAtOnceMax = 4;
const noBytes = Buffer.alloc(0);
const takenBytesLeast = 256;
/** A longer element is not kept until the next one comes. */
const takenBytesKept = 64 << 10;
/** Above so many elements those that are dropped are given back in slices. */
const droppedAtOnceMax = 2000;

export class ListChanges implements BlockLog {
  readonly #database: Database;
  readonly #keyspace: Keyspace;
  #entry = 0;
  #isChanged = false;
  /** The key went with its last element when the list was closed last, or before. */
  isGone = false;
  /** The record of pushed elements that is open: where its count stands, and the count. */
  #isPushing = false;
  #pushFlags = 0;
  #pushBlock = 0;
  #countAt = 0;
  #count = 0;
  readonly taken = { bytes: Buffer.alloc(0), size: 0 };
  /** The element that is set or inserted. */
  #value: Uint8Array = noBytes;
  #start = 0;
  #end = 0;

  constructor(database: Database, keyspace: Keyspace) {
    this.#database = database;
    this.#keyspace = keyspace;
  }

  open(entry: number): void {
    this.#entry = entry;
    this.#isChanged = false;
    this.isGone = false;
  }

  get count(): number {
    return this.#keyspace.lists.count(this.#database.content, this.#entry);
  }

  // At the ends

  /** Adds `value[start, end)` at one end. It must not be an element of the same list. */
  push(isLeft: boolean, value: Uint8Array, start: number, end: number): void {
    const keyspace = this.#keyspace;
    const { lists } = keyspace;
    lists.push(this.#database.content, this.#entry, keyspace.position, isLeft, value, start, end);
    this.#entry = lists.entry;
    this.#isChanged = true;
    if (!keyspace.isKept) return;
    const side = isLeft ? pushFlags.left : 0;
    const { block, isNewBlock } = lists;
    if (!this.#isPushing || isNewBlock || this.#pushBlock !== block || this.#pushFlags !== side)
      this.#beginPush(side, isNewBlock, block);
    writeElementBytes(keyspace.changes, value, start, end);
    this.#count++;
    if (keyspace.hasManyChanges) this.#endPush();
  }

  #beginPush(side: number, isNewBlock: boolean, block: number): void {
    this.#endPush();
    const out = this.#begin(operation.listPush);
    out
      .uint8(isNewBlock ? side | pushFlags.newBlock : side)
      .float64(block)
      .uint32(0);
    this.#countAt = out.length - 4;
    this.#count = 0;
    this.#isPushing = true;
    this.#pushFlags = side;
    this.#pushBlock = block;
  }

  #endPush(): void {
    if (!this.#isPushing) return;
    endElements(this.#keyspace.changes, this.#countAt, this.#count);
    this.#isPushing = false;
    this.#keyspace.recorded();
  }

  #begin(code: number): ByteWriter {
    const { changes } = this.#keyspace;
    const { number, table } = this.#database;
    beginPart(changes, code, number, table, this.#entry);
    return changes;
  }

  /** Takes `wanted` elements off one end. Of a list that has no more than that, `close` removes the key. */
  drop(isLeft: boolean, wanted: number): void {
    if (wanted <= 0) return;
    const { lists } = this.#keyspace;
    const { content } = this.#database;
    this.#endPush();
    this.#isChanged = true;
    const large = lists.largeOf(content, this.#entry);
    if (wanted >= (large === null ? this.count : large.count)) return this.#empty();
    if (large !== null) {
      if (wanted > droppedAtOnceMax) content.bury(large.detach(isLeft, wanted));
      else large.drop(isLeft, wanted);
      return this.#wereDropped(large, isLeft);
    }
    lists.dropPacked(content, this.#entry, isLeft, wanted);
    this.#entry = lists.entry;
    this.#wasDropped(isLeft, lists.takenFromBlock);
  }

  /**
   * Takes elements off one end of a large list, as a list that no key has: whoever reads it gives it back (`KeyContent.bury`). No more work
   * than there are blocks of it.
   */
  detach(isLeft: boolean, wanted: number): BlockList {
    const large = this.#database.content.largeOf(this.#entry) as BlockList;
    this.#endPush();
    this.#isChanged = true;
    const taken = large.detach(isLeft, wanted);
    if (large.count > 0) this.#wereDropped(large, isLeft);
    return taken;
  }

  #wereDropped(large: BlockList, isLeft: boolean): void {
    this.#wasDropped(isLeft, large.takenFromBlock);
  }

  #wasDropped(isLeft: boolean, taken: number): void {
    const keyspace = this.#keyspace;
    if (!keyspace.isKept) return;
    const large = keyspace.lists.largeOf(this.#database.content, this.#entry);
    const first = large === null ? packedBlock : large.ring.numberAt(0);
    const last = large === null ? packedBlock : large.ring.numberAt(large.ring.length - 1);
    this.#begin(operation.listKeep)
      .float64(first)
      .uint32(isLeft ? taken : 0)
      .float64(last)
      .uint32(isLeft ? 0 : taken);
    keyspace.recorded();
  }

  /** The key goes with its last element: no record tells of the elements. */
  #empty(): void {
    this.#database.remove(this.#entry);
    this.#entry = 0;
    this.isGone = true;
  }

  // Amid the list

  /** Replaces the element of an index, which there is. */
  set(index: number, value: Uint8Array, start: number, end: number): void {
    const { lists } = this.#keyspace;
    const { content } = this.#database;
    this.#takeValue(value, start, end);
    if (!content.isLarge(this.#entry)) {
      const change = listElementBytes(end - start) - lists.elementBytesAt(content, this.#entry, index);
      lists.entry = this.#entry;
      if (lists.staysPacked(content, 0, change)) {
        lists.removePacked(content, index, 1);
        lists.insertPacked(content, lists.offsetOfPacked(content, index), value, start, end);
        this.#entry = lists.entry;
        return this.wasSet(packedBlock, index);
      }
    }
    const large = this.#makeLarge();
    const at = large.ring.find(index);
    new BlockEdits(large, this, at, large.ring.index).set(value, start, end);
  }

  /** Adds an element in front of the one of that index. */
  insert(index: number, value: Uint8Array, start: number, end: number): void {
    const { lists } = this.#keyspace;
    const { content } = this.#database;
    this.#takeValue(value, start, end);
    if (!content.isLarge(this.#entry)) {
      lists.entry = this.#entry;
      if (lists.staysPacked(content, 1, listElementBytes(end - start))) {
        lists.insertPacked(content, lists.offsetOfPacked(content, index), value, start, end);
        this.#entry = lists.entry;
        return this.wasInserted(packedBlock, index);
      }
      const large = this.#makeLarge();
      return this.insertInBlock(large, 0, index, value, start, end);
    }
    const large = content.largeOf(this.#entry) as BlockList;
    const at = large.ring.find(index);
    this.insertInBlock(large, at, large.ring.index, value, start, end);
  }

  /** The same for a place of a large list, which is that of the open entry; `index` may be the block's count. */
  insertInBlock(
    large: BlockList,
    at: number,
    index: number,
    value: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#takeValue(value, start, end);
    large.age = this.#keyspace.position;
    new BlockEdits(large, this, at, index).insert(value, start, end);
  }

  /** Takes out elements of a packed list, which has more. */
  removePacked(index: number, count: number): void {
    const { lists } = this.#keyspace;
    this.#endPush();
    this.#isChanged = true;
    if (count >= this.count) return this.#empty();
    lists.entry = this.#entry;
    lists.removePacked(this.#database.content, index, count);
    this.#entry = lists.entry;
    this.#wasRemoved(packedBlock, index, count);
  }

  /** Takes elements out of a block of the large list that is open. */
  removeInBlock(large: BlockList, at: number, index: number, count: number): void {
    const { ring } = large;
    this.#endPush();
    this.#isChanged = true;
    if (count >= ring.total) return this.#empty();
    this.#wasRemoved(ring.numberAt(at), index, count);
    if (count === ring.countAt(at)) large.removeBlock(at);
    else large.remove(at, index, count);
  }

  /**
   * The same for several runs of a block, from the last one to the first. Many of them are one record of what is left, and one copy of
   * the block.
   */
  removeRuns(large: BlockList, at: number, runs: readonly ElementRun[]): void {
    const { ring } = large;
    if (runs.length <= runsAtOnceMax) {
      const number = ring.numberAt(at);
      for (const { index, count } of runs) {
        this.removeInBlock(large, at, index, count);
        if (this.#entry === 0 || ring.placeOf(number) < 0) return;
      }
      return;
    }
    this.#endPush();
    this.#isChanged = true;
    large.age = this.#keyspace.position;
    large.removeRuns(at, runs);
    this.wasMade(large, at);
  }

  /** The value is told to have changed, though it is the same. */
  touch(): void {
    this.#isChanged = true;
  }

  /** Copies an element, so that it can be pushed to a list; valid until the next call. */
  take(bytes: Uint8Array, start: number, end: number): { readonly bytes: Buffer; readonly size: number } {
    const { taken } = this;
    taken.size = end - start;
    if (taken.bytes.length < taken.size || taken.bytes.length > takenBytesKept)
      taken.bytes = Buffer.allocUnsafeSlow(Math.max(taken.size, takenBytesLeast));
    copyBytes(taken.bytes, 0, bytes, start, end);
    return taken;
  }

  #wasRemoved(block: number, index: number, count: number): void {
    if (!this.#keyspace.isKept) return;
    this.#begin(operation.listRemove).float64(block).uint32(index).uint32(count);
    this.#keyspace.recorded();
  }

  #takeValue(value: Uint8Array, start: number, end: number): void {
    this.#endPush();
    this.#isChanged = true;
    this.#value = value;
    this.#start = start;
    this.#end = end;
  }

  #makeLarge(): BlockList {
    const { lists, position } = this.#keyspace;
    const { content } = this.#database;
    if (!content.isLarge(this.#entry)) {
      lists.makeLarge(content, this.#entry);
      this.#entry = lists.entry;
    }
    const large = content.largeOf(this.#entry) as BlockList;
    large.age = position;
    return large;
  }

  // BlockLog: the records of what was done

  wasSplit(number: number, index: number, made: number): void {
    if (!this.#keyspace.isKept) return;
    this.#begin(operation.listSplit).float64(number).uint32(index).float64(made);
    this.#keyspace.recorded();
  }

  wereRenumbered(before: readonly number[], now: readonly number[]): void {
    if (!this.#keyspace.isKept) return;
    const out = this.#begin(operation.listRenumber).uint32(before.length);
    for (const [i, number] of before.entries()) out.float64(number).float64(now[i]!);
    this.#keyspace.recorded();
  }

  wasMade(list: BlockList, at: number): void {
    if (!this.#keyspace.isKept) return;
    writeBlock(this.#begin(operation.listBlock), list, at);
    this.#keyspace.recorded();
  }

  wasSet(number: number, index: number): void {
    this.#writePlace(operation.listSet, number, index);
  }

  wasInserted(number: number, index: number): void {
    this.#writePlace(operation.listInsert, number, index);
  }

  #writePlace(code: number, block: number, index: number): void {
    if (!this.#keyspace.isKept) return;
    const out = this.#begin(code).float64(block).uint32(index);
    writeElementBytes(out, this.#value, this.#start, this.#end);
    this.#keyspace.recorded();
  }

  close(): void {
    this.#endPush();
    this.#value = noBytes;
    if (this.#entry === 0) return;
    const database = this.#database;
    this.isGone = this.count === 0;
    if (this.isGone) database.remove(this.#entry);
    else if (this.#isChanged) database.tell(this.#entry);
    this.#entry = 0;
  }
}
