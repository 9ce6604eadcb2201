/**
 * The bytes of a connection that have come and are not yet parsed. Nothing here knows a protocol.
 *
 * A chunk is borrowed as it is; only what is left of it when the parser has done is copied, into a store of our own
 * that later chunks are added to. So a chunk of whole frames is never copied, and of the others each byte at most
 * once, but for the store's growth.
 *
 * Invariant: `0 <= start <= end <= bytes.length`, and unread is exactly `bytes[start, end)`. After `settle()` no
 * chunk of the caller is referred to.
 * Bound: the caller parses after each `push`, so what stays is less than one frame; the frame parser refuses a
 * frame beyond frame-max as soon as it has the size.
 */
import { copyBytes } from "../../../base/bytes.ts";

/** A store above this is given back once it is empty, so that ten thousand idle connections hold little. */
const idleStoreBytesMax = 64 * 1024;
const storeBytesMin = 512;

const nothing = Buffer.alloc(0);

export class InputBuffer {
  bytes: Buffer = nothing;
  start = 0;
  end = 0;
  #store: Buffer = nothing;

  get unread(): number {
    return this.end - this.start;
  }

  /** Adds a chunk. It must stay unchanged until `settle()`; positions from before are void. */
  push(chunk: Buffer): void {
    if (this.start === this.end) {
      this.bytes = chunk;
      this.start = 0;
      this.end = chunk.length;
      return;
    }
    this.#own(chunk.length);
    copyBytes(this.bytes, this.end, chunk, 0, chunk.length);
    this.end += chunk.length;
  }

  /** Lets go of the caller's chunk: call it once the parser has asked for more. */
  settle(): void {
    if (this.start === this.end) {
      this.bytes = nothing;
      this.start = this.end = 0;
      if (this.#store.length > idleStoreBytesMax) this.#store = nothing;
    } else if (this.bytes !== this.#store) this.#own(0);
  }

  /** Moves the unread bytes into the store, with room for `more`. */
  #own(more: number): void {
    const { bytes, start, end } = this;
    if (bytes === this.#store && end + more <= bytes.length) return;
    const needed = end - start + more;
    if (needed > this.#store.length) {
      let capacity = Math.max(storeBytesMin, this.#store.length);
      while (capacity < needed) capacity *= 2;
      this.#store = Buffer.allocUnsafeSlow(capacity);
    }
    this.#store.set(bytes.subarray(start, end), 0);
    this.bytes = this.#store;
    this.start = 0;
    this.end = needed - more;
  }
}
