/**
 * The ids of one window in the order in which they were accepted: blocks of packed numbers, with no object for an id.
 *
 *     id = 4 words of digest, i32 ms after the block's base time, u32 low and u32 high half of the offset + 1: 28 bytes
 *
 * An id is addressed by a place, `block % blocksMod * blockIds + index`, for as long as it is remembered. Not here: which ids are too old
 * (dedup-window.ts), finding an id by its digest (id-table.ts), the disk (window-records.ts). Invariant: ids come at the end
 * and leave at the front alone; blocks are numbered without a gap.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";

const blockIdBits = 10;
export const blockIds = 1 << blockIdBits;
const blocksMod = 1 << 20;
export const wordsOfId = 7;
export const bytesOfId = wordsOfId * 4;
/** A window that has few ids takes little. */
const idsOfFirst = 32;
const offsetHalf = 0x1_0000_0000;
const msMax = 0x7fff_ffff;

/** A digest of 128 bits. */
export interface Digest {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

export class IdBlock {
  /** Counts all blocks of the window, since it was made. */
  readonly number: number;
  /** Wall time, ms, that the ids' times are counted from. */
  readonly baseMs: number;
  words: Int32Array;
  count = 0;
  /** No id of it stands in the journal below this position; see dedup-windows.ts. */
  position = 0;

  constructor(number: number, baseMs: number, capacity = idsOfFirst) {
    this.number = number;
    this.baseMs = baseMs;
    this.words = new Int32Array(capacity * wordsOfId);
  }

  /** Makes room for so many ids. */
  ensure(ids: number): void {
    let size = this.words.length;
    if (size >= ids * wordsOfId) return;
    while (size < ids * wordsOfId) size *= 2;
    const grown = new Int32Array(Math.min(size, blockIds * wordsOfId));
    grown.set(this.words);
    this.words = grown;
  }

  timeOf(index: number): number {
    return this.baseMs + this.words[index * wordsOfId + 4]!;
  }

  /** -1: it is not known. */
  offsetOf(index: number): number {
    const at = index * wordsOfId + 5;
    return (this.words[at]! >>> 0) + (this.words[at + 1]! >>> 0) * offsetHalf - 1;
  }

  get bytes(): number {
    return this.words.byteLength;
  }
}

export class IdBlocks {
  /** Oldest first. */
  readonly blocks: IdBlock[] = [];
  /** Ids of the first block that are gone. */
  #head = 0;
  #nextNumber = 0;
  size = 0;
  bytes = 0;

  /** The block that the next id comes into, accepted at that time; `made` where it is a new one. */
  blockFor(now: number, made: (block: IdBlock) => void): IdBlock {
    const last = this.blocks.at(-1);
    if (last !== undefined && last.count < blockIds && Math.abs(now - last.baseMs) < msMax) {
      if (last.count * wordsOfId === last.words.length) {
        this.bytes -= last.bytes;
        last.ensure(last.count + 1);
        this.bytes += last.bytes;
      }
      return last;
    }
    const capacity = last === undefined ? idsOfFirst : blockIds;
    const block = new IdBlock(this.#nextNumber++, now, capacity);
    this.blocks.push(block);
    this.bytes += block.bytes;
    made(block);
    return block;
  }

  /** Returns the place of the new id, which is the last of the block that `blockFor` gave. */
  push(block: IdBlock, digest: Digest, offset: number, now: number): number {
    const index = block.count++;
    const { words } = block;
    const at = index * wordsOfId;
    words[at] = digest.a;
    words[at + 1] = digest.b;
    words[at + 2] = digest.c;
    words[at + 3] = digest.d;
    words[at + 4] = now - block.baseMs;
    words[at + 5] = (offset + 1) | 0;
    words[at + 6] = Math.floor((offset + 1) / offsetHalf);
    this.size++;
    return placeOf(block, index);
  }

  /** Where the oldest id is; there is one. */
  get firstPlace(): number {
    return placeOf(this.blocks[0]!, this.#head);
  }

  get firstTime(): number {
    return this.blocks[0]!.timeOf(this.#head);
  }

  /** Forgets the oldest id; returns its block where that is gone with it. */
  dropFirst(): IdBlock | null {
    if (assertsAreOn) assertInvariant(this.size > 0, "an id that is forgotten was remembered");
    const first = this.blocks[0]!;
    this.size--;
    if (++this.#head < first.count) return null;
    this.#head = 0;
    this.blocks.shift();
    this.bytes -= first.bytes;
    return first;
  }

  blockAt(place: number): IdBlock {
    const first = this.blocks[0]!.number;
    const number = place >>> blockIdBits;
    return this.blocks[(number - (first % blocksMod) + blocksMod) % blocksMod]!;
  }

  isAt(place: number, { a, b, c, d }: Digest): boolean {
    const { words } = this.blockAt(place);
    const at = indexOf(place) * wordsOfId;
    return words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d;
  }

  /** Reads the digest of an id; returns its place. */
  digestAt(block: IdBlock, index: number, into: { a: number; b: number; c: number; d: number }): number {
    const { words } = block;
    const at = index * wordsOfId;
    into.a = words[at]!;
    into.b = words[at + 1]!;
    into.c = words[at + 2]!;
    into.d = words[at + 3]!;
    return placeOf(block, index);
  }

  firstWordAt(place: number): number {
    return this.blockAt(place).words[indexOf(place) * wordsOfId]!;
  }

  timeAt(place: number): number {
    return this.blockAt(place).timeOf(indexOf(place));
  }

  offsetAt(place: number): number {
    return this.blockAt(place).offsetOf(indexOf(place));
  }

  /** Blocks that the journal had, in the order of their numbers, which have no gap. */
  restore(blocks: readonly IdBlock[]): void {
    for (const block of blocks) {
      this.blocks.push(block);
      this.bytes += block.bytes;
      this.size += block.count;
      this.#nextNumber = block.number + 1;
    }
  }
}

function placeOf({ number }: IdBlock, index: number): number {
  return (number % blocksMod) * blockIds + index;
}

function indexOf(place: number): number {
  return place & (blockIds - 1);
}
