/**
 * Lists as the journal has them, and their blocks written again (docs/adr/0017).
 *
 *     listPush     : key, u8 flags, f64 block, u32 count, count x element   at an end of the block; flags: 1 left, 2 the block is new
 *     listKeep     : key, f64 first block, u32 taken from its front, f64 last block, u32 taken from its end     no others are left
 *     listSet      : key, f64 block, u32 index, element
 *     listInsert   : key, f64 block, u32 index, element         in front of the one of that index
 *     listRemove   : key, f64 block, u32 index, u32 count
 *     listBlock    : key, f64 block, u32 count, element         the block has these elements, as list-bytes.ts has them; it may be new
 *     listSplit    : key, f64 block, u32 index, f64 new block   the elements in front of the index are the new block
 *     listRenumber : key, u32 count, count x (f64 block, f64 block)   blocks have other numbers, all at once
 *
 * A packed list is block 0; an empty one has no block. Invariant, which each record keeps: a replay has some of the blocks that there
 * were, each of them whole. A record about a block that it does not have is passed over: a later `listBlock` says all of that block.
 */
import type { ByteReader, ByteWriter } from "../../../base/bytes.ts";
import type { KeyContent } from "../../content.ts";
import { beginPart, operation, skipElements, writeElementBytes } from "../../key-records.ts";
import { valueType } from "../../value-type.ts";
import type { BlockList } from "./block-list.ts";
import { listElementBytes } from "./list-bytes.ts";
import { type ListValues, packedBlock } from "./list.ts";
import type { PartOperation, RewriteSource, ValueKind } from "../value-kind.ts";

export const pushFlags = { left: 1, newBlock: 2 } as const;

type Apply = (content: KeyContent, entry: number, reader: ByteReader, position: number) => void;

export class ListKind implements ValueKind {
  readonly type = valueType.list;
  readonly operations: readonly PartOperation[];
  readonly #lists: ListValues;
  #large: BlockList | null = null;
  #at = 0;

  constructor(lists: ListValues) {
    this.#lists = lists;
    const part = (
      code: number,
      makesValue: boolean,
      skip: (reader: ByteReader) => void,
      apply: Apply,
    ): PartOperation => ({ code, makesValue, skip, apply });
    const skipPlace = (reader: ByteReader): void => {
      reader.skip(8 + 4);
    };
    const skipElementAtPlace = (reader: ByteReader): void => {
      skipPlace(reader);
      skipElements(reader, 1);
    };
    const skipPush = (reader: ByteReader): void => {
      reader.skip(1 + 8);
      skipElements(reader, reader.uint32());
    };
    this.operations = [
      part(operation.listPush, true, skipPush, (...args) => this.#push(...args)),
      part(
        operation.listKeep,
        false,
        (reader) => void reader.skip(24),
        (c, entry, reader) => this.#keep(c, entry, reader),
      ),
      part(operation.listSet, false, skipElementAtPlace, (...args) => this.#change(...args, true)),
      part(operation.listInsert, false, skipElementAtPlace, (...args) => this.#change(...args, false)),
      part(
        operation.listRemove,
        false,
        (reader) => void reader.skip(16),
        (c, entry, reader) => this.#remove(c, entry, reader),
      ),
      part(operation.listBlock, true, skipElementAtPlace, (...args) => this.#block(...args)),
      part(
        operation.listSplit,
        false,
        (reader) => void reader.skip(20),
        (...args) => this.#split(...args),
      ),
      part(
        operation.listRenumber,
        false,
        (reader) => void reader.skip(16 * reader.uint32()),
        (c, entry, reader) => this.#renumber(c, entry, reader),
      ),
    ];
  }

  create(content: KeyContent, key: Uint8Array, start: number, end: number, age: number): number {
    return this.#lists.create(content, key, start, end, age);
  }

  makeLarge(content: KeyContent, entry: number): number {
    this.#lists.makeLarge(content, entry);
    return this.#lists.entry;
  }

  /** Where the block that the record names is: `#large` and `#at`, or a packed list, or nowhere. */
  #find(content: KeyContent, entry: number, block: number): "packed" | "block" | "none" {
    const lists = this.#lists;
    lists.entry = entry;
    const large = lists.largeOf(content, entry);
    this.#large = large;
    if (large === null) return block === packedBlock && lists.count(content, entry) > 0 ? "packed" : "none";
    this.#at = large.ring.placeOf(block);
    return this.#at >= 0 ? "block" : "none";
  }

  /** The list of `lists.entry` is a large one from now on. */
  #makeLarge(content: KeyContent, position: number): BlockList {
    const lists = this.#lists;
    if (!content.isLarge(lists.entry)) lists.makeLarge(content, lists.entry);
    const large = content.largeOf(lists.entry) as BlockList;
    large.age = position;
    return large;
  }

  #push(content: KeyContent, first: number, reader: ByteReader, position: number): void {
    const flags = reader.uint8();
    const block = reader.float64();
    const isLeft = (flags & pushFlags.left) !== 0;
    let isNew = (flags & pushFlags.newBlock) !== 0;
    const lists = this.#lists;
    lists.entry = first;
    for (let left = reader.uint32(); left > 0; left--) {
      const size = reader.uint32();
      const start = reader.skip(size);
      this.#pushOne(content, block, isLeft, isNew, reader.buffer, start, start + size, position);
      isNew = false;
    }
  }

  #pushOne(
    content: KeyContent,
    block: number,
    isLeft: boolean,
    isNew: boolean,
    buffer: Buffer,
    start: number,
    end: number,
    position: number,
  ): void {
    const lists = this.#lists;
    const { entry } = lists;
    const found = this.#find(content, entry, block);
    if (found === "none" && !isNew) return;
    if (
      !content.isLarge(entry) &&
      block === packedBlock &&
      lists.staysPacked(content, 1, listElementBytes(end - start))
    ) {
      const offset = lists.offsetOfPacked(content, isLeft ? 0 : Infinity);
      return lists.insertPacked(content, offset, buffer, start, end);
    }
    const large = this.#makeLarge(content, position);
    const place = large.ring.placeOf(block);
    const at = place < 0 ? ~place : place;
    if (place < 0) large.makeBlock(at, block, isLeft, 0);
    large.insert(at, isLeft ? 0 : large.ring.countAt(at), buffer, start, end);
  }

