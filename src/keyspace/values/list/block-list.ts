/**
 * The elements of one large list: a ring of blocks of up to 8 KiB, so that pushing and popping move no byte, and an index is found by
 * counts. No object for each element or block.
 *
 *     block = i32 head, i32 tail, -, elements between head and tail, -      offsets from the block's begin
 *
 * A block that was made at the left end fills downwards, one at the right end upwards. A block has a number, which stays while it lives:
 * numbers ascend from left to right, with room between them for blocks that are split (block-edits.ts). Records name them, so that they
 * mean the same in a replay that does not know all blocks (docs/adr/0017). Each block has an age, that of its oldest record, so that the
 * cleaner can have the old ones written again, one at a time.
 *
 * Not here: small lists, which are packed (list.ts); the journal. Invariants: no block is without elements, but for one that a replay
 * empties; `age` of a block is not above the position of any record that its elements come from.
 */
import { sumOfMany } from "../sum-of-many.ts";
import { copyBytes } from "../../../base/bytes.ts";
import { type Arena, type ArenaChunk, byteOf, wordOf } from "../../arena.ts";
import { BlockRing } from "./block-ring.ts";
import type { LargeValue, Usage } from "../large-value.ts";
import { listElementBytes, ListCursor, writeListElement } from "./list-bytes.ts";

export interface BlockListOptions {
  readonly arena: Arena;
  readonly usage: Usage;
  /** Of a block that has more than one element. */
  readonly blockBytesMax: number;
}

const blockBytesMost = 8192;
const blockBytesLeast = 256;
const headerBytes = 8;
/** The distance of the numbers of new blocks at the ends: room for twenty splits at one place, and for 2^33 blocks at each end. */
export const numberStep = 2 ** 20;

export class BlockList implements LargeValue {
  readonly #arena: Arena;
  readonly #blockBytesMax: number;
  readonly #cursor = new ListCursor();
  readonly ring = new BlockRing();
  #usage: Usage;
  liveBytes = 0;
  /** Of what is written from now on: the position of its record in the journal, or less. */
  age = 0;
  /** What `open` or `find` looked at: the elements `bytes[head, tail)` of a block, or the element `bytes[start, end)`. Valid until the next change. */
  bytes: Buffer = Buffer.alloc(0);
  head = 0;
  tail = 0;
  start = 0;
  end = 0;
  /** After `drop`: how many elements it took from the block that is the outmost now. */
  takenFromBlock = 0;
  #rewriteAt = 0;

  constructor({ arena, usage, blockBytesMax }: BlockListOptions) {
    this.#arena = arena;
    this.#usage = usage;
    this.#blockBytesMax = Math.min(blockBytesMax, blockBytesMost);
  }

  get count(): number {
    return this.ring.total;
  }

  /** Memory in blocks of the arena. */
  get heldBytes(): number {
    return sumOfMany(this.ring.length, (at) => this.#chunk(at).blockBytes);
  }

  moveUsage(to: Usage): void {
    to.bytes += this.liveBytes;
    this.#usage = to;
  }

  #use(bytes: number): void {
    this.liveBytes += bytes;
    this.#usage.bytes += bytes;
  }

