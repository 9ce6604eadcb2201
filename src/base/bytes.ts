/**
 * Growable byte writer and bounds-checked byte reader: the only way bytes are made and taken apart.
 *
 * Not here: knowledge of any format. Integers are big-endian, as AMQP, Kafka and the journal have them.
 * Invariant of the writer: `0 <= start <= length <= buffer.length`; bytes below `start` have left already.
 */
import { BrokerError } from "./errors.ts";
import { giveLargeBuffer, takeLargeBuffer } from "./large-buffers.ts";

const copyLoopBytesMax = 24;
const latin1LoopBytesMax = 48;
const nativeCopy = Buffer.prototype.copy;
const minimumCapacity = 256;

/**
 * Copies `source[start, end)` to `target` at `at`. A loop beats the runtime's call for short runs; for longer ones
 * Buffer's copy takes half the time of `set` with a `subarray`, on both runtimes, as it makes no object (measured).
 */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  const size = end - start;
  if (size <= copyLoopBytesMax) {
    for (let i = 0; i < size; i++) target[at + i] = source[start + i]!;
    return;
  }
  nativeCopy.call(source, target, at, start, end);
}

const resetBytesKept = 8 << 20;

/** Appends bytes to one growing buffer. `take()` hands out what was written; `reset()` starts again without freeing. */
export class ByteWriter {
  buffer: Buffer;
  length = 0;
  readonly #isShared: boolean;

  /**
   * @param memory `shared`: large buffers come from and go back to large-buffers.ts, so a view of `buffer` holds only
   * until the writer grows or shrinks
   */
  constructor(capacity = minimumCapacity, memory: "own" | "shared" = "own") {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
    this.#isShared = memory === "shared";
  }

  /** Makes room for `size` more bytes and returns the position where they start. */
  reserve(size: number): number {
    const needed = this.length + size;
    if (needed > this.buffer.length) this.#grow(needed);
    const at = this.length;
    this.length = needed;
    return at;
  }

  /** Makes room for `size` more bytes that will be written soon, so that they do not make it grow step by step. */
  ensure(size: number): void {
    if (this.length + size > this.buffer.length) this.#grow(this.length + size);
  }

  #grow(needed: number): void {
    let capacity = Math.max(this.buffer.length * 2, minimumCapacity);
    while (capacity < needed) capacity *= 2;
    const old = this.buffer;
    const pooled = this.#isShared ? takeLargeBuffer(capacity) : undefined;
    const grown = pooled ?? Buffer.allocUnsafeSlow(capacity);
    copyBytes(grown, 0, old, 0, this.length);
    this.buffer = grown;
    if (this.#isShared) giveLargeBuffer(old);
  }

