/**
 * Rates of the counters of queues, exchanges and connections, while somebody looks at them.
 *
 * The counters are plain numbers that are counted where the event happens, or offsets that exist anyway. The first look starts
 * sampling all of them, in slices, every `rateSampleMs`. Sampling ends when nobody has looked for `rateIdleMsMax`. Invariants:
 * nothing is stored and no timer runs while nobody looks; a sample has one entry for each thing that existed in the last round.
 */
import type { Clock, Timer, Timers } from "../base/clock.ts";
import type { OpenConnection } from "../base/connection-facts.ts";
import { limits } from "../base/limits.ts";
import type { Job, TurnWork } from "../base/turn-work.ts";

/** The counters of a Queue and of an Exchange. */
type CountedExchange = Readonly<Record<"published" | "unroutable" | "returned", number>>;
type CountedQueue = Readonly<
  Record<
    "delivered" | "redelivered" | "acknowledged" | "requeued" | "expired" | "dropped" | "rejected",
    number
  >
> & { readonly log: { readonly nextOffset: number } };

type Readers<Thing> = Readonly<Record<string, (thing: Thing) => number>>;

/** Counts of a queue or stream since it was made or the broker started. */
export const queueCounters = {
  published: ({ log }) => log.nextOffset,
  delivered: (queue) => queue.delivered,
  redelivered: (queue) => queue.redelivered,
  acknowledged: (queue) => queue.acknowledged,
  requeued: (queue) => queue.requeued,
  expired: (queue) => queue.expired,
  /** Dropped because of a bound on length or bytes. */
  dropped: (queue) => queue.dropped,
  /** Rejected by consumers without requeueing, or requeued too often. */
  rejected: (queue) => queue.rejected,
} satisfies Readers<CountedQueue>;

export const exchangeCounters = {
  published: (exchange) => exchange.published,
  /** Messages that led to no queue and no subscriber. */
  unroutable: (exchange) => exchange.unroutable,
  /** Unroutable messages that were returned (AMQP mandatory). */
  returned: (exchange) => exchange.returned,
} satisfies Readers<CountedExchange>;

export const connectionCounters = {
  bytesReceived: (connection) => connection.bytesReceived,
  bytesSent: (connection) => connection.bytesSent,
} satisfies Readers<OpenConnection>;

export type Counts<Table> = { readonly [Name in keyof Table]: number };

/** The current values of the counters. */
export function countsOf<Thing, Table extends Readers<Thing>>(table: Table, thing: Thing): Counts<Table> {
  const counts: Record<string, number> = {};
  for (const [name, read] of Object.entries(table)) counts[name] = read(thing);
  return counts as Counts<Table>;
}

interface Sample {
  at: number;
  readonly counts: Float64Array;
  /** Per second; NaN before there are two samples. */
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

  /** How many things are being sampled. */
  get size(): number {
    return this.#samples.size;
  }

  /** The rate of each counter per second. Null: not known yet; ask again later. */
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
