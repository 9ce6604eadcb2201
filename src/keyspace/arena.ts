/**
 * Memory for entries of all sizes: blocks in chunks, so that a million keys are a few hundred buffers and not a million
 * objects.
 *
 * Each chunk holds blocks of one size; a block larger than a quarter of a chunk has a chunk to itself. A block's
 * address is its chunk's number and its place in it in units of 16 bytes, packed into 32 bits; 0 is no block.
 * After many releases chunks may be nearly empty. Then `beginLeaving` names chunks whose blocks fit into the free room of others:
 * whoever owns the blocks moves them, and an empty chunk is given back.
 * Not here: what a block holds, and no bytes are ever cleared. Invariants: a block never moves by itself; `live` blocks of a
 * chunk plus its free list plus the blocks above `used` are all its blocks; an empty chunk is given back unless it is
 * the last open one of its size; a leaving chunk is not open, so nothing new comes into it.
 */
import { assertInvariant, assertsAreOn } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import { BrokerError } from "../base/errors.ts";
import { freeLargeBuffer } from "../base/large-buffers.ts";

const unitShift = 4;
const chunkUnitsShift = 14;
const chunkUnitsMask = (1 << chunkUnitsShift) - 1;
const chunkBytes = 1 << (chunkUnitsShift + unitShift);
/** Chunk numbers are the upper bits of an address. */
const chunksMax = 1 << (32 - chunkUnitsShift);
const sharedBlockBytesMax = chunkBytes / 4;
/** Sizes up to here go in steps of 16 bytes, above in eighths of the power of two below: at most 12.5 % is wasted. */
const evenBlockBytesMax = 256;
const evenClasses = evenBlockBytesMax >> unitShift;

export class ArenaChunk {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly blockBytes: number;
  readonly number: number;
  /** Bytes given out at least once. */
  used = 0;
  /** The address of the first free block; its first word is the next one. */
  free = 0;
  live = 0;
  /** Its place in the list of those of its size that may have room; -1 when it is not there. */
  openAt = -1;
  /** Its blocks are moved elsewhere. */
  isLeaving = false;

  constructor(number: number, bytes: number, blockBytes: number) {
    this.number = number;
    this.blockBytes = blockBytes;
    this.bytes = Buffer.allocUnsafeSlow(bytes);
    this.words = new Int32Array(this.bytes.buffer, 0, bytes >> 2);
    this.doubles = new Float64Array(this.bytes.buffer, 0, bytes >> 3);
  }
}

const noChunk = new ArenaChunk(0, 0, 0);

/** Memory of several arenas that is in use: what `maxmemory` bounds. */
export class MemoryUse {
  bytes = 0;
}

export class Arena {
  /** By number; the first is none, so that no block has address 0. */
  readonly #chunks: ArenaChunk[] = [noChunk];
  #freeNumbers: number[] = [];
  /** For each size class, the chunks that may have room; the last one is asked first. */
  readonly #open: ArenaChunk[][] = [];
  /** Memory in chunks. */
  bytes = 0;
  /** Memory in blocks that are given out. */
  liveBytes = 0;
  readonly #use: MemoryUse;
  /** Chunks to be emptied; the last one is at work. */
  #leaving: ArenaChunk[] = [];
  /** Of the one at work: the blocks below are done. */
  #leavingAt = 0;

  /** What is in use here counts in `use` too. */
  constructor(use: MemoryUse = new MemoryUse()) {
    this.#use = use;
  }

