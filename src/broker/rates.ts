/**
 * How fast counters grow: of queues, exchanges and connections, while somebody looks.
 *
 * The counters are plain numbers that are counted where it happens, or offsets that are there anyway. The first look begins to
 * sample them all, in slices, every `rateSampleMs`; it ends once nobody has looked for `rateIdleMsMax`.
 * Invariants: nothing is kept and no timer runs while nobody looks; a sample holds one entry for each thing that was there
 * in the last round.
 */
import type { Clock, Timer, Timers } from "../base/clock.ts";
import type { OpenConnection } from "../base/connection-facts.ts";
import { limits } from "../base/limits.ts";
import type { Job, TurnWork } from "../base/turn-work.ts";

/** What is read of a Queue and of an Exchange. */
type CountedExchange = Readonly<Record<"published" | "unroutable" | "returned", number>>;
type CountedQueue = Readonly<
  Record<
    "delivered" | "redelivered" | "acknowledged" | "requeued" | "expired" | "dropped" | "rejected",
    number
  >
> & { readonly log: { readonly nextOffset: number } };

type Readers<Thing> = Readonly<Record<string, (thing: Thing) => number>>;

/** What is counted of a queue or stream since it was made, or since the start. */
export const queueCounters = {
  published: ({ log }) => log.nextOffset,
  delivered: (queue) => queue.delivered,
  redelivered: (queue) => queue.redelivered,
  acknowledged: (queue) => queue.acknowledged,
  requeued: (queue) => queue.requeued,
  expired: (queue) => queue.expired,
  /** By a bound on length or bytes. */
  dropped: (queue) => queue.dropped,
  /** Given back by consumers for good, or too often. */
  rejected: (queue) => queue.rejected,
} satisfies Readers<CountedQueue>;

export const exchangeCounters = {
  published: (exchange) => exchange.published,
  /** Led to no queue and no subscriber. */
  unroutable: (exchange) => exchange.unroutable,
  /** Of these, those that were sent back (AMQP mandatory). */
  returned: (exchange) => exchange.returned,
} satisfies Readers<CountedExchange>;

export const connectionCounters = {
  bytesReceived: (connection) => connection.bytesReceived,
  bytesSent: (connection) => connection.bytesSent,
} satisfies Readers<OpenConnection>;

export type Counts<Table> = { readonly [Name in keyof Table]: number };

/** The counters as they stand. */
export function countsOf<Thing, Table extends Readers<Thing>>(table: Table, thing: Thing): Counts<Table> {
  const counts: Record<string, number> = {};
  for (const [name, read] of Object.entries(table)) counts[name] = read(thing);
  return counts as Counts<Table>;
}

interface Sample {
  at: number;
  readonly counts: Float64Array;
  /** A second; NaN before there are two samples. */
  readonly rates: Float64Array;
}

/** All things whose counters a table reads. */
export interface Counted {
  readonly readers: readonly ((thing: unknown) => number)[];
  readonly things: () => Iterable<unknown>;
}

export function counted<Thing>(table: Readers<Thing>, things: () => Iterable<Thing>): Counted {
  return { readers: Object.values(table) as ((thing: unknown) => number)[], things };
}

export interface RatesOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly work: TurnWork;
  readonly counted: readonly Counted[];
}

const thingsOfUnit = 2;
const thingsOfPiece = 128;

export class Rates {
  readonly #options: RatesOptions;
  #samples = new Map<unknown, Sample>();
  #timer: Timer | null = null;
  #isSampling = false;
  #readAt = 0;
  #isClosed = false;

  constructor(options: RatesOptions) {
    this.#options = options;
  }

  /** Things that are sampled now. */
  get size(): number {
    return this.#samples.size;
  }

  /** How fast each counter of the table grows, a second. Null: not known yet; ask again in a while. */
  of<Thing, Table extends Readers<Thing>>(table: Table, thing: Thing): Counts<Table> | null {
    this.#looked();
    const sample = this.#samples.get(thing);
    if (sample === undefined || Number.isNaN(sample.rates[0]!)) return null;
    const rates: Record<string, number> = {};
    for (const [i, name] of Object.keys(table).entries()) rates[name] = sample.rates[i]!;
    return rates as Counts<Table>;
  }

  #looked(): void {
    this.#readAt = this.#options.clock.monotonic();
    if (this.#timer === null && !this.#isSampling && !this.#isClosed) this.#sample();
  }

  #sample(): void {
    this.#isSampling = true;
    this.#options.work.run(this.#round(), () => {
      this.#isSampling = false;
      if (!this.#isClosed) this.#timer = this.#options.timers.after(limits.rateSampleMs, () => this.#next());
    });
  }

  #next(): void {
    this.#timer = null;
    if (this.#options.clock.monotonic() - this.#readAt > limits.rateIdleMsMax) this.#samples.clear();
    else this.#sample();
  }

  *#round(): Job<void> {
    const { clock } = this.#options;
    const samples = new Map<unknown, Sample>();
    let looked = 0;
    for (const { readers, things } of this.#options.counted) {
      for (const thing of things()) {
        samples.set(thing, sampled(this.#samples.get(thing), readers, thing, clock.monotonic()));
        if (++looked % thingsOfPiece === 0) yield thingsOfPiece / thingsOfUnit;
      }
    }
    this.#samples = samples;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#samples.clear();
  }
}

function sampled(
  before: Sample | undefined,
  readers: readonly ((thing: unknown) => number)[],
  thing: unknown,
  now: number,
): Sample {
  const sample = before ?? {
    at: NaN,
    counts: new Float64Array(readers.length),
    rates: new Float64Array(readers.length).fill(NaN),
  };
  const seconds = (now - sample.at) / 1000;
  for (const [i, read] of readers.entries()) {
    const count = read(thing);
    sample.rates[i] = (count - sample.counts[i]!) / seconds;
    sample.counts[i] = count;
  }
  sample.at = now;
  return sample;
}
