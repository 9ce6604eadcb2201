/**
 * Rates and samples of the counters of queues, exchanges, connections, channels and totals, while somebody looks at them.
 *
 * The counters are plain numbers that are counted where the event happens, or offsets that exist anyway. The first look starts
 * sampling all of them, in slices, every `rateSampleMs`. Sampling ends when nobody has looked for `rateIdleMsMax`. Samples of the
 * past (a ring of `rateHistorySamples`) are kept for what somebody asked samples of, and for `rateHistoriesMax` things at most.
 * Invariants: nothing is stored and no timer runs while nobody looks; a sample has one entry for each thing that existed in the last
 * round, a ring is of one of these things.
 */
import type { Clock, Timer, Timers } from "../base/clock.ts";
import type { ChannelCounts, OpenConnection } from "../base/connection-facts.ts";
import { limits } from "../base/limits.ts";
import type { Job, TurnWork } from "../base/turn-work.ts";
import { type CountedExchange, type CountedQueue, deliveredOf } from "./message-stats.ts";
import type { Totals } from "./totals.ts";

type Readers<Thing> = Readonly<Record<string, (thing: Thing) => number>>;

/** Counts of a queue or stream since it was made or the broker started. */
export const queueCounters = {
  publish: ({ log }) => log.nextOffset,
  deliver: deliveredOf,
  deliver_no_ack: (queue) => queue.deliveredNoAck,
  get: (queue) => queue.got,
  get_no_ack: (queue) => queue.gotNoAck,
  get_empty: (queue) => queue.emptyGets,
  redeliver: (queue) => queue.redelivered,
  ack: (queue) => queue.acknowledged,
  requeued: (queue) => queue.requeued,
  expired: (queue) => queue.expired,
  /** Dropped because of a bound on length or bytes. */
  dropped: (queue) => queue.dropped,
  /** Rejected by consumers without requeueing, or requeued too often. */
  rejected: (queue) => queue.rejected,
  messages_ready: (queue) => queue.readyCount,
  messages_unacknowledged: (queue) => queue.unacknowledgedCount,
  messages_waiting: (queue) => queue.waitingCount,
  /** Dead letters that wait until other queues take them, as RabbitMQ names it. */
  messages_dlx: (queue) => queue.lettersWaiting,
} satisfies Readers<CountedQueue>;

export const exchangeCounters = {
  published: (exchange) => exchange.published,
  /** Messages that led to no queue and no subscriber. */
  unroutable: (exchange) => exchange.unroutable,
  /** Unroutable messages that were returned (AMQP mandatory). */
  returned: (exchange) => exchange.returned,
  /** Copies that went to queues. */
  routed: (exchange) => exchange.routed,
} satisfies Readers<CountedExchange>;

export const connectionCounters = {
  bytesReceived: (connection) => connection.bytesReceived,
  bytesSent: (connection) => connection.bytesSent,
} satisfies Readers<OpenConnection>;

export const channelCounters = {
  publish: (counts) => counts.publish,
  confirm: (counts) => counts.confirm,
  return_unroutable: (counts) => counts.returnUnroutable,
  drop_unroutable: (counts) => counts.dropUnroutable,
  deliver: (counts) => counts.deliver,
  deliver_no_ack: (counts) => counts.deliverNoAck,
  get: (counts) => counts.get,
  get_no_ack: (counts) => counts.getNoAck,
  get_empty: (counts) => counts.getEmpty,
  redeliver: (counts) => counts.redeliver,
  ack: (counts) => counts.ack,
} satisfies Readers<Readonly<ChannelCounts>>;

/** Of a virtual host, or of the broker. */
export const totalCounters = {
  publish: (totals) => totals.publish,
  confirm: (totals) => totals.confirm,
  return_unroutable: (totals) => totals.return_unroutable,
  drop_unroutable: (totals) => totals.drop_unroutable,
  deliver: (totals) => totals.deliver,
  deliver_no_ack: (totals) => totals.deliver_no_ack,
  get: (totals) => totals.get,
  get_no_ack: (totals) => totals.get_no_ack,
  get_empty: (totals) => totals.get_empty,
  redeliver: (totals) => totals.redeliver,
  ack: (totals) => totals.ack,
  messages_ready: (totals) => totals.messages_ready,
  messages_unacknowledged: (totals) => totals.messages_unacknowledged,
  messages_waiting: (totals) => totals.messages_waiting,
  messages_dlx: (totals) => totals.messages_dlx,
  bytesReceived: (totals) => totals.bytesReceived,
  bytesSent: (totals) => totals.bytesSent,
} satisfies Readers<Totals>;

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