  #count(bytes: number): void {
    this.liveBytes += bytes;
    this.#use.bytes += bytes;
  }

  /** The chunk that a block is in. */
  chunk(address: number): ArenaChunk {
    return this.#chunks[address >>> chunkUnitsShift]!;
  }

  /** How much a block can hold. */
  capacity(address: number): number {
    return this.chunk(address).blockBytes;
  }

  /** A block of at least `size` bytes. Throws LIMIT when there are no more addresses. */
  allocate(size: number): number {
    if (size > sharedBlockBytesMax) return this.#allocateAlone(size);
    const sizeClass = classOf(size);
    const open = (this.#open[sizeClass] ??= []);
    for (;;) {
      const chunk = open[open.length - 1];
      if (chunk === undefined) {
        this.#openChunk(open, this.#makeChunk(chunkBytes, bytesOfClass(sizeClass)));
        continue;
      }
      const address = takeBlock(chunk);
      if (address !== 0) {
        this.#count(chunk.blockBytes);
        return address;
      }
      open.pop();
      chunk.openAt = -1;
    }
  }

  #openChunk(open: ArenaChunk[], chunk: ArenaChunk): void {
    chunk.openAt = open.push(chunk) - 1;
  }

  #allocateAlone(size: number): number {
    const bytes = Math.ceil(size / 16) * 16;
    const chunk = this.#makeChunk(bytes, bytes);
    chunk.live = 1;
    this.#count(bytes);
    return (chunk.number << chunkUnitsShift) | 0;
  }

  #makeChunk(bytes: number, blockBytes: number): ArenaChunk {
    if (this.#freeNumbers.length === 0 && this.#chunks.length === chunksMax) {
      throw new BrokerError("LIMIT", `a Redis database holds ${chunksMax} chunks already; delete keys`);
    }
    const chunk = new ArenaChunk(this.#freeNumbers.pop() ?? this.#chunks.length, bytes, blockBytes);
    this.#chunks[chunk.number] = chunk;
    this.bytes += bytes;
    return chunk;
  }

  /** Gives all memory back at once: the arena is of no use any more. */
  free(): void {
    for (const chunk of this.#chunks) freeLargeBuffer(chunk.bytes);
    this.#chunks.length = 1;
    this.#leaving = [];
    this.bytes = 0;
    this.#count(-this.liveBytes);
  }

  release(address: number): void {
    const chunk = this.chunk(address);
    if (assertsAreOn) assertInvariant(chunk.live > 0, "a block is released that was given out");
    chunk.live--;
    this.#count(-chunk.blockBytes);
    if (chunk.blockBytes > sharedBlockBytesMax) return this.#dropChunk(chunk);
    chunk.words[wordOf(address)] = chunk.free;
    chunk.free = address;
    if (chunk.isLeaving) {
      if (chunk.live === 0) this.#dropChunk(chunk);
      return;
    }
    const open = this.#open[classOf(chunk.blockBytes)]!;
    if (chunk.openAt < 0) this.#openChunk(open, chunk);
    if (chunk.live > 0 || open.length === 1) return;
    closeChunk(open, chunk);
    this.#dropChunk(chunk);
  }

  // Compaction

  /** Memory of chunks that is in no block. */
  get wastedBytes(): number {
    return this.bytes - this.liveBytes;
  }

  /**
   * Chooses the chunks to be emptied: of each size the emptiest, of which half is free at least, as many as the others have room for.
   * Returns how many.
   */
  beginLeaving(): number {
    const bySize = new Map<number, ArenaChunk[]>();
    for (const chunk of this.#chunks) {
      if (chunk.live === 0 || chunk.blockBytes > sharedBlockBytesMax) continue;
      const sameSize = bySize.get(chunk.blockBytes);
      if (sameSize === undefined) bySize.set(chunk.blockBytes, [chunk]);
      else sameSize.push(chunk);
    }
    for (const [blockBytes, chunks] of bySize) {
      const blocksEach = Math.floor(chunkBytes / blockBytes);
      let live = 0;
      for (const chunk of chunks) live += chunk.live;
      const spare = chunks.length - Math.ceil(live / blocksEach);
      if (spare <= 0) continue;
      chunks.sort((a, b) => a.live - b.live);
      for (const chunk of chunks.slice(0, spare)) if (chunk.live * 2 <= blocksEach) this.#leave(chunk);
    }
    this.#leavingAt = 0;
    return this.#leaving.length;
  }

  #leave(chunk: ArenaChunk): void {
    chunk.isLeaving = true;
    if (chunk.openAt >= 0) closeChunk(this.#open[classOf(chunk.blockBytes)]!, chunk);
    this.#leaving.push(chunk);
  }

  /**
   * Appends up to `most` blocks of a leaving chunk to `into`, for their owner to move. False: all have been named. It is not told twice
   * of a block that stays.
   */
  nextLeaving(most: number, into: number[]): boolean {
    const leaving = this.#leaving;
    for (let chunk = leaving.at(-1); chunk !== undefined; chunk = leaving.at(-1)) {
      const named = this.#nameBlocks(chunk, most, into);
      if (named > 0) return true;
      leaving.pop();
      this.#leavingAt = 0;
      this.#stay(chunk);
    }
    return false;
  }

  #nameBlocks(chunk: ArenaChunk, most: number, into: number[]): number {
    const { blockBytes, used, words } = chunk;
    if (chunk.live === 0 || this.#leavingAt >= used) return 0;
    const isFree = new Uint8Array(Math.floor(used / blockBytes));
    for (let free = chunk.free; free !== 0; free = words[wordOf(free)]!)
      isFree[byteOf(free) / blockBytes] = 1;
    let named = 0;
    let at = this.#leavingAt;
    for (; at < used && named < most; at += blockBytes) {
      if (isFree[at / blockBytes] === 1) continue;
      into.push((chunk.number << chunkUnitsShift) | (at >> unitShift));
      named++;
    }
    this.#leavingAt = at;
    return named;
  }

  /** Whether the block's chunk is to be emptied. */
  isLeaving(address: number): boolean {
    return this.chunk(address).isLeaving;
  }

  /** Moves a block to another chunk as it is; returns where it is. */
  moveBlock(address: number): number {
    const from = this.chunk(address);
    const place = this.allocate(from.blockBytes);
    const to = this.chunk(place);
    const start = byteOf(address);
    copyBytes(to.bytes, byteOf(place), from.bytes, start, start + from.blockBytes);
    this.release(address);
    return place;
  }

  /** No more blocks are moved. */
  endLeaving(): void {
    for (const chunk of this.#leaving) this.#stay(chunk);
    this.#leaving = [];
  }

  /** What is left of a chunk stays in it. */
  #stay(chunk: ArenaChunk): void {
    chunk.isLeaving = false;
    if (chunk.live > 0) this.#openChunk((this.#open[classOf(chunk.blockBytes)] ??= []), chunk);
  }

  #dropChunk(chunk: ArenaChunk): void {
    this.bytes -= chunk.bytes.length;
    freeLargeBuffer(chunk.bytes);
    this.#chunks[chunk.number] = noChunk;
    this.#freeNumbers.push(chunk.number);
  }
}

