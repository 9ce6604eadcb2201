/**
 * Which records were settled in a queue that keeps its history: they stay in the log for readers, and consumers skip them.
 *
 * A part of the queue's cursor, and durable with it. Invariant: every offset below `first` was settled, or is gone from the log.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { type Log, OffsetSet } from "../../storage/index.ts";

export class HistoryMarks {
  readonly #settled: OffsetSet;

  /** With `gone`, records that are gone from the log already count as settled. */
  constructor(gone?: OffsetSet) {
    this.#settled = gone === undefined ? new OffsetSet() : gone.copy();
  }

  /** The lowest offset that was not settled. */
  get first(): number {
    return this.#settled.first;
  }

  has(offset: number): boolean {
    return this.#settled.has(offset);
  }

  /** Returns whether the offset was new. */
  add(offset: number): boolean {
    return this.#settled.add(offset);
  }

  /** How many records of the log were settled or are gone, including those that were trimmed from its front. */
  countBelow(log: Log): number {
    const settled = this.#settled;
    if (settled.first < log.firstOffset) settled.addRange(settled.first, log.firstOffset);
    return settled.first + settled.countAbove;
  }

  encode(writer: ByteWriter): void {
    this.#settled.encode(writer);
  }

  decode(reader: ByteReader): void {
    this.#settled.decode(reader);
  }
}
