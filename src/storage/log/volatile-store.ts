/**
 * Frames that need not survive: transient queues, and everything when the data directory is `memory`.
 *
 * Invariant: a chunk is kept exactly as long as it is written to or some log needs a frame in it.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { type Chunk, type FrameLocation, FrameStore } from "../journal/frame-store.ts";
import type { Log } from "./log.ts";

const tailBytesKept = 1 << 20;

export class VolatileStore extends FrameStore {
  /** Bytes held, in whole chunks: what `memory-bytes-max` bounds. */
  get bytes(): number {
    return this.chunkBytesHeld;
  }

  override locate(position: number, _length: number, into: FrameLocation): void {
    const chunk = this.chunkAt(position)!;
    into.chunk = chunk;
    into.at = position - chunk.base;
    into.segment = null;
  }

  override peek(position: number, length: number, into: FrameLocation): void {
    this.locate(position, length, into);
  }

  override release(position: number): void {
    const chunk = this.chunkAt(position)!;
    chunk.live--;
    if (assertsAreOn) assertInvariant(chunk.live >= 0, "no frame is released more often than it is needed");
    if (chunk.live === 0 && !this.isTail(chunk)) this.#drop(chunk);
  }

  #drop(chunk: Chunk): void {
    this.recycle(chunk);
    const chunks = this.chunks;
    if (chunks[0] === chunk) chunks.shift();
    else chunks.splice(chunks.indexOf(chunk), 1);
  }

  /**
   * The chunk of a huge message is the tail until more comes, which may be never while publishers wait for the room that it takes.
   */
  override turnEnded(): void {
    super.turnEnded();
    const { tailChunk } = this;
    if (tailChunk.live === 0 && tailChunk.buffer.length > tailBytesKept && !this.hasOpenFrame)
      this.#drop(this.leaveTail());
  }

  protected override frameSealed(chunk: Chunk, _at: number, _length: number, logs: readonly Log[]): void {
    chunk.live += logs.length;
    // A chunk that stopped being the tail while none of its frames were needed is released by the next seal.
    const oldest = this.chunks[0]!;
    if (oldest.live === 0 && !this.isTail(oldest)) this.#drop(oldest);
  }
}