/** The chunk is in the list no more. */
function closeChunk(open: ArenaChunk[], chunk: ArenaChunk): void {
  const last = open.pop()!;
  if (last !== chunk) {
    open[chunk.openAt] = last;
    last.openAt = chunk.openAt;
  }
  chunk.openAt = -1;
}

/** Where a block begins in its chunk's `words`. */
export function wordOf(address: number): number {
  return (address & chunkUnitsMask) << 2;
}

/** Where a block begins in its chunk's `bytes`. */
export function byteOf(address: number): number {
  return (address & chunkUnitsMask) << unitShift;
}

function takeBlock(chunk: ArenaChunk): number {
  const free = chunk.free;
  if (free !== 0) {
    chunk.free = chunk.words[wordOf(free)]!;
    chunk.live++;
    return free;
  }
  const at = chunk.used;
  if (at + chunk.blockBytes > chunk.bytes.length) return 0;
  chunk.used = at + chunk.blockBytes;
  chunk.live++;
  return (chunk.number << chunkUnitsShift) | (at >> unitShift);
}

function classOf(size: number): number {
  if (size <= evenBlockBytesMax) return (size + 15) >> unitShift;
  // The power of two below, and which eighth above it.
  const exponent = 31 - Math.clz32(size - 1);
  return evenClasses + (exponent - 8) * 8 + ((size - 1 - (1 << exponent)) >> (exponent - 3)) + 1;
}

function bytesOfClass(sizeClass: number): number {
  if (sizeClass <= evenClasses) return sizeClass << unitShift;
  const eighths = sizeClass - evenClasses - 1;
  const exponent = 8 + (eighths >> 3);
  return (1 << exponent) + (((eighths & 7) + 1) << (exponent - 3));
}
