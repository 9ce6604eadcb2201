/**
 * A cache of recently read blocks of files, for readers that are behind the tail in memory.
 *
 * A reader that goes on from one frame to the next gets whole blocks, which are kept. A reader that jumps (its log's frames lie
 * far apart between those of other logs) gets the frame alone, for this turn: reading a block for each frame would read many times
 * what is used. Every frame that `locate` returns has passed its checksum.
 *
 * Bounded: `readBlocksMax` blocks of `readBlockBytes`, and as much again for frames read alone in this turn. The generation of an
 * evicted block changes, so that a reader that slept notices. Its bytes are not overwritten before the turn ends, so a reader that
 * did not sleep need not check.
 */
import { sizes } from "../../base/sizes.ts";
import { BrokerError } from "../../base/errors.ts";
import type { DiskFile } from "../../base/disk.ts";
import { frameLengthAt, isFrameWhole } from "../journal/frame.ts";
import type { Chunk, FrameLocation } from "../journal/frame-store.ts";

/** As much as a Kafka answer holds of one partition by default. */
const blocksAhead = 4;
/** This many readers at places far apart are recognised as reading on. */
const recentEndsMax = 8;

export class ReadCache {
  readonly #blockBytes = sizes.readBlockBytes;
  /** Also bounds the free buffers, and the frames that were read alone in one turn. */
  readonly #blocksMax = sizes.readBlocksMax;
  readonly #files = new Map<DiskFile, Map<number, Chunk>>();
  /** All blocks, least recently used first. */
  readonly #recent = new Map<Chunk, DiskFile>();
  /** Free buffers, and those evicted in this turn. */
  #pool: Buffer[] = [];
  #evicted: Buffer[] = [];
  #lastFile: DiskFile | null = null;
  #lastBlock: Chunk | null = null;
  /** Where the newest reads of files ended, a ring. */
  readonly #recentFiles: (DiskFile | null)[] = Array.from({ length: recentEndsMax }, () => null);
  readonly #recentEnds: number[] = Array.from({ length: recentEndsMax }, () => 0);
  #nextRecent = 0;
  /** Where a reader that goes on will miss next; null unless a reader read a block in this turn. */
  #aheadFile: DiskFile | null = null;
  #aheadBase = 0;
  /** Frames that were read alone in this turn, one after the other in the newest of these. */
  readonly #alone: Chunk[] = [];

  /** How many blocks are kept. */
  get blockCount(): number {
    return this.#recent.size;
  }