/** What a counter was at certain times: the newest first. */
export interface History<Name extends string = string> {
  /** The value at that wall time, ms, or at the first sample, if that came later; undefined: there is no sample. */
  at(name: Name, time: number): number | undefined;
}

export interface RatesOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly work: TurnWork;
  readonly counted: readonly Counted[];
  /** Brings what is added up to date before each round. */
  readonly prepare?: () => Job<unknown>;
}

const thingsOfUnit = 2;
const thingsOfPiece = 128;

export class Rates {
  readonly #options: RatesOptions;
  #samples = new Map<unknown, Sample>();
  /** By thing, its past; in the order in which they were asked for last. */
  readonly #rings = new Map<unknown, Ring>();
  readonly #added: Counted[] = [];
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

  /** Further things whose counters are sampled. */
  add(more: Counted): void {
    this.#added.push(more);
  }

  /** The samples of a thing. Asked for the first time, it has none yet; those of the things asked for last are kept. */
  history<Thing, Table extends Readers<Thing>>(table: Table, thing: Thing): History<keyof Table & string> {
    this.#looked();
    const names = Object.keys(table);
    const ring = this.#rings.get(thing) ?? new Ring(names.length);
    this.#rings.delete(thing);
    this.#rings.set(thing, ring);
    if (this.#rings.size > limits.rateHistoriesMax) {
      const [oldest] = this.#rings.keys();
      this.#rings.delete(oldest);
    }
    const readers = Object.values(table) as ((thing: unknown) => number)[];
    if (ring.count === 0) ring.add(this.#options.clock.now(), readers, thing);
    return { at: (name, time) => ring.at(names.indexOf(name), time) };
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
    if (this.#options.clock.monotonic() - this.#readAt > limits.rateIdleMsMax) {
      this.#samples.clear();
      this.#rings.clear();
    } else this.#sample();
  }

  *#round(): Job<void> {
    const { clock, counted: always, prepare } = this.#options;
    if (prepare !== undefined) yield* prepare();
    const samples = new Map<unknown, Sample>();
    let looked = 0;
    for (const { readers, things } of [...always, ...this.#added]) {
      for (const thing of things()) {
        this.#rings.get(thing)?.add(clock.now(), readers, thing);
        samples.set(thing, sampled(this.#samples.get(thing), readers, thing, clock.monotonic()));
        if (++looked % thingsOfPiece === 0) yield thingsOfPiece / thingsOfUnit;
      }
    }
    this.#samples = samples;
    for (const thing of this.#rings.keys()) if (!samples.has(thing)) this.#rings.delete(thing);
  }

  /** Forgets what was sampled. */
  forget(): void {
    this.#samples.clear();
    this.#rings.clear();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#samples.clear();
    this.#rings.clear();
  }
}

/** The last samples of one thing, and when they were taken. */
class Ring {
  readonly #width: number;
  readonly #times = new Float64Array(limits.rateHistorySamples);
  readonly #values: Float64Array;
  #next = 0;
  count = 0;

  constructor(width: number) {
    this.#width = width;
    this.#values = new Float64Array(limits.rateHistorySamples * width);
  }

  add(time: number, readers: readonly ((thing: unknown) => number)[], thing: unknown): void {
    this.#times[this.#next] = time;
    for (let i = 0; i < this.#width; i++) this.#values[this.#next * this.#width + i] = readers[i]!(thing);
    this.#next = (this.#next + 1) % limits.rateHistorySamples;
    this.count = Math.min(this.count + 1, limits.rateHistorySamples);
  }

  at(counter: number, time: number): number | undefined {
    if (this.count === 0) return undefined;
    const size = limits.rateHistorySamples;
    let slot = this.#next;
    for (let back = 0; back < this.count; back++) {
      slot = (slot + size - 1) % size;
      if (this.#times[slot]! <= time) break;
    }
    return this.#values[slot * this.#width + counter];
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
    // What closed connections and deleted virtual hosts had counted is in no sum any more.
    sample.rates[i] = Math.max(count - sample.counts[i]!, 0) / seconds;
    sample.counts[i] = count;
  }
  sample.at = now;
  return sample;
}
