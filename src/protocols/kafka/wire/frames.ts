/**
 * Cuts a byte stream into Kafka's frames:
 *
 *     frame  int32 size, then that many bytes
 *
 * A frame that lies whole in the incoming chunk is handed out as a part of that chunk, without a copy; only one that
 * spans chunks is gathered in a buffer of its own, which the splitter gives away and does not touch again. That buffer
 * grows with the bytes that come, so an announced size costs nothing by itself.
 *
 * Not here: what is in a frame. Invariant: after `next()` returned true, the frame is `buffer[start, end)`.
 */
import { BrokerError } from "../../../base/errors.ts";

const sizeBytes = 4;
/** An announced size is believed up to here: most requests are gathered without growing. */
const gatherBytesMin = 128 << 10;
const nothing = Buffer.alloc(0);

export class FrameSplitter {
  buffer: Buffer = nothing;
  start = 0;
  end = 0;
  /** The frame has a buffer of its own, rather than a place in the chunk. */
  isGathered = false;

  /** A longer frame is refused. */
  frameBytesMax: number;
  #chunk: Buffer = nothing;
  #position = 0;
  /** The frame in the making: its size field byte by byte, then its bytes. */
  #sizeBytesSeen = 0;
  #size = 0;
  #gathered: Buffer = nothing;
  #gatheredLength = 0;

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax;
  }

  /** Bytes held back for a frame that is not complete. */
  get bytesPending(): number {
    return this.#sizeBytesSeen + this.#gatheredLength;
  }

  /** Memory of its own. */
  get heldBytes(): number {
    return this.#gathered.length;
  }

  /** Nothing more is pushed: lets go of what has come. */
  stop(): void {
    this.#gathered = nothing;
    this.#gatheredLength = 0;
    this.#drained();
  }

  /** Takes the next chunk. Call `next()` until it returns false before the next push. */
  push(chunk: Buffer): void {
    if (this.#position < this.#chunk.length)
      throw new BrokerError("INVALID", "push before the last chunk was used up");
    this.#chunk = chunk;
    this.#position = 0;
  }

  next(): boolean {
    const chunk = this.#chunk;
    while (this.#sizeBytesSeen < sizeBytes) {
      if (this.#position === chunk.length) return this.#drained();
      this.#size = (this.#size << 8) | chunk[this.#position++]!;
      this.#sizeBytesSeen++;
      if (this.#sizeBytesSeen === sizeBytes) this.#checkSize();
    }
    const missing = this.#size - this.#gatheredLength;
    const available = chunk.length - this.#position;
    if (available < missing) {
      this.#gather(available);
      return this.#drained();
    }
    this.isGathered = this.#gatheredLength > 0;
    if (!this.isGathered) {
      this.buffer = chunk;
      this.start = this.#position;
      this.end = this.#position + missing;
      this.#position = this.end;
    } else {
      this.#gather(missing);
      this.buffer = this.#gathered;
      this.start = 0;
      this.end = this.#size;
      this.#gathered = nothing;
      this.#gatheredLength = 0;
    }
    this.#size = 0;
    this.#sizeBytesSeen = 0;
    return true;
  }

  #checkSize(): void {
    if (this.#size < 0)
      throw new BrokerError("MALFORMED", `frame size ${this.#size} is negative; close the connection`);
    if (this.#size > this.frameBytesMax) {
      throw new BrokerError(
        "LIMIT",
        `frame of ${this.#size} bytes, at most ${this.frameBytesMax} are taken; close the connection`,
      );
    }
  }

  #gather(count: number): void {
    const needed = this.#gatheredLength + count;
    if (needed > this.#gathered.length) {
      const capacity = Math.min(this.#size, Math.max(gatherBytesMin, needed, this.#gathered.length * 2));
      const grown = Buffer.allocUnsafeSlow(capacity);
      grown.set(this.#gathered.subarray(0, this.#gatheredLength));
      this.#gathered = grown;
    }
    this.#gathered.set(this.#chunk.subarray(this.#position, this.#position + count), this.#gatheredLength);
    this.#gatheredLength = needed;
    this.#position += count;
  }

  #drained(): false {
    this.#chunk = nothing;
    this.#position = 0;
    this.buffer = nothing;
    return false;
  }
}
