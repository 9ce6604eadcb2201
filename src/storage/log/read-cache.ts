/**
 * A cache of recently read blocks of files, for readers that are behind the tail in memory.
 *
 * A reader that goes on from one frame to the next gets whole blocks, which are kept. A reader that jumps (its log's frames lie
 * far apart between those of other logs) gets the frame alone, for this turn: reading a block for each frame would read many times
 * what is used. All who look at that frame in this turn get the same bytes: a message may be in thousands of queues. Every frame
 * that `locate` returns has passed its checksum.
 *
 * Bounded: `readBlocksMax` blocks of `readBlockBytes`, and as much again for frames read alone in this turn, or one larger frame. The
 * generation of an evicted block changes, so that a reader that slept notices. Its bytes are not overwritten before the turn ends, so
 * a reader that did not sleep need not check. At the end of the turn its readers let it go: a reader that sleeps holds no bytes but
 * those of a block that is kept.
 */
import { sizes } from "../../base/sizes.ts";
import { BrokerError } from "../../base/errors.ts";
import type { DiskFile } from "../../base/disk.ts";
import { frameLengthAt, isFrameWhole } from "../journal/frame.ts";
import { freeLargeBuffer } from "../../base/large-buffers.ts";
import { type Chunk, type FrameLocation, letGo } from "../journal/frame-store.ts";

/** As much as a Kafka answer holds of one partition by default. */
const blocksAhead = 4;
/** This many readers at places far apart are recognised as reading on. */
const recentEndsMax = 8;

/** A frame that was read alone in this turn: where it is in the file, and in memory. */
interface FrameAlone {
  readonly file: DiskFile;
  readonly length: number;
  readonly chunk: Chunk;
  readonly at: number;
  /** It has passed its checksum. */
  isVerified: boolean;
}

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
  /** Buffers made in this turn: readers that sleep do not hold them. */
  #fresh = new WeakSet<Buffer>();
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
  #aloneBytes = 0;
  /** The frames in `#alone`, by their place in the file; oldest first. */
  readonly #framesAlone = new Map<number, FrameAlone>();
  /** Who has got bytes in this turn, once each. */
  #holders: FrameLocation[] = [];
  /** Counts turns in which something was read. */
  #turn = 1;

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
    this.#framesAlone.delete(at);
    const block = this.#files.get(file)?.get(at - (at % this.#blockBytes));
    if (block !== undefined) this.#evict(block);
    if (this.#isWhole(file, at, length, into)) return;
    throw new BrokerError(
      "CORRUPT",
      `${path}: bytes ${at} to ${at + length} fail their checksum; run troikamq check`,
    );
  }

  #isWhole(file: DiskFile, at: number, length: number, into: FrameLocation): boolean {
    if (!this.peek(file, at, length, into)) return false;
    // Read alone by somebody else.
    const alone = this.#framesAlone.size === 0 ? undefined : this.#framesAlone.get(at);
    const isAlone = alone !== undefined && alone.chunk === into.chunk && alone.at === into.at;
    if (isAlone && alone.isVerified && alone.length === length) return true;
    const isWhole =
      frameLengthAt(into.chunk.buffer, into.at) === length &&
      isFrameWhole(into.chunk.buffer, into.at, into.at + length);
    if (isAlone) alone.isVerified = isWhole && alone.length === length;
    return isWhole;
  }

  /** Finds `length` bytes without verifying them; false if the file ends before. They must never be served. */
  peek(file: DiskFile, at: number, length: number, into: FrameLocation): boolean {
    if (into.heldIn !== this.#turn) {
      into.heldIn = this.#turn;
      this.#holders.push(into);
    }
    const base = at - (at % this.#blockBytes);
    const needed = at + length - base;
    const kept = needed > this.#blockBytes ? null : this.#keptBlock(file, base, needed);
    if (kept !== null) {
      into.chunk = kept;
      into.at = at - base;
    } else {
      const alone = this.#framesAlone.size === 0 ? undefined : this.#framesAlone.get(at);
      if (alone !== undefined && alone.file === file && alone.length >= length) {
        into.chunk = alone.chunk;
        into.at = alone.at;
        return true;
      }
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
        length > this.#blockBytes ? Buffer.allocUnsafeSlow(length) : (this.#pool.pop() ?? this.#makeBuffer());
      chunk = { base: 0, buffer, length: 0, live: 0, generation: 0 };
      this.#alone.push(chunk);
      this.#aloneBytes += buffer.length;
      const bytesMax = this.#blocksMax * this.#blockBytes;
      while (this.#aloneBytes > bytesMax && this.#alone.length > 1) this.#dropOldestAlone();
    }
    into.chunk = chunk;
    into.at = chunk.length;
    const got = readFrom(file, chunk.buffer, chunk.length, length, at);
    chunk.length += got;
    if (got < length) return false;
    // Behind the frames of older chunks.
    this.#framesAlone.delete(at);
    this.#framesAlone.set(at, { file, length, chunk, at: into.at, isVerified: false });
    return true;
  }

  /** In a turn that walks a whole log. Readers keep the bytes that they still use: the buffer is not used again. */
  #dropOldestAlone(): void {
    const oldest = this.#alone.shift()!;
    oldest.generation++;
    if (oldest.buffer.length === this.#blockBytes) this.#retire(oldest.buffer);
    this.#aloneBytes -= oldest.buffer.length;
    for (const [at, frame] of this.#framesAlone) {
      if (frame.chunk !== oldest) return;
      this.#framesAlone.delete(at);
    }
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
    const buffer = this.#pool.pop() ?? this.#makeBuffer();
    if (this.#recent.size >= this.#blocksMax) this.#evict(this.#recent.keys().next().value!);
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
    this.#retire(block.buffer);
  }

  #makeBuffer(): Buffer {
    const buffer = Buffer.allocUnsafeSlow(this.#blockBytes);
    this.#fresh.add(buffer);
    return buffer;
  }

  /**
   * It is not used in this turn again. A turn that walks a whole log leaves most of what it has read to the garbage collector: only
   * readers of this turn hold that, and they let it go.
   */
  #retire(buffer: Buffer): void {
    if (this.#evicted.length < this.#blocksMax || !this.#fresh.has(buffer)) this.#evicted.push(buffer);
  }

  /** Evicted buffers are no longer read: they may be overwritten. */
  turnEnded(): void {
    if (this.#holders.length > 0) this.#letGo();
    if (this.#evicted.length === 0) return;
    for (const buffer of this.#evicted) this.#giveBack(buffer);
    this.#evicted.length = 0;
  }

  #letGo(): void {
    for (const chunk of this.#alone) chunk.generation++;
    for (const holder of this.#holders) {
      // Of another store, it changes its generation as well once it is given up.
      if (holder.chunk.generation !== 0) letGo(holder);
    }
    this.#holders = [];
    this.#fresh = new WeakSet();
    this.#turn++;
    for (const { buffer } of this.#alone) this.#giveBack(buffer);
    this.#alone.length = 0;
    this.#aloneBytes = 0;
    this.#framesAlone.clear();
  }

  /** A reader that sleeps may hold it still: what is not used again is freed, rather than left to the garbage collector. */
  #giveBack(buffer: Buffer): void {
    if (buffer.length === this.#blockBytes && this.#pool.length < this.#blocksMax) this.#pool.push(buffer);
    else freeLargeBuffer(buffer);
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
