/**
 * Counts with their rates, as RabbitMQ shows them: `publish: 3, publish_details: {rate: 0.2}`, and with `lengths_age=60&lengths_incr=5`
 * (or `msg_rates_`, `data_rates_`, `node_stats_`) samples of the last minute, the newest first.
 *
 * Not here: where rates and samples come from (broker/rates.ts). Invariant: a count that is asked for once more is not smaller.
 */
import type { Broker } from "../../../broker/broker.ts";

type Table = Readonly<Record<string, (thing: never) => number>>;
type SampleKind = "lengths" | "msg_rates" | "data_rates" | "node_stats";

interface Span {
  readonly count: number;
  readonly incrMs: number;
}

/** What a request wants to see of the past. */
export type Spans = Readonly<Partial<Record<SampleKind, Span>>>;

/** What the query may say, for the endpoint's row. */
export const statsQuery = {
  lengths_age: "with lengths_incr: samples of queue lengths of the last so many seconds",
  lengths_incr: "seconds between samples",
  msg_rates_age: "the same of counts of messages",
  msg_rates_incr: "seconds between samples",
  data_rates_age: "the same of bytes of connections",
  data_rates_incr: "seconds between samples",
} as const;

const kinds: readonly SampleKind[] = ["lengths", "msg_rates", "data_rates", "node_stats"];
/** Samples of one count in an answer. */
const samplesMax = 500;

export function spansOf(query: URLSearchParams): Spans {
  const spans: Partial<Record<SampleKind, Span>> = {};
  for (const kind of kinds) {
    const [age, incr] = [query.get(`${kind}_age`) ?? "", query.get(`${kind}_incr`) ?? ""];
    if (!/^\d{1,9}$/.test(age) || !/^\d{1,9}$/.test(incr) || Number(incr) === 0) continue;
    const count = Math.min(Math.floor(Number(age) / Number(incr)) + 1, samplesMax);
    spans[kind] = { count, incrMs: Number(incr) * 1000 };
  }
  return spans;
}

/** Shows counts of one thing. */
export class Stats {
  readonly #broker: Broker;
  readonly #spans: Spans;
  readonly #table: Table;
  readonly #thing: unknown;
  readonly #rates: Readonly<Record<string, number>> | null;
  readonly #into: Record<string, unknown>;

  constructor(
    broker: Broker,
    spans: Spans,
    table: Table,
    thing: unknown,
    into: Record<string, unknown> = {},
  ) {
    this.#broker = broker;
    this.#spans = spans;
    this.#table = table;
    this.#thing = thing;
    this.#into = into;
    this.#rates = broker.rates.of(table as Record<string, (thing: unknown) => number>, thing);
  }

  /** Adds `name` with the sum of these counters, and `name_details`. */
  add(kind: SampleKind, name: string, ...counters: readonly string[]): this {
    const names = counters.length === 0 ? [name] : counters;
    this.#into[name] = this.#sumOf((counter) => this.#table[counter]!(this.#thing as never), names);
    this.#into[`${name}_details`] = this.details(kind, names);
    return this;
  }

  details(kind: SampleKind, names: readonly string[]): object {
    const rates = this.#rates;
    const rate = rates === null ? 0 : this.#sumOf((counter) => rates[counter]!, names);
    const span = this.#spans[kind];
    if (span === undefined) return { rate: rounded(rate) };
    const history = this.#broker.rates.history(
      this.#table as Record<string, (thing: unknown) => number>,
      this.#thing,
    );
    const { count, incrMs } = span;
    const newest = Math.floor(this.#broker.clock.now() / incrMs) * incrMs;
    const samples = Array.from({ length: count }, (_, at) => {
      const timestamp = newest - at * incrMs;
      // The newest one is asked for as of now, or a change would be seen only when its time has passed.
      const time = at === 0 ? Infinity : timestamp;
      return { sample: this.#sumOf((counter) => history.at(counter, time) ?? 0, names), timestamp };
    });
    const [first, last] = [samples.at(-1)!.sample, samples[0]!.sample];
    const sum = samples.reduce((total, { sample }) => total + sample, 0);
    const seconds = ((count - 1) * incrMs) / 1000;
    return {
      avg: sum / count,
      avg_rate: seconds === 0 ? 0 : (last - first) / seconds,
      rate: count < 2 ? rounded(rate) : ((last - samples[1]!.sample) * 1000) / incrMs,
      samples,
    };
  }

  #sumOf(valueOf: (name: string) => number, names: readonly string[]): number {
    let sum = 0;
    for (const name of names) sum += valueOf(name);
    return sum;
  }

  get shown(): Record<string, unknown> {
    return this.#into;
  }
}

/** Rates have no more digits than RabbitMQ's. */
function rounded(rate: number): number {
  return Number.isFinite(rate) ? Math.round(rate * 10) / 10 : 0;
}

const publishCounts = ["publish", "confirm", "return_unroutable", "drop_unroutable"] as const;
const deliverCounts = [
  "ack",
  "deliver",
  "deliver_no_ack",
  "get",
  "get_empty",
  "get_no_ack",
  "redeliver",
] as const;
const delivered = ["deliver", "deliver_no_ack", "get", "get_no_ack"] as const;

/** `message_stats`: what was published, where anything was, and what was delivered, where that was; undefined: neither. */
export function messageStats(
  stats: Stats,
  has: { readonly published: boolean; readonly delivered: boolean },
  published: readonly string[] = publishCounts,
): Record<string, unknown> | undefined {
  if (!has.published && !has.delivered) return undefined;
  if (has.published) for (const name of published) stats.add("msg_rates", name);
  if (has.delivered) {
    for (const name of deliverCounts) stats.add("msg_rates", name);
    stats.add("msg_rates", "deliver_get", ...delivered);
  }
  return stats.shown;
}

/** RabbitMQ shows these of processes of Erlang, which there are none of: as it does where it does not know them. */
export const noProcess = {
  garbage_collection: {
    max_heap_size: -1,
    min_bin_vheap_size: -1,
    min_heap_size: -1,
    fullsweep_after: -1,
    minor_gcs: -1,
  },
  reductions: 0,
  reductions_details: { rate: 0 },
} as const;

/** The sum of what `Stats` has shown of several things: counts, rates and samples, which have the same times. */
export function sumOfShown(shown: readonly object[]): object {
  return shown.reduce((sum, each) => added(sum, each) as object, {});
}

function added(one: unknown, other: unknown, key?: string): unknown {
  if (one === undefined) return other;
  if (other === undefined || key === "timestamp") return one;
  if (typeof one === "number") return one + (other as number);
  if (Array.isArray(one)) return one.map((each, at) => added(each, (other as unknown[])[at]));
  const [mine, its] = [one as Record<string, unknown>, other as Record<string, unknown>];
  const names = new Set([...Object.keys(mine), ...Object.keys(its)]);
  return Object.fromEntries([...names].map((name) => [name, added(mine[name], its[name], name)]));
}
