/**
 * Sees that every record comes once and in order: in each partition the sequences count up from 0.
 *
 * Invariant: the first record that is missing, doubled, out of order or in a wrong partition throws; what never came
 * is found by `expectAll`.
 */
import { Histogram } from "../../base/histogram.ts";
import { valueBytesMin, valueField } from "./batch.ts";
import type { RecordVisitor } from "./batch-walk.ts";

export interface RecordCheckOptions {
  readonly partitions: number;
  /** The latency of one in so many is kept, a power of two; 0 keeps none. */
  readonly latencyOfOneIn: number;
}

export class RecordCheck implements RecordVisitor {
  /** Of the records since somebody put a new one here. */
  latency = new Histogram();
  readonly #next: Uint32Array;
  readonly #sampleMask: number;
  readonly #hasLatency: boolean;
  #nowMicroseconds = 0;
  count = 0;

  constructor({ partitions, latencyOfOneIn }: RecordCheckOptions) {
    this.#next = new Uint32Array(partitions);
    this.#hasLatency = latencyOfOneIn > 0;
    this.#sampleMask = latencyOfOneIn - 1;
  }

  /** When the records that are about to be told of had arrived. */
  arrived(nowMs: number): void {
    this.#nowMicroseconds = nowMs * 1000;
  }

  record(partition: number, bytes: Uint8Array, valueAt: number, valueBytes: number): void {
    const expected = this.#next[partition]!;
    const sequence = uint32(bytes, valueAt + valueField.sequence);
    const itsPartition = uint32(bytes, valueAt + valueField.partition);
    if (sequence !== expected || itsPartition !== partition || valueBytes < valueBytesMin) {
      throw new Error(
        `partition ${partition}: record ${sequence} of partition ${itsPartition} came where ${expected} was due`,
      );
    }
    this.#next[partition] = expected + 1;
    this.count += 1;
    if (this.#hasLatency && (sequence & this.#sampleMask) === 0)
      this.latency.record(this.#nowMicroseconds - uint32(bytes, valueAt + valueField.sentMicroseconds));
  }

  /** @param sequences how many each partition was given. @throws when one of them has not come */
  expectAll(sequences: Uint32Array): void {
    for (const [partition, count] of sequences.entries()) {
      const came = this.#next[partition]!;
      if (came !== count) throw new Error(`partition ${partition}: ${came} of ${count} records came`);
    }
  }

  /** The topic is about to be read from its start again. */
  rewind(): void {
    this.#next.fill(0);
    this.count = 0;
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