  /** Empties it and gives back what memory it has beyond `capacity`. */
  shrink(capacity: number): void {
    const old = this.buffer;
    this.length = 0;
    this.buffer = Buffer.allocUnsafeSlow(capacity);
    if (this.#isShared) giveLargeBuffer(old);
  }

  uint8(value: number): this {
    const at = this.reserve(1);
    this.buffer[at] = value;
    return this;
  }

  int8(value: number): this {
    return this.uint8(value & 0xff);
  }

  uint16(value: number): this {
    const at = this.reserve(2);
    const buffer = this.buffer;
    buffer[at] = value >>> 8;
    buffer[at + 1] = value;
    return this;
  }

  int16(value: number): this {
    return this.uint16(value & 0xffff);
  }

  uint32(value: number): this {
    const at = this.reserve(4);
    const buffer = this.buffer;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
    return this;
  }

  int32(value: number): this {
    return this.uint32(value >>> 0);
  }

  /** A 64-bit integer from a JS number: exact for safe integers, negative ones in two's complement. */
  int64(value: number): this {
    const high = Math.floor(value / 0x1_0000_0000);
    this.uint32(high >>> 0);
    return this.uint32((value - high * 0x1_0000_0000) >>> 0);
  }

  bigInt64(value: bigint): this {
    const at = this.reserve(8);
    this.buffer.writeBigInt64BE(BigInt.asIntN(64, value), at);
    return this;
  }

  float32(value: number): this {
    const at = this.reserve(4);
    this.buffer.writeFloatBE(value, at);
    return this;
  }

  float64(value: number): this {
    const at = this.reserve(8);
    this.buffer.writeDoubleBE(value, at);
    return this;
  }

  bytes(source: Uint8Array, start = 0, end = source.length): this {
    const at = this.reserve(end - start);
    copyBytes(this.buffer, at, source, start, end);
    return this;
  }

  /** Latin-1 text: one byte for each UTF-16 unit, which must be below 256 (protocol words and numbers). */
  latin1(text: string): this {
    const size = text.length;
    const at = this.reserve(size);
    if (size <= latin1LoopBytesMax) {
      const buffer = this.buffer;
      for (let i = 0; i < size; i++) buffer[at + i] = text.charCodeAt(i);
    } else this.buffer.latin1Write(text, at, size);
    return this;
  }

  utf8(text: string): this {
    const size = Buffer.byteLength(text);
    if (size === text.length) return this.latin1(text);
    const at = this.reserve(size);
    this.buffer.utf8Write(text, at, size);
    return this;
  }

  /** Overwrites four bytes written earlier, for a length known only afterwards. */
  patchUint32(at: number, value: number): void {
    const buffer = this.buffer;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
  }

  /** A view of what was written; valid until the next write. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.view());
  }

  /** Starts again with the same memory; one that a single huge message made it take is given back. */
  reset(): void {
    if (this.buffer.length > resetBytesKept) this.shrink(minimumCapacity);
    else this.length = 0;
  }
}

/**
 * Reads one frame or message. Every method checks bounds and throws `BrokerError` code `MALFORMED` past `end`,
 * so a decoder needs no checks of its own and a hostile length cannot read outside its frame.
 */
export class ByteReader {
  buffer: Buffer;
  position: number;
  end: number;

  constructor(buffer: Uint8Array, start = 0, end: number = buffer.length) {
    this.buffer = asBuffer(buffer);
    this.position = start;
    this.end = end;
  }

  /** Points this reader at other bytes, so that a hot path needs no new object. */
  reuse(buffer: Uint8Array, start: number, end: number): this {
    this.buffer = asBuffer(buffer);
    this.position = start;
    this.end = end;
    return this;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Moves past `size` bytes and returns where they start. */
  skip(size: number): number {
    const at = this.position;
    if (size < 0 || at + size > this.end) {
      throw new BrokerError(
        "MALFORMED",
        `needs ${size} bytes at ${at}, has ${this.end - at}; check the sender's framing`,
      );
    }
    this.position = at + size;
    return at;
  }

  uint8(): number {
    const at = this.skip(1);
    return this.buffer[at]!;
  }

  int8(): number {
    return (this.uint8() << 24) >> 24;
  }

  uint16(): number {
    const at = this.skip(2);
    return (this.buffer[at]! << 8) | this.buffer[at + 1]!;
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  int32(): number {
    const at = this.skip(4);
    const buffer = this.buffer;
    return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** A 64-bit integer as a JS number; values beyond 2^53 lose their low bits. */
  int64(): number {
    const high = this.int32();
    return high * 0x1_0000_0000 + this.uint32();
  }

  bigInt64(): bigint {
    const at = this.skip(8);
    return this.buffer.readBigInt64BE(at);
  }

  bigUint64(): bigint {
    const at = this.skip(8);
    return this.buffer.readBigUInt64BE(at);
  }

  float32(): number {
    const at = this.skip(4);
    return this.buffer.readFloatBE(at);
  }

  float64(): number {
    const at = this.skip(8);
    return this.buffer.readDoubleBE(at);
  }

  /** A view, not a copy: valid as long as the buffer below it is. */
  view(size: number): Buffer {
    const at = this.skip(size);
    return this.buffer.subarray(at, at + size);
  }

  latin1(size: number): string {
    const at = this.skip(size);
    return this.buffer.latin1Slice(at, at + size);
  }

  utf8(size: number): string {
    const at = this.skip(size);
    return this.buffer.utf8Slice(at, at + size);
  }
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
