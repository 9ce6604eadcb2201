/**
 * The traced records of one queue, stream or partition: which of the records that come are traced, and which of those that are there.
 *
 * A queue has one if its policy says `trace-sample`, or while a traced record is in it. Chance is asked once for each traced record, not
 * for each record: it says how many are passed over until the next one. Not here: what is noted of a record's life (tracer.ts).
 * Invariant: each note is of a record that came to this log and has not left it, as far as the broker was told; their number is bounded
 * (`notesMax`), the oldest is forgotten first.
 */
import type { Random } from "../../base/random.ts";

export interface TraceNote {
  readonly traceId: string;
  readonly spanId: string;
  /** Wall time, ms. */
  readonly writtenAt: number;
  /** Of the last delivery that is not settled; 0: it is with nobody. */
  deliveredAt: number;
  /** So that a stream with many readers does not fill the ring with one record. */
  deliveries: number;
}

/** Traced records of one queue that are followed at once. */
const notesMax = 16_384;
/** Groups whose positions are remembered, so that each commit is compared with what came since the one before. */
const groupsMax = 1000;
const uint32s = 2 ** 32;

export class QueueTrace {
  readonly #random: Random;
  #chance = 0;
  /** Records until the next that is traced; Infinity: none is. */
  #left = Infinity;
  readonly notes = new Map<number, TraceNote>();
  /** Kafka's groups: below which offset they have acknowledged. */
  readonly #acknowledged = new Map<string, number>();
  /** Records that nobody follows any more since there were too many. */
  forgotten = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Traced records are chosen here, or looked for by their headers; null: only those that come with a trace are followed. */
  get samples(): boolean {
    return this.#isSampling;
  }
  #isSampling = false;

  setChance(chance: number | undefined): void {
    this.#isSampling = chance !== undefined;
    this.#chance = chance ?? 0;
    this.#left = this.#passed();
  }

  /** How many records chance passes over: of a geometric distribution. */
  #passed(): number {
    if (this.#chance <= 0) return Infinity;
    if (this.#chance >= 1) return 0;
    const uniform = (this.#random.below(uint32s) + 1) / (uint32s + 1);
    return Math.floor(Math.log(uniform) / Math.log(1 - this.#chance));
  }

  /** Which of the next `count` records is traced first; -1: none. Ask again for those behind it. */
  next(count: number): number {
    if (this.#left >= count) {
      this.#left -= count;
      return -1;
    }
    const index = this.#left;
    this.#left = this.#passed();
    return index;
  }

  note(offset: number, note: TraceNote): void {
    if (this.notes.size >= notesMax) {
      this.notes.delete(this.notes.keys().next().value!);
      this.forgotten++;
    }
    this.notes.set(offset, note);
  }

  /** The notes of records in `[from, to)`. */
  *within(from: number, to: number): Generator<[number, TraceNote], void> {
    if (to - from <= this.notes.size) {
      for (let offset = from; offset < to; offset++) {
        const note = this.notes.get(offset);
        if (note !== undefined) yield [offset, note];
      }
      return;
    }
    for (const entry of this.notes) if (entry[0] >= from && entry[0] < to) yield entry;
  }

  /** A group has acknowledged what is below `offset`: from where on that is new. */
  groupReached(group: string, offset: number): number {
    const before = this.#acknowledged.get(group) ?? 0;
    if (!this.#acknowledged.has(group) && this.#acknowledged.size >= groupsMax)
      this.#acknowledged.delete(this.#acknowledged.keys().next().value!);
    this.#acknowledged.set(group, offset);
    return before;
  }
}
