/**
 * Numbers that the broker counts, and their text for Prometheus.
 *
 * Counting is a plain addition on an object that its owner keeps; all the work is done when someone reads.
 * Not here: HTTP, the process's own numbers (admin/), any global: each broker has its registry.
 * Invariant: a family has one kind and one help text, and no two of its series have the same labels. Labels
 * name kinds of things (protocol, queue), never one connection.
 *
 *     # HELP name text
 *     # TYPE name kind
 *     name{label="value"} number
 */

export type Labels = Readonly<Record<string, string>>;

type Kind = "counter" | "gauge" | "histogram";

interface Naming {
  /** Prometheus style: unit last and basic (`_seconds`, `_bytes`), counters end in `_total`. */
  readonly name: string;
  readonly help: string;
}

interface SeriesNaming extends Naming {
  readonly labels?: Labels;
}

/** A number that only grows. */
export class Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

/** A number that goes up and down. */
export class Gauge {
  value = 0;
}

/** How many observations were at most each of some fixed bounds. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One more than bounds: the last is for what is above them all. Not cumulative. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const bounds = this.bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
  }
}

/** Gives one series of a family that is read when someone asks. */
export type Emit = (value: number, labels?: Labels) => void;

interface Family extends Naming {
  readonly kind: Kind;
  /** By its labels as text. */
  readonly series: Map<string, Counter | Gauge | Histogram>;
  readonly readers: ((emit: Emit) => void)[];
}

export class MetricsRegistry {
  readonly #families = new Map<string, Family>();
  readonly #preparations: (() => Promise<void>)[] = [];
  readonly #appendices: (() => Promise<string>)[] = [];

  counter(naming: SeriesNaming): Counter {
    return this.#add("counter", naming, new Counter());
  }

  gauge(naming: SeriesNaming): Gauge {
    return this.#add("gauge", naming, new Gauge());
  }

  histogram(naming: SeriesNaming & { readonly bounds: readonly number[] }): Histogram {
    const { bounds } = naming;
    if (bounds.some((bound, index) => index > 0 && bound <= bounds[index - 1]!)) {
      throw new RangeError(`${naming.name}: bounds must rise`);
    }
    return this.#add("histogram", naming, new Histogram(bounds));
  }

  /** A family whose series are read at each scrape: for numbers that their owner keeps anyway. */
  read(naming: Naming & { readonly kind: "counter" | "gauge" }, reader: (emit: Emit) => void): void {
    this.#family(naming.kind, naming).readers.push(reader);
  }

  /** Has numbers worked out before each scrape that take too long to be read amid it. */
  prepare(work: () => Promise<void>): void {
    this.#preparations.push(work);
  }

  /** Has further families, as text, made for each scrape: those of single things, which are made in slices. */
  append(text: () => Promise<string>): void {
    this.#appendices.push(text);
  }

  async scrape(): Promise<string> {
    for (const work of this.#preparations) await work();
    let scraped = this.text();
    for (const text of this.#appendices) scraped += await text();
    return scraped;
  }

  /** All families in the text format 0.0.4, by name, with what was prepared last. */
  text(): string {
    const families = [...this.#families.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return families.map(familyText).join("");
  }

  #add<Metric extends Counter | Gauge | Histogram>(kind: Kind, naming: SeriesNaming, metric: Metric): Metric {
    const family = this.#family(kind, naming);
    const labels = labelsText(naming.labels);
    if (family.series.has(labels)) throw new RangeError(`${naming.name}{${labels}} is there already`);
    family.series.set(labels, metric);
    return metric;
  }

  #family(kind: Kind, { name, help }: Naming): Family {
    let family = this.#families.get(name);
    if (family === undefined) {
      if (!/^[a-z][a-z0-9_]*$/.test(name) || (kind === "counter") !== name.endsWith("_total")) {
        throw new RangeError(`${name} is not a name for a ${kind}`);
      }
      family = { name, help, kind, series: new Map(), readers: [] };
      this.#families.set(name, family);
    }
    if (family.kind !== kind || family.help !== help)
      throw new RangeError(`${name} is there already, otherwise`);
    return family;
  }
}

function familyText({ name, help, kind, series, readers }: Family): string {
  let text = `# HELP ${name} ${escape(help)}\n# TYPE ${name} ${kind}\n`;
  for (const [labels, metric] of series) {
    text +=
      metric instanceof Histogram ? histogramText(name, labels, metric) : line(name, labels, metric.value);
  }
  for (const reader of readers) {
    reader((value, labels) => {
      text += line(name, labelsText(labels), value);
    });
  }
  return text;
}

function histogramText(name: string, labels: string, { bounds, counts, sum }: Histogram): string {
  const before = labels === "" ? "" : `${labels},`;
  let text = "";
  let cumulative = 0;
  for (const [index, count] of counts.entries()) {
    cumulative += count;
    text += line(`${name}_bucket`, `${before}le="${formatNumber(bounds[index] ?? Infinity)}"`, cumulative);
  }
  return text + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, cumulative);
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels === "" ? "" : `{${labels}}`} ${formatNumber(value)}\n`;
}

export function labelsText(labels: Labels = {}): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escape(value).replaceAll('"', String.raw`\"`)}"`)
    .join(",");
}

function escape(text: string): string {
  return text.replaceAll("\\", String.raw`\\`).replaceAll("\n", String.raw`\n`);
}

function formatNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
