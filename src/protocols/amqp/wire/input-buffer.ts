/**
 * The bytes of a connection that have come and are not yet parsed. Nothing here knows a protocol.
 *
 * A chunk is borrowed as it is; what is left of it when the parser has done is copied into a store of our own. The next
 * chunk then completes what lies there, by the bytes that the parser says are missing, and is borrowed from there on:
 * so of a chunk only the frame across its end is ever copied.
 *
 * Invariants: `0 <= start <= end <= bytes.length`; unread is `bytes[start, end)`, then `#next[#nextAt, …)`, and `bytes` is
 * the store while there is a next. Between `push` and `settle` no byte that was read is moved or written to; after
 * `settle()` no chunk of the caller is referred to.
 * Bound: the caller parses after each `push`, so what stays is less than one frame (or what a session that pauses has not
 * taken); the frame parser refuses a frame beyond frame-max as soon as it has the size.
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
  /** A chunk that comes after what is in the store. */
  #next: Buffer = nothing;
  #nextAt = 0;

  get unread(): number {
    return this.end - this.start + this.#next.length - this.#nextAt;
  }

  /** Adds a chunk. It must stay unchanged until `settle()`; positions from before are void. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#next !== nothing || this.bytes !== this.#store) this.settle();
    if (this.start < this.end) {
      this.#next = chunk;
      return;
    }
    this.bytes = chunk;
    this.start = 0;
    this.end = chunk.length;
  }

  /** Whether so many bytes are unread; then they lie in `bytes` from `start` on, both of which may have changed. */
  has(size: number): boolean {
    return this.end - this.start >= size || (this.#next !== nothing && this.#pull(size));
  }

  #pull(size: number): boolean {
    if (this.start === this.end) {
      this.bytes = this.#next;
      this.start = this.#nextAt;
      this.end = this.#next.length;
      this.#endNext();
      return this.end - this.start >= size;
    }
    const missing = size - (this.end - this.start);
    const taken = Math.min(missing, this.#next.length - this.#nextAt);
    // The bytes that were read may still be in use: they must not be moved to the front of the same store.
    if (this.end + taken > this.#store.length) this.#ownAnew(taken);
    copyBytes(this.#store, this.end, this.#next, this.#nextAt, this.#nextAt + taken);
    this.end += taken;
    this.#nextAt += taken;
    if (this.#nextAt === this.#next.length) this.#endNext();
    return taken === missing;
  }

  #endNext(): void {
    this.#next = nothing;
    this.#nextAt = 0;
  }

  /** Lets go of the caller's chunk: call it once the parser has asked for more, or to pause. */
  settle(): void {
    if (this.#next !== nothing) this.has(this.unread);
    if (this.start === this.end) {
      this.bytes = nothing;
      this.start = this.end = 0;
      if (this.#store.length > idleStoreBytesMax) this.#store = nothing;
    } else if (this.bytes !== this.#store) {
      if (this.end - this.start > this.#store.length) return this.#ownAnew(0);
      copyBytes(this.#store, 0, this.bytes, this.start, this.end);
      this.bytes = this.#store;
      this.end -= this.start;
      this.start = 0;
    }
  }

  /** Copies the unread bytes into a new store, with room for `more`. */
  #ownAnew(more: number): void {
    const { bytes, start, end } = this;
    const needed = end - start + more;
    let capacity = storeBytesMin;
    while (capacity < needed) capacity *= 2;
    this.#store = Buffer.allocUnsafeSlow(capacity);
    copyBytes(this.#store, 0, bytes, start, end);
    this.bytes = this.#store;
    this.start = 0;
    this.end = end - start;
  }
}
