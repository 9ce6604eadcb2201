/**
 * Which messages a log still needs that are not on stable storage yet: what confirms wait for, and what the journal need not write.
 *
 * A frame that may be spared gets its checksum when it is written, not when it is sealed. Until then the place of the checksum counts
 * the logs that need the frame. What no log needs when the tick ends is a hole in the file: the header of one void frame is written,
 * and nothing of what follows it, which reads as zeros. Needed frames that are written are noted here until they are durable, or
 * released.
 *
 * Not here: writing (journal.ts). Invariants: a frame below `#sealedTo` is sealed or lies in a hole; holes lie in order, end to end with
 * sealed frames; noted frames are in the order of their positions.
 */
import { crc32OfZerosAfter } from "../../base/checksum/crc32-zeros.ts";
import { sizes } from "../../base/sizes.ts";
import { envelope } from "../../message/envelope.ts";
import type { Log } from "../log/log.ts";
import type { Chunk } from "./frame-store.ts";
import {
  frameEnvelopeAt,
  frameHeaderBytes,
  frameKind,
  frameLengthAt,
  readUint32,
  sealFrame,
  writeFrameHeader,
  writeUint32,
} from "./frame.ts";

/** The byte of a frame's header that has no use on the disk. */
const reservedAt = 7;
/** Of a frame that is needed until it is durable, whoever releases it. */
const always = 0xffff_ffff;
const notedFirst = 64;

export class UnneededFrames {
  /** Starts and ends of holes that are not written, oldest first. */
  readonly holes: number[] = [];
  /** Bytes that were not written since the start. */
  sparedBytes = 0;
  readonly #holeBytesMin = Math.max(sizes.holeBytesMin, frameHeaderBytes);
  #sealedTo = 0;
  /** Whether a frame from `#sealedTo` on may be spared. */
  #hasOpen = false;
  /** The first append frame from there on that may not; -1 without one. All of a tick become durable together. */
  #firstKept = -1;
  /** Frames that may not be durable, from `#from` to `#to`: their positions, and how many logs need them. */
  #positions = new Float64Array(notedFirst);
  #needs = new Uint32Array(notedFirst);
  #from = 0;
  #to = 0;
  readonly #header = Buffer.alloc(frameHeaderBytes);