  #chunk(at: number): ArenaChunk {
    return this.#arena.chunk(this.ring.addressAt(at));
  }

  // Looking

  /** Looks at the elements of the block at that place: `bytes[head, tail)`. */
  open(at: number): void {
    const address = this.ring.addressAt(at);
    const { bytes, words } = this.#arena.chunk(address);
    const word = wordOf(address);
    const from = byteOf(address);
    this.bytes = bytes;
    this.head = from + words[word]!;
    this.tail = from + words[word + 1]!;
  }

  usedBytes(at: number): number {
    const address = this.ring.addressAt(at);
    const { words } = this.#arena.chunk(address);
    const word = wordOf(address);
    return words[word + 1]! - words[word]!;
  }

  /** Looks at one element of a block. */
  find(at: number, index: number): void {
    const cursor = this.#cursor;
    this.open(at);
    cursor.seek(this.bytes, this.head, this.tail, this.ring.countAt(at), index);
    this.start = cursor.start;
    this.end = cursor.end;
  }

  // At the ends

  /** The number that the next block at that end gets. */
  nextNumber(isLeft: boolean): number {
    const { ring } = this;
    if (ring.length === 0) return 0;
    return isLeft ? ring.numberAt(0) - numberStep : ring.numberAt(ring.length - 1) + numberStep;
  }

  /** Adds an element at one end; says whether that made a block. */
  push(isLeft: boolean, value: Uint8Array, start: number, end: number): boolean {
    const { ring } = this;
    const size = listElementBytes(end - start);
    const last = isLeft ? 0 : ring.length - 1;
    const isNew = ring.length === 0 || !this.#hasRoom(last, isLeft, size);
    if (isNew) this.#addBlock(isLeft, size);
    this.#write(isLeft ? 0 : ring.length - 1, isLeft, size, value, start, end);
    return isNew;
  }

  #addBlock(isLeft: boolean, size: number): void {
    const { ring } = this;
    const number = this.nextNumber(isLeft);
    if (ring.length > 0) this.#trimRoom(isLeft ? 0 : ring.length - 1);
    this.makeBlock(isLeft ? 0 : ring.length, number, isLeft, size);
  }

  /** Makes an empty block for elements of so many bytes, and for more like them. */
  makeBlock(at: number, number: number, isLeft: boolean, size: number): void {
    const isLong = size + headerBytes > this.#blockBytesMax;
    const address = this.#arena.allocate(
      isLong ? size + headerBytes : this.#capacityFor(Math.max(size, this.liveBytes)),
    );
    const { words } = this.#arena.chunk(address);
    const word = wordOf(address);
    words[word] = words[word + 1] = isLeft ? this.#capacity(address) : headerBytes;
    this.ring.insert(at, number, address, this.age);
  }

  /** A power of two for small blocks, so that they can grow; at most what a block has. */
  #capacityFor(bytes: number): number {
    const most = this.#blockBytesMax;
    const needed = bytes + headerBytes;
    return needed >= most ? most : Math.max(1 << (32 - Math.clz32(needed - 1)), blockBytesLeast);
  }

  #capacity(address: number): number {
    return this.#arena.chunk(address).blockBytes;
  }

  #hasRoom(at: number, isLeft: boolean, size: number): boolean {
    const address = this.ring.addressAt(at);
    const chunk = this.#arena.chunk(address);
    const word = wordOf(address);
    const head = chunk.words[word]!;
    const tail = chunk.words[word + 1]!;
    if (isLeft ? head - size >= headerBytes : tail + size <= chunk.blockBytes) return true;
    const used = tail - head;
    if (chunk.blockBytes >= this.#blockBytesMax || used + size + headerBytes > this.#blockBytesMax)
      return false;
    this.#reallocate(at, this.#capacityFor(2 * used + size), isLeft);
    return true;
  }

  /** A block that gets no more: what it does not use is given back, if it is much. */
  #trimRoom(at: number): void {
    const used = this.usedBytes(at) + headerBytes;
    const capacity = this.#capacity(this.ring.addressAt(at));
    if (used < capacity - (capacity >> 2)) this.#reallocate(at, used, false);
  }

  /** Moves a block's elements to another one, at its right or left end. */
  #reallocate(at: number, capacity: number, isRight: boolean): void {
    const address = this.#arena.allocate(capacity);
    this.open(at);
    const size = this.tail - this.head;
    const chunk = this.#arena.chunk(address);
    const head = isRight ? chunk.blockBytes - size : headerBytes;
    copyBytes(chunk.bytes, byteOf(address) + head, this.bytes, this.head, this.tail);
    this.#setAddress(at, address, head, head + size);
  }

  #setAddress(at: number, address: number, head: number, tail: number): void {
    const { ring } = this;
    this.#arena.release(ring.addressAt(at));
    ring.setAddress(at, address);
    this.#setEnds(at, head, tail);
  }

  #setEnds(at: number, head: number, tail: number): void {
    const address = this.ring.addressAt(at);
    const { words } = this.#arena.chunk(address);
    const word = wordOf(address);
    words[word] = head;
    words[word + 1] = tail;
  }

  #write(at: number, isLeft: boolean, size: number, value: Uint8Array, start: number, end: number): void {
    const address = this.ring.addressAt(at);
    const { words, bytes } = this.#arena.chunk(address);
    const word = wordOf(address);
    const offset = isLeft ? (words[word]! -= size) : words[word + 1]!;
    writeListElement(bytes, byteOf(address) + offset, value, start, end);
    if (!isLeft) words[word + 1] = offset + size;
    this.ring.addCount(at, 1);
    this.#use(size);
  }

  /** Takes `wanted` elements off one end, of which there are more. */
  drop(isLeft: boolean, wanted: number): void {
    const { ring } = this;
    let left = wanted;
    for (;;) {
      const at = isLeft ? 0 : ring.length - 1;
      const count = ring.countAt(at);
      if (left < count) break;
      left -= count;
      this.removeBlock(at);
    }
    this.takenFromBlock = left;
    if (left > 0) this.dropFromBlock(isLeft ? 0 : ring.length - 1, isLeft, left);
  }

  /** Takes elements off one end of a block, which has more. */
  dropFromBlock(at: number, isLeft: boolean, count: number): void {
    const cursor = this.#cursor;
    this.open(at);
    const { bytes, head, tail } = this;
    let place = isLeft ? head : tail;
    for (let left = count; left > 0; left--) {
      if (isLeft) {
        cursor.read(bytes, place);
        place = cursor.until;
      } else {
        cursor.readBack(bytes, place);
        place = cursor.from;
      }
    }
    const begin = byteOf(this.ring.addressAt(at));
    this.#setEnds(at, (isLeft ? place : head) - begin, (isLeft ? tail : place) - begin);
    this.ring.addCount(at, -count);
    this.#use(isLeft ? head - place : place - tail);
  }

  removeBlock(at: number): void {
    const { ring } = this;
    this.#use(-this.usedBytes(at));
    this.#arena.release(ring.addressAt(at));
    ring.remove(at);
  }

  /**
   * Takes `wanted` elements off one end, as a list of its own that nobody else has: no more work than there are blocks of it. There may
   * be none left.
   */
  detach(isLeft: boolean, wanted: number): BlockList {
    const { ring } = this;
    const options = { arena: this.#arena, usage: { bytes: 0 }, blockBytesMax: this.#blockBytesMax };
    const taken = new BlockList(options);
    const others = taken.ring;
    let left = wanted;
    while (left > 0) {
      const at = isLeft ? 0 : ring.length - 1;
      const count = ring.countAt(at);
      const place = isLeft ? others.length : 0;
      if (left < count) {
        this.#detachPart(taken, at, isLeft, left);
        break;
      }
      const used = this.usedBytes(at);
      others.insert(place, ring.numberAt(at), ring.addressAt(at), ring.ageAt(at));
      others.addCount(place, count);
      taken.#use(used);
      this.#use(-used);
      ring.remove(at);
      left -= count;
    }
    this.takenFromBlock = left;
    return taken;
  }

  #detachPart(taken: BlockList, at: number, isLeft: boolean, count: number): void {
    this.open(at);
    const { head, tail } = this;
    const number = this.ring.numberAt(at);
    this.dropFromBlock(at, isLeft, count);
    this.open(at);
    const [from, until] = isLeft ? [head, this.head] : [this.tail, tail];
    taken.putBlock(isLeft ? taken.ring.length : 0, number, count, this.bytes, from, until);
  }

  // Within blocks

  /** Whether so many bytes more, or fewer, leave the block as large as blocks of several elements may be. */
  fits(at: number, change: number): boolean {
    return this.usedBytes(at) + change + headerBytes <= this.#blockBytesMax;
  }

  /** Adds an element in front of that of index `index` of a block. */
  insert(at: number, index: number, value: Uint8Array, start: number, end: number): void {
    const size = listElementBytes(end - start);
    this.open(at);
    const place = this.#cursor.placeOf(this.bytes, this.head, this.tail, this.ring.countAt(at), index);
    const to = this.#resizePart(at, place, 0, size);
    writeListElement(this.bytes, to, value, start, end);
    this.ring.addCount(at, 1);
  }

  /** Replaces an element of a block. */
  set(at: number, index: number, value: Uint8Array, start: number, end: number): void {
    this.find(at, index);
    const { from, until } = this.#cursor;
    const to = this.#resizePart(at, from, until - from, listElementBytes(end - start));
    writeListElement(this.bytes, to, value, start, end);
  }

  /** Takes elements out of a block, which may be empty then: that is the caller's to remove. */
  remove(at: number, index: number, count: number): void {
    const cursor = this.#cursor;
    this.find(at, index);
    const { from } = cursor;
    for (let left = count - 1; left > 0; left--) cursor.read(this.bytes, cursor.until);
    this.#resizePart(at, from, cursor.until - from, 0);
    this.ring.addCount(at, -count);
  }

  /** Takes several runs of elements out of a block, from the last one to the first, which leave some. The block is as young as what is written now. */
  removeRuns(at: number, runs: readonly { readonly index: number; readonly count: number }[]): void {
    const { ring } = this;
    const cursor = this.#cursor;
    const number = ring.numberAt(at);
    const count = ring.countAt(at);
    this.open(at);
    const { bytes, head, tail } = this;
    const kept = Buffer.allocUnsafe(tail - head);
    let run = runs.length - 1;
    let size = 0;
    let left = 0;
    for (let index = 0, place = head; index < count; index++, place = cursor.until) {
      cursor.read(bytes, place);
      while (run >= 0 && index >= runs[run]!.index + runs[run]!.count) run--;
      if (run >= 0 && index >= runs[run]!.index) continue;
      copyBytes(kept, size, bytes, place, cursor.until);
      size += cursor.until - place;
      left++;
    }
    this.removeBlock(at);
    this.putBlock(at, number, left, kept, 0, size);
  }

  /** A part of the open block gets another size; its bytes are the caller's to write, at the place that this returns. */
  #resizePart(at: number, place: number, before: number, size: number): number {
    const { bytes, head, tail } = this;
    const change = size - before;
    const used = tail - head + change;
    const address = this.ring.addressAt(at);
    const begin = byteOf(address);
    const capacity = this.#capacity(address);
    this.#use(change);
    const isSparse = used + headerBytes < capacity >> 2 && capacity > blockBytesLeast;
    if (used + headerBytes > capacity || isSparse) {
      const isLong = used + headerBytes > this.#blockBytesMax;
      const other = this.#arena.allocate(isLong ? used + headerBytes : this.#capacityFor(used));
      const chunk = this.#arena.chunk(other);
      // The first block of several is pushed to at its left.
      const first = at === 0 && this.ring.length > 1 ? chunk.blockBytes - used : headerBytes;
      const to = byteOf(other) + first;
      copyBytes(chunk.bytes, to, bytes, head, place);
      copyBytes(chunk.bytes, to + place - head + size, bytes, place + before, tail);
      this.#setAddress(at, other, first, first + used);
      this.bytes = chunk.bytes;
      return to + place - head;
    }
    if (tail - begin + change <= capacity) {
      if (change !== 0) bytes.copyWithin(place + size, place + before, tail);
      this.#setEnds(at, head - begin, tail - begin + change);
      return place;
    }
    // What is in front moves to the left, as far as it can; what is behind moves the rest of the way.
    const left = Math.min(change, head - begin - headerBytes);
    bytes.copyWithin(head - left, head, place);
    bytes.copyWithin(place + size - left, place + before, tail);
    this.#setEnds(at, head - begin - left, tail - begin + change - left);
    return place - left;
  }

  /** The first `index` elements of a block become a block of their own in front of it, of that number. */
  split(at: number, index: number, number: number): void {
    this.open(at);
    const { bytes, head, tail } = this;
    const place = this.#cursor.placeOf(bytes, head, tail, this.ring.countAt(at), index);
    const age = this.ring.ageAt(at);
    this.putBlock(at, number, index, bytes, head, place);
    this.ring.setAge(at, age);
    const begin = byteOf(this.ring.addressAt(at + 1));
    this.#setEnds(at + 1, place - begin, tail - begin);
    this.ring.addCount(at + 1, -index);
    this.#use(head - place);
  }

  /** Makes a block of elements that are written already. */
  putBlock(at: number, number: number, count: number, bytes: Uint8Array, from: number, until: number): void {
    const size = until - from;
    const address = this.#arena.allocate(size + headerBytes);
    copyBytes(this.#arena.chunk(address).bytes, byteOf(address) + headerBytes, bytes, from, until);
    this.ring.insert(at, number, address, this.age);
    this.#setEnds(at, headerBytes, headerBytes + size);
    this.ring.addCount(at, count);
    this.#use(size);
  }

  // As a large value

  /**
   * The place of a block whose age is below `age`, or -1: whoever asks writes it again, which makes it as young as what is
   * written now.
   */
  takeOlder(age: number): number {
    const { ring } = this;
    const { length } = ring;
    const from = this.#rewriteAt;
    for (let looked = 0; looked < length; looked++) {
      const at = (from + looked) % length;
      if (ring.ageAt(at) >= age) continue;
      this.#rewriteAt = at + 1;
      ring.setAge(at, this.age);
      return at;
    }
    return -1;
  }

  copy(usage: Usage): BlockList {
    const { ring } = this;
    const copied = new BlockList({ arena: this.#arena, usage, blockBytesMax: this.#blockBytesMax });
    for (let at = 0; at < ring.length; at++) {
      this.open(at);
      const { bytes, head, tail } = this;
      copied.putBlock(at, ring.numberAt(at), ring.countAt(at), bytes, head, tail);
      copied.ring.setAge(at, ring.ageAt(at));
    }
    return copied;
  }

  /** The cursor is a place in the ring. */
  moveSome(cursor: number, most: number): number {
    const { ring } = this;
    const end = Math.min(cursor + most, ring.length);
    for (let at = cursor; at < end; at++) {
      const address = ring.addressAt(at);
      if (this.#arena.isLeaving(address)) ring.setAddress(at, this.#arena.moveBlock(address));
    }
    return end < ring.length ? end : 0;
  }

  freeSome(blocks: number): number {
    const { ring } = this;
    let freed = 0;
    for (; freed < blocks && ring.length > 0; freed++) {
      this.#arena.release(ring.addressAt(ring.length - 1));
      ring.remove(ring.length - 1);
    }
    return freed;
  }
}
