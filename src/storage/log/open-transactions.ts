/**
 * The open transactions of one log: where each began, and which records belong to it.
 *
 *     full  = [u32 transactions, { i64 id, u64 first, u32 ranges, { u64 from, u64 to } }]
 *     steps = u32 count, { u8 step, i64 id, u64 from, u64 to }            since the last change was written
 *
 * Not here: who opens and ends them (Kafka producers), what readers see of them (log.ts). Invariants: a transaction's ranges are
 * in offset order, do not touch, and none begins below its `first`.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import type { EntryId } from "../../message/entry-id.ts";

const step = { opened: 1, added: 2, ended: 3 } as const;

interface OpenTransaction {
  readonly first: number;
  /** Pairs of offsets: from, to. */
  readonly ranges: number[];
}

export class OpenTransactions {
  readonly #open = new Map<number, OpenTransaction>();
  /** Step, id, from, to. */
  readonly #steps: number[] = [];
  /** At the front of the log the records of this range were aborted, and no others. */
  #abortedFrom = 0;
  #abortedTo = 0;

  has(id: number): boolean {
    return this.#open.has(id);
  }

  get hasSteps(): boolean {
    return this.#steps.length > 0;
  }

  open(id: number, first: number): void {
    if (this.#open.has(id)) return;
    this.#open.set(id, { first, ranges: [] });
    this.#steps.push(step.opened, id, first, first);
  }

  add(id: number, from: number, to: number): void {
    const { first, ranges } = this.#open.get(id)!;
    const end = ranges.at(-1) ?? first;
    if (assertsAreOn)
      assertInvariant(from >= end && to > from, "records of a transaction are added in order");
    if (ranges.length > 0 && end === from) ranges[ranges.length - 1] = to;
    else ranges.push(from, to);
    this.#steps.push(step.added, id, from, to);
  }

  /** Of its last record; null where it has none. */
  lastIdOf(id: number, log: { entryIdOf(offset: number): EntryId }): EntryId | null {
    const end = this.#open.get(id)?.ranges.at(-1);
    return end === undefined ? null : log.entryIdOf(end - 1);
  }

  /** Forgets it; returns its ranges. */
  end(id: number): readonly number[] {
    const ranges = this.#open.get(id)?.ranges ?? [];
    if (this.#open.delete(id)) this.#steps.push(step.ended, id, 0, 0);
    return ranges;
  }

  /** Records were aborted, which moved the log's first offset from `first` to `next`, or left it. */
  aborted(first: number, next: number): void {
    if (first !== this.#abortedTo) this.#abortedFrom = first;
    this.#abortedTo = next;
  }

  /** A reader that starts here misses no committed record, if the log begins at `first`. */
  readableFrom(first: number): number {
    return first === this.#abortedTo ? this.#abortedFrom : first;
  }

  /** The lowest offset at which an open transaction began; `end` if none is open. */
  firstOr(end: number): number {
    let lowest = end;
    for (const { first } of this.#open.values()) if (first < lowest) lowest = first;
    return lowest;
  }

  /** Writes nothing if none is open. */
  encodeFull(writer: ByteWriter): void {
    this.#steps.length = 0;
    if (this.#open.size === 0) return;
    writer.uint32(this.#open.size);
    for (const [id, { first, ranges }] of this.#open) {
      writer
        .int64(id)
        .int64(first)
        .uint32(ranges.length / 2);
      for (const offset of ranges) writer.int64(offset);
    }
  }

  decodeFull(reader: ByteReader): void {
    for (let left = reader.uint32(); left > 0; left--) {
      const id = reader.int64();
      const first = reader.int64();
      const ranges: number[] = [];
      for (let offsets = reader.uint32() * 2; offsets > 0; offsets--) ranges.push(reader.int64());
      this.#open.set(id, { first, ranges });
    }
  }

  encodeSteps(writer: ByteWriter): void {
    const steps = this.#steps;
    writer.uint32(steps.length / 4);
    for (let i = 0; i < steps.length; i += 4) {
      writer
        .uint8(steps[i]!)
        .int64(steps[i + 1]!)
        .int64(steps[i + 2]!)
        .int64(steps[i + 3]!);
    }
    steps.length = 0;
  }

  applySteps(reader: ByteReader): void {
    for (let left = reader.uint32(); left > 0; left--) {
      const kind = reader.uint8();
      const id = reader.int64();
      const from = reader.int64();
      const to = reader.int64();
      if (kind === step.opened) this.open(id, from);
      else if (kind === step.added) this.add(id, from, to);
      else this.end(id);
    }
    this.#steps.length = 0;
  }
}