  #keep(content: KeyContent, entry: number, reader: ByteReader): void {
    const first = reader.float64();
    const fromFirst = reader.uint32();
    const last = reader.float64();
    const fromLast = reader.uint32();
    const lists = this.#lists;
    lists.entry = entry;
    const large = lists.largeOf(content, entry);
    if (large === null) {
      const count = lists.count(content, entry);
      const isGone = first > packedBlock || last < packedBlock;
      const front = isGone ? count : first === packedBlock ? Math.min(fromFirst, count) : 0;
      const end = last === packedBlock ? Math.min(fromLast, count - front) : 0;
      if (front > 0) lists.removePacked(content, 0, front);
      if (end > 0) lists.removePacked(content, count - front - end, end);
      return;
    }
    const { ring } = large;
    while (ring.length > 0 && ring.numberAt(0) < first) large.removeBlock(0);
    while (ring.length > 0 && ring.numberAt(ring.length - 1) > last) large.removeBlock(ring.length - 1);
    if (ring.length > 0 && ring.numberAt(0) === first) this.#drop(large, 0, true, fromFirst);
    const end = ring.length - 1;
    if (end >= 0 && ring.numberAt(end) === last) this.#drop(large, end, false, fromLast);
  }

  #drop(large: BlockList, at: number, isLeft: boolean, count: number): void {
    if (count >= large.ring.countAt(at)) large.removeBlock(at);
    else if (count > 0) large.dropFromBlock(at, isLeft, count);
  }

  #change(
    content: KeyContent,
    entry: number,
    reader: ByteReader,
    position: number,
    isInstead: boolean,
  ): void {
    const lists = this.#lists;
    const block = reader.float64();
    const index = reader.uint32();
    const size = reader.uint32();
    const start = reader.skip(size);
    const end = start + size;
    const { buffer } = reader;
    const found = this.#find(content, entry, block);
    if (found === "none") return;
    if (found === "packed") {
      let added = listElementBytes(size);
      if (isInstead) added -= lists.elementBytesAt(content, entry, index);
      if (lists.staysPacked(content, isInstead ? 0 : 1, added)) {
        if (isInstead) lists.removePacked(content, index, 1);
        return lists.insertPacked(content, lists.offsetOfPacked(content, index), buffer, start, end);
      }
    }
    const large = this.#makeLarge(content, position);
    const at = large.ring.placeOf(block);
    if (isInstead) large.set(at, index, buffer, start, end);
    else large.insert(at, index, buffer, start, end);
  }

  #remove(content: KeyContent, entry: number, reader: ByteReader): void {
    const block = reader.float64();
    const index = reader.uint32();
    const count = reader.uint32();
    const found = this.#find(content, entry, block);
    if (found === "packed") return this.#lists.removePacked(content, index, count);
    if (found === "none") return;
    const large = this.#large!;
    if (count === large.ring.countAt(this.#at)) large.removeBlock(this.#at);
    else large.remove(this.#at, index, count);
  }

  #block(content: KeyContent, entry: number, reader: ByteReader, position: number): void {
    const block = reader.float64();
    const count = reader.uint32();
    const size = reader.uint32();
    const start = reader.skip(size);
    this.#lists.entry = entry;
    const large = this.#makeLarge(content, position);
    const place = large.ring.placeOf(block);
    if (place >= 0) large.removeBlock(place);
    large.putBlock(place < 0 ? ~place : place, block, count, reader.buffer, start, start + size);
  }

  #split(content: KeyContent, entry: number, reader: ByteReader, position: number): void {
    const block = reader.float64();
    const index = reader.uint32();
    const made = reader.float64();
    const found = this.#find(content, entry, block);
    if (found === "none") return;
    const large = this.#makeLarge(content, position);
    large.split(large.ring.placeOf(block), index, made);
  }

  /** A packed list is none of those: its block has never been split. */
  #renumber(content: KeyContent, entry: number, reader: ByteReader): void {
    const large = this.#lists.largeOf(content, entry);
    const places: number[] = [];
    const numbers: number[] = [];
    for (let left = reader.uint32(); left > 0; left--) {
      const place = large === null ? -1 : large.ring.placeOf(reader.float64());
      if (large === null) reader.skip(8);
      const number = reader.float64();
      if (place < 0) continue;
      places.push(place);
      numbers.push(number);
    }
    for (const [i, place] of places.entries()) large!.ring.setNumber(place, numbers[i]!);
  }

  /** A block's elements are one record. */
  rewriteElements(
    out: ByteWriter,
    { database, content, id }: RewriteSource,
    below: number,
    position: number,
  ): boolean {
    const { values, table } = content;
    const large = values.get(id) as BlockList;
    large.age = position;
    const at = large.takeOlder(below);
    if (at < 0) return false;
    beginPart(out, operation.listBlock, database, table, values.entryOf(id));
    writeBlock(out, large, at);
    return true;
  }
}

/** What stands behind the key of a `listBlock`. */
export function writeBlock(out: ByteWriter, large: BlockList, at: number): void {
  large.open(at);
  out.float64(large.ring.numberAt(at)).uint32(large.ring.countAt(at));
  writeElementBytes(out, large.bytes, large.head, large.tail);
}