  /**
   * Finds the frame of `length` bytes at `at` in `file`. Throws CORRUPT, naming `path`, and UNAVAILABLE. If the checksum fails,
   * the frame is read once more: a bit may have flipped on its way from the disk, and must not stay in the cache.
   */
  locate(file: DiskFile, path: string, at: number, length: number, into: FrameLocation): void {
    if (this.#isWhole(file, at, length, into)) return;
    const block = this.#files.get(file)?.get(at - (at % this.#blockBytes));
    if (block !== undefined) this.#evict(block);
    if (this.#isWhole(file, at, length, into)) return;
    throw new BrokerError(
      "CORRUPT",
      `${path}: bytes ${at} to ${at + length} fail their checksum; run troikamq check`,
    );
  }

  #isWhole(file: DiskFile, at: number, length: number, into: FrameLocation): boolean {
    return (
      this.peek(file, at, length, into) &&
      frameLengthAt(into.chunk.buffer, into.at) === length &&
      isFrameWhole(into.chunk.buffer, into.at, into.at + length)
    );
  }

  /** Finds `length` bytes without verifying them; false if the file ends before. They must never be served. */
  peek(file: DiskFile, at: number, length: number, into: FrameLocation): boolean {
    const base = at - (at % this.#blockBytes);
    const needed = at + length - base;
    const kept = needed > this.#blockBytes ? null : this.#keptBlock(file, base, needed);
    if (kept !== null) {
      into.chunk = kept;
      into.at = at - base;
    } else {
      const goesOn = this.#goesOn(file, at);
      this.#recentFiles[this.#nextRecent] = file;
      this.#recentEnds[this.#nextRecent] = at + length;
      this.#nextRecent = (this.#nextRecent + 1) % recentEndsMax;
      if (needed > this.#blockBytes || !goesOn) return this.#readAlone(file, at, length, into);
      into.chunk = this.#readBlock(file, base);
      into.at = at - base;
      this.#aheadFile = file;
      this.#aheadBase = base + this.#blockBytes;
    }
    return into.at + length <= into.chunk.length;
  }

  /** Whether this read is near to the end of one of the last reads. */
  #goesOn(file: DiskFile, at: number): boolean {
    for (let i = 0; i < recentEndsMax; i++) {
      if (this.#recentFiles[i] === file && Math.abs(at - this.#recentEnds[i]!) <= this.#blockBytes)
        return true;
    }
    return false;
  }

  #readAlone(file: DiskFile, at: number, length: number, into: FrameLocation): boolean {
    let chunk = this.#alone[this.#alone.length - 1];
    if (chunk === undefined || chunk.buffer.length - chunk.length < length) {
      const buffer =
        length > this.#blockBytes
          ? Buffer.allocUnsafeSlow(length)
          : (this.#pool.pop() ?? Buffer.allocUnsafeSlow(this.#blockBytes));
      chunk = { base: 0, buffer, length: 0, live: 0, generation: 0 };
      this.#alone.push(chunk);
      // A turn that walks a whole log. Readers keep the bytes that they still use: these buffers are not used again.
      if (this.#alone.length > this.#blocksMax) this.#alone.shift()!.generation++;
    }
    into.chunk = chunk;
    into.at = chunk.length;
    const got = readFrom(file, chunk.buffer, chunk.length, length, at);
    chunk.length += got;
    return got === length;
  }

  #keptBlock(file: DiskFile, base: number, needed: number): Chunk | null {
    if (this.#lastFile === file && this.#lastBlock!.base === base && this.#lastBlock!.length >= needed) {
      return this.#lastBlock;
    }
    const block = this.#files.get(file)?.get(base);
    if (block === undefined) return null;
    if (block.length < needed) {
      // The file has grown since.
      this.#evict(block);
      return null;
    }
    this.#recent.delete(block);
    this.#use(file, block);
    return block;
  }

  #readBlock(file: DiskFile, base: number): Chunk {
    if (this.#recent.size >= this.#blocksMax) this.#evict(this.#recent.keys().next().value!);
    const buffer = this.#pool.pop() ?? Buffer.allocUnsafeSlow(this.#blockBytes);
    const block: Chunk = { base, buffer, length: 0, live: 0, generation: 0 };
    block.length = readFrom(file, buffer, 0, this.#blockBytes, base);
    let blocks = this.#files.get(file);
    if (blocks === undefined) this.#files.set(file, (blocks = new Map()));
    blocks.set(base, block);
    this.#use(file, block);
    return block;
  }

  /** Makes it the most recently used. */
  #use(file: DiskFile, block: Chunk): void {
    this.#recent.set(block, file);
    this.#lastFile = file;
    this.#lastBlock = block;
  }

  #evict(block: Chunk): void {
    const file = this.#recent.get(block)!;
    this.#recent.delete(block);
    this.#files.get(file)!.delete(block.base);
    if (this.#lastBlock === block) {
      this.#lastBlock = null;
      this.#lastFile = null;
    }
    block.generation++;
    if (this.#evicted.length + this.#pool.length < this.#blocksMax) this.#evicted.push(block.buffer);
  }

  /** Evicted buffers are no longer read: they may be overwritten. */
  turnEnded(): void {
    if (this.#alone.length > 0) this.#dropAlone();
    if (this.#evicted.length === 0) return;
    this.#pool.push(...this.#evicted);
    this.#evicted.length = 0;
  }

  #dropAlone(): void {
    for (const chunk of this.#alone) {
      chunk.generation++;
      const isPoolable = chunk.buffer.length === this.#blockBytes && this.#pool.length < this.#blocksMax;
      if (isPoolable) this.#pool.push(chunk.buffer);
    }
    this.#alone.length = 0;
  }

  /**
   * Reads some of the next blocks after a reader went on in this turn, while its client works on the last answer. Call it after
   * all output was sent.
   */
  readAhead(): void {
    const file = this.#aheadFile;
    if (file === null) return;
    this.#aheadFile = null;
    const blocks = this.#files.get(file);
    for (let i = 0; i < blocksAhead; i++) {
      const base = this.#aheadBase + i * this.#blockBytes;
      if (blocks?.has(base) === true) continue;
      try {
        if (this.#readBlock(file, base).length < this.#blockBytes) return;
      } catch {
        // The read of that block will report the error.
        return;
      }
    }
  }

  /** The file is about to be closed. */
  forget(file: DiskFile): void {
    if (this.#aheadFile === file) this.#aheadFile = null;
    const blocks = this.#files.get(file);
    if (blocks === undefined) return;
    for (const block of blocks.values()) this.#evict(block);
    this.#files.delete(file);
  }
}

/** Throws UNAVAILABLE if the system cannot read; the reader may try again. */
function readFrom(file: DiskFile, target: Buffer, targetAt: number, size: number, at: number): number {
  try {
    return file.read(target, targetAt, size, at);
  } catch (error) {
    throw new BrokerError("UNAVAILABLE", `the disk cannot be read (${(error as Error).message})`);
  }
}