  /** Of a frame that has just been completed: seals it, or leaves that to the end of the tick. */
  completed(chunk: Chunk, at: number, length: number, logs: readonly Log[]): void {
    const { buffer } = chunk;
    if (frameEnvelopeAt(buffer, at) === envelope.amqp && allForget(logs)) {
      writeUint32(buffer, at, logs.length);
      buffer[at + reservedAt] = 1;
      this.#hasOpen = true;
      return;
    }
    sealFrame(buffer, at, length);
    if (this.#firstKept < 0) this.#firstKept = chunk.base + at;
  }

  /** A log no longer needs the frame at `position`, which is not durable. `chunks` have all that is not written. */
  released(position: number, chunks: readonly Chunk[]): void {
    this.#change(position, chunks, released);
  }

  /** What is in the frame is needed until the frame is durable, whoever releases it: it goes on in another one. */
  kept(position: number, chunks: readonly Chunk[]): void {
    this.#change(position, chunks, kept);
  }

  #change(position: number, chunks: readonly Chunk[], change: (needs: number) => number): void {
    if (position >= this.#sealedTo) {
      let i = chunks.length - 1;
      while (chunks[i]!.base > position) i--;
      const { base, buffer } = chunks[i]!;
      const at = position - base;
      if (buffer[at + reservedAt] === 1) writeUint32(buffer, at, change(readUint32(buffer, at)));
      return;
    }
    let low = this.#from;
    let high = this.#to - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#positions[middle]!;
      if (found === position) {
        this.#needs[middle] = change(this.#needs[middle]!);
        return;
      }
      if (found < position) low = middle + 1;
      else high = middle - 1;
    }
  }

  /** Where the first message begins that is needed and not durable; `end` if there is none. */
  settledTo(durable: number, end: number): number {
    let from = this.#from;
    const to = this.#to;
    // A frame that begins below the watermark is below it as a whole.
    while (from < to && (this.#positions[from]! < durable || this.#needs[from] === 0)) from++;
    this.#from = from;
    if (from < to) return this.#positions[from]!;
    this.#from = this.#to = 0;
    return end;
  }

  /** Decides what of the frames before `end` is written. Those that were decided before stay as they are. */
  settle(chunks: readonly Chunk[], end: number): void {
    if (this.#hasOpen) this.#settleOpen(chunks, end);
    if (this.#firstKept >= 0) this.#note(this.#firstKept, always);
    this.#hasOpen = false;
    this.#firstKept = -1;
    this.#sealedTo = end;
  }

  #settleOpen(chunks: readonly Chunk[], end: number): void {
    let holeFrom = -1;
    let i = chunks.length - 1;
    while (i > 0 && chunks[i]!.base > this.#sealedTo) i--;
    for (; i < chunks.length; i++) {
      const { base, buffer, length } = chunks[i]!;
      for (let at = Math.max(this.#sealedTo - base, 0); at < length; at += frameLengthAt(buffer, at)) {
        const isOpen = buffer[at + reservedAt] === 1;
        const needs = isOpen ? readUint32(buffer, at) : always;
        if (needs === 0) {
          if (holeFrom < 0) holeFrom = base + at;
          continue;
        }
        if (holeFrom >= 0) this.#addHole(chunks, holeFrom, base + at);
        holeFrom = -1;
        if (!isOpen) continue;
        if (base + at > this.#firstKept && this.#firstKept >= 0) {
          // In the order of their positions.
          this.#note(this.#firstKept, always);
          this.#firstKept = -1;
        }
        sealOpen(buffer, at);
        this.#note(base + at, needs);
      }
    }
    if (holeFrom >= 0) this.#addHole(chunks, holeFrom, end);
  }

  #note(position: number, needs: number): void {
    if (this.#to === this.#positions.length) {
      const size = (this.#to - this.#from) * 2 > this.#to ? this.#to * 2 : this.#to;
      const positions = new Float64Array(size);
      const needed = new Uint32Array(size);
      positions.set(this.#positions.subarray(this.#from, this.#to));
      needed.set(this.#needs.subarray(this.#from, this.#to));
      this.#positions = positions;
      this.#needs = needed;
      this.#to -= this.#from;
      this.#from = 0;
    }
    this.#positions[this.#to] = position;
    this.#needs[this.#to++] = needs;
  }

  #addHole(chunks: readonly Chunk[], from: number, to: number): void {
    if (to - from >= this.#holeBytesMin) {
      this.holes.push(from, to);
      this.sparedBytes += to - from - frameHeaderBytes;
      return;
    }
    for (const { base, buffer, length } of chunks) {
      const last = Math.min(to - base, length);
      for (let at = Math.max(from - base, 0); at < last; at += frameLengthAt(buffer, at))
        sealOpen(buffer, at);
    }
  }

  /** The header of a void frame of this length, the rest of which is zeros. Valid until the next call. */
  headerOfHole(length: number): Buffer {
    const header = this.#header;
    writeFrameHeader(header, 0, frameKind.void, 0, length);
    writeUint32(header, 0, crc32OfZerosAfter(header, 4, frameHeaderBytes, length - frameHeaderBytes));
    return header;
  }

  /** All is written. */
  written(): void {
    this.holes.length = 0;
  }
}

function released(needs: number): number {
  return needs === always ? always : needs - 1;
}

function kept(): number {
  return always;
}

function sealOpen(buffer: Buffer, at: number): void {
  buffer[at + reservedAt] = 0;
  sealFrame(buffer, at, frameLengthAt(buffer, at));
}

function allForget(logs: readonly Log[]): boolean {
  for (let i = 0; i < logs.length; i++) if (!logs[i]!.forgetsConsumed) return false;
  return true;
}
