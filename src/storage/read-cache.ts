/**
 * Recently read blocks of files, for readers that are behind the memory tail.
 *
 * Every frame that `locate` hands out has passed its checksum. Bounded: `blocksMax` blocks of `blockBytes`; a longer
 * frame is read by itself and not kept. An evicted block's generation changes, so a reader that slept notices; its bytes
 * are not written to before the turn ends, so a reader that did not sleep need not.
 */
import { BrokerError } from "../base/errors.ts";
import type { DiskFile } from "../base/disk.ts";
import { frameLengthAt, isFrameWhole } from "./frame.ts";
import type { Chunk, FrameLocation } from "./frame-store.ts";

const blockBytes = 256 * 1024;
const blocksMax = 64;
const pooledBlocksMax = blocksMax;

export class ReadCache {
  readonly #files = new Map<DiskFile, Map<number, Chunk>>();
  /** All blocks, least recently used first. */
  readonly #recent = new Map<Chunk, DiskFile>();
  /** Free buffers, and those evicted in this turn. */
  #pool: Buffer[] = [];
  #evicted: Buffer[] = [];
  #lastFile: DiskFile | null = null;
  #lastBlock: Chunk | null = null;

  /** Finds the frame of `length` bytes at `at` in `file`. Throws CORRUPT, naming `path`. */
  locate(file: DiskFile, path: string, at: number, length: number, into: FrameLocation): void {
    const isThere = this.peek(file, at, length, into);
    if (
      !isThere ||
      frameLengthAt(into.chunk.buffer, into.at) !== length ||
      !isFrameWhole(into.chunk.buffer, into.at, into.at + length)
    ) {
      throw new BrokerError(
        "CORRUPT",
        `${path}: bytes ${at} to ${at + length} fail their checksum; run troikamq check`,
      );
    }
  }

  /** Finds `length` bytes without a look at what they say; false when the file ends before. Never to be served. */
  peek(file: DiskFile, at: number, length: number, into: FrameLocation): boolean {
    const base = at - (at % blockBytes);
    if (at + length > base + blockBytes) {
      const buffer = Buffer.allocUnsafeSlow(length);
      const got = file.read(buffer, 0, length, at);
      into.chunk = { base: at, buffer, length: got, live: 0, generation: 0 };
      into.at = 0;
    } else {
      into.chunk = this.#block(file, base, at + length - base);
      into.at = at - base;
    }
    return into.at + length <= into.chunk.length;
  }

  #block(file: DiskFile, base: number, needed: number): Chunk {
    if (this.#lastFile === file && this.#lastBlock!.base === base && this.#lastBlock!.length >= needed) {
      return this.#lastBlock!;
    }
    let blocks = this.#files.get(file);
    if (blocks === undefined) this.#files.set(file, (blocks = new Map()));
    let block = blocks.get(base);
    if (block !== undefined && block.length >= needed) {
      this.#recent.delete(block);
    } else {
      if (block !== undefined) this.#evict(block);
      if (this.#recent.size >= blocksMax) this.#evict(this.#recent.keys().next().value!);
      const buffer = this.#pool.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
      block = { base, buffer, length: 0, live: 0, generation: 0 };
      block.length = file.read(buffer, 0, blockBytes, base);
      blocks.set(base, block);
    }
    this.#recent.set(block, file);
    this.#lastFile = file;
    this.#lastBlock = block;
    return block;
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
    if (this.#evicted.length + this.#pool.length < pooledBlocksMax) this.#evicted.push(block.buffer);
  }

  /** Nobody reads any more what was evicted: it may be written to. */
  turnEnded(): void {
    if (this.#evicted.length === 0) return;
    this.#pool.push(...this.#evicted);
    this.#evicted.length = 0;
  }

  /** The file is about to be closed. */
  forget(file: DiskFile): void {
    const blocks = this.#files.get(file);
    if (blocks === undefined) return;
    for (const block of blocks.values()) this.#evict(block);
    this.#files.delete(file);
  }
}
