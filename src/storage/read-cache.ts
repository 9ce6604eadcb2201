/**
 * Recently read blocks of files, for readers that are behind the memory tail.
 *
 * Every frame handed out has passed its checksum. Bounded: `blocksMax` blocks of `blockBytes`; a longer frame is read
 * by itself and not kept. An evicted block's generation changes, so a reader that still holds it notices.
 */
import { BrokerError } from "../base/errors.ts";
import type { DiskFile } from "../base/disk.ts";
import { isFrameWhole } from "./frame.ts";
import type { Chunk, FrameLocation } from "./frame-store.ts";

const blockBytes = 256 * 1024;
const blocksMax = 64;

interface FileBlocks {
  blocks: Map<number, Chunk>;
}

export class ReadCache {
  readonly #files = new Map<DiskFile, FileBlocks>();
  /** All blocks, least recently used first. */
  readonly #recent = new Map<Chunk, DiskFile>();
  #lastFile: DiskFile | null = null;
  #lastBlock: Chunk | null = null;

  /** Finds the frame of `length` bytes at `at` in `file`. Throws CORRUPT, naming `path`. */
  locate(file: DiskFile, path: string, at: number, length: number, into: FrameLocation): void {
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
    const chunk = into.chunk;
    if (into.at + length > chunk.length || !isFrameWhole(chunk.buffer, into.at, into.at + length)) {
      throw new BrokerError(
        "CORRUPT",
        `${path}: bytes ${at} to ${at + length} fail their checksum; run troikamq check`,
      );
    }
  }

  #block(file: DiskFile, base: number, needed: number): Chunk {
    if (this.#lastFile === file && this.#lastBlock!.base === base && this.#lastBlock!.length >= needed) {
      return this.#lastBlock!;
    }
    let blocks = this.#files.get(file)?.blocks;
    if (blocks === undefined) this.#files.set(file, { blocks: (blocks = new Map()) });
    let block = blocks.get(base);
    if (block !== undefined && block.length >= needed) {
      this.#recent.delete(block);
    } else {
      if (block !== undefined) this.#evict(block);
      const buffer =
        this.#recent.size >= blocksMax ? this.#evictOldest() : Buffer.allocUnsafeSlow(blockBytes);
      block = { base, buffer, length: 0, live: 0, generation: 0 };
      block.length = file.read(buffer, 0, blockBytes, base);
      blocks.set(base, block);
    }
    this.#recent.set(block, file);
    this.#lastFile = file;
    this.#lastBlock = block;
    return block;
  }

  #evictOldest(): Buffer {
    const oldest = this.#recent.keys().next().value!;
    return this.#evict(oldest);
  }

  #evict(block: Chunk): Buffer {
    const file = this.#recent.get(block)!;
    this.#recent.delete(block);
    this.#files.get(file)!.blocks.delete(block.base);
    if (this.#lastBlock === block) {
      this.#lastBlock = null;
      this.#lastFile = null;
    }
    block.generation++;
    return block.buffer;
  }

  /** The file is about to be closed. */
  forget(file: DiskFile): void {
    const known = this.#files.get(file);
    if (known === undefined) return;
    for (const block of known.blocks.values()) this.#evict(block);
    this.#files.delete(file);
  }
}
