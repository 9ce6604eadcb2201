/**
 * What one subscriber receives: pushes of one length, so that the next begins a stride further and only its payload's
 * header is read (payload.ts).
 *
 *     push := "*3" CRLF "$7" CRLF "message" CRLF bulk(channel) bulk(payload)
 *
 * Invariant: of each source, every message came once and in order, or `feed` throws.
 */
import type { Histogram } from "../../base/histogram.ts";
import { encodeCommand } from "./commands.ts";
import type { Chunk } from "./connection.ts";
import { sourceOffset, timeOffset } from "./payload.ts";

const asterisk = 0x2a;

/** The same for all subscribers of a run. */
export interface PushFormat {
  readonly pushBytes: number;
  readonly payloadOffset: number;
  readonly sources: number;
  readonly latency: Histogram;
  /** The latency is recorded of messages whose sequence has none of these bits. */
  readonly latencySkipMask: number;
}

export function pushSizes(channel: string, payloadBytes: number) {
  const pushBytes = encodeCommand("message", channel, new Uint8Array(payloadBytes)).length;
  return { pushBytes, payloadOffset: pushBytes - payloadBytes - "\r\n".length };
}

export class PushReader {
  readonly #pushBytes: number;
  readonly #payloadOffset: number;
  readonly #latency: Histogram;
  readonly #latencySkipMask: number;
  readonly #nextOfSource: Uint32Array;
  /** The beginning of a push whose end is in the next chunk. */
  readonly #cut: Buffer;
  readonly #cutView: DataView;
  #cutBytes = 0;
  received = 0;

  constructor(format: PushFormat) {
    this.#pushBytes = format.pushBytes;
    this.#payloadOffset = format.payloadOffset;
    this.#latency = format.latency;
    this.#latencySkipMask = format.latencySkipMask;
    this.#nextOfSource = new Uint32Array(format.sources);
    this.#cut = Buffer.alloc(format.pushBytes);
    this.#cutView = viewOf(this.#cut);
  }

  feed(chunk: Chunk): void {
    const nowMs = performance.now();
    let at = 0;
    if (this.#cutBytes > 0) {
      at = Math.min(this.#pushBytes - this.#cutBytes, chunk.length);
      this.#keep(chunk, 0, at);
      if (this.#cutBytes < this.#pushBytes) return;
      this.#cutBytes = 0;
      this.#read(this.#cutView, 0, nowMs);
    }
    at = this.#read(viewOf(chunk), at, nowMs);
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
  }

  #keep(chunk: Chunk, start: number, end: number): void {
    this.#cut.set(chunk.subarray(start, end), this.#cutBytes);
    this.#cutBytes += end - start;
  }

  /** Reads the whole pushes from `start` on. @returns where the last of them ends */
  #read(view: DataView, start: number, nowMs: number): number {
    // The hot loop of a fan-out: what it needs is in locals.
    const pushBytes = this.#pushBytes;
    const payloadOffset = this.#payloadOffset;
    const latencySkipMask = this.#latencySkipMask;
    const nextOfSource = this.#nextOfSource;
    const lastStart = view.byteLength - pushBytes;
    let at = start;
    for (; at <= lastStart; at += pushBytes) {
      const payload = at + payloadOffset;
      const sequence = view.getUint32(payload, true);
      const source = view.getUint32(payload + sourceOffset, true);
      const expected = nextOfSource[source];
      if (sequence !== expected || view.getUint8(at) !== asterisk)
        throw new Error(`a subscriber got message ${sequence} of source ${source}, expected ${expected}`);
      nextOfSource[source] = sequence + 1;
      if ((sequence & latencySkipMask) === 0)
        this.#latency.record((nowMs - view.getFloat64(payload + timeOffset, true)) * 1000);
    }
    this.received += (at - start) / pushBytes;
    return at;
  }
}

function viewOf(bytes: Chunk): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
