/**
 * What the bench prints: a line of each side for every scenario, then the median ratio with its spread and its bar.
 * Not here: whether anything fails by it; a time never fails a build.
 */
import type { Measurement, Percentiles } from "./contract.ts";
import type { Result, Sample } from "./run.ts";
import type { SelfResult } from "./run-self.ts";
import { median, pairedRatios, type Spread, spreadOf } from "./base/statistics.ts";

export interface Summary {
  readonly scenario: string;
  readonly ours: SideSummary;
  readonly theirs: SideSummary | undefined;
  readonly ratePerSecond: readonly number[] | undefined;
  /** Ours to theirs, of the pairs. */
  readonly throughput: Spread | undefined;
  readonly p50: Spread | undefined;
  readonly p99: Spread | undefined;
  /** Of the server's CPU time for each. */
  readonly cpu: Spread | undefined;
  readonly verdicts: readonly string[];
}

interface SideSummary {
  readonly name: string;
  readonly perSecond: number;
  readonly unit: string;
  readonly latency: Percentiles | undefined;
  readonly cpuMicrosecondsEach: number;
  readonly rssBytes: number;
  readonly rssBytesMax: number;
  readonly verified: string;
}

export function summarize(result: Result): Summary {
  const { scenario } = result;
  const ours = sideOf(result.ours, scenario.unit);
  const theirs = result.theirs === undefined ? undefined : sideOf(result.theirs, scenario.unit);
  const ratio = (of: (sample: Sample) => number | undefined): Spread | undefined => {
    if (result.theirs === undefined) return undefined;
    const [a, b] = [result.ours.samples.map(of), result.theirs.samples.map(of)];
    if (a.some((value) => value === undefined) || b.some((value) => value === undefined)) return undefined;
    return pairedRatios(a as number[], b as number[]);
  };
  const throughput = ratio((sample) => sample.perSecond);
  const p50 = ratio((sample) => sample.figures.latency?.p50);
  const p99 = ratio((sample) => sample.figures.latency?.p99);
  const cpu = ratio((sample) => sample.cpuSeconds / sample.figures.count);
  const verdicts: string[] = [];
  const judge = (what: string, value: number | undefined, bar: number | undefined, isLess: boolean) => {
    if (bar === undefined || value === undefined) return;
    const isReached = isLess ? value <= bar : value >= bar;
    verdicts.push(
      `${isReached ? "reached" : "FALLS SHORT"}: ${what} ${isLess ? "<=" : ">="} ${bar} (${figure(value)})`,
    );
  };
  const { bar = {} } = scenario;
  judge("times the peer's throughput", throughput?.median, bar.throughput, false);
  judge("times the peer's p50", p50?.median, bar.p50Ratio, true);
  judge("times the peer's p99", p99?.median, bar.p99Ratio, true);
  judge("times the peer's CPU time", cpu?.median, bar.cpuRatio, true);
  judge("p99, ms,", ours.latency?.p99, bar.p99Ms, true);
  const ratios = { throughput, p50, p99, cpu };
  return { scenario: scenario.name, ours, theirs, ratePerSecond: result.rates, ...ratios, verdicts };
}

function sideOf(side: NonNullable<Result["theirs"]>, unit: string): SideSummary {
  const { samples } = side;
  const of = (value: (sample: Sample) => number) => median(samples.map(value));
  const hasLatency = samples.every((sample) => sample.figures.latency !== undefined);
  const latency = (name: keyof Percentiles) => of((sample) => sample.figures.latency![name]);
  return {
    name: side.name,
    perSecond: of((sample) => sample.perSecond),
    unit,
    latency: hasLatency
      ? { p50: latency("p50"), p99: latency("p99"), p999: latency("p999"), max: latency("max") }
      : undefined,
    cpuMicrosecondsEach: of((sample) => (sample.cpuSeconds * 1e6) / sample.figures.count),
    rssBytes: of((sample) => sample.rssBytes),
    rssBytesMax: Math.max(...samples.map((sample) => sample.rssBytesMax)),
    verified: samples.at(-1)!.figures.verified,
  };
}

export function textOf(summary: Summary): string {
  const lines = [summary.scenario];
  const { ratePerSecond } = summary;
  for (const [index, side] of [summary.ours, summary.theirs].entries()) {
    if (side === undefined) continue;
    const rate = ratePerSecond === undefined ? "" : ` (kept to ${thousands(ratePerSecond[index]!)}/s)`;
    const latency =
      side.latency === undefined
        ? ""
        : `, ms p50 ${figure(side.latency.p50)} p99 ${figure(side.latency.p99)} ` +
          `p99.9 ${figure(side.latency.p999)} max ${figure(side.latency.max)}`;
    lines.push(
      `  ${side.name.padEnd(22)} ${thousands(side.perSecond)} ${side.unit}/s${rate}${latency}, ` +
        `cpu ${figure(side.cpuMicrosecondsEach)} us each, RSS ${mebibytes(side.rssBytes)} ` +
        `(most ${mebibytes(side.rssBytesMax)}); ${side.verified}`,
    );
  }
  if (summary.throughput !== undefined) lines.push(`  ratio ${ratioText(summary.throughput)}`);
  if (summary.p50 !== undefined) lines.push(`  ratio of p50 ${ratioText(summary.p50)}`);
  if (summary.p99 !== undefined) lines.push(`  ratio of p99 ${ratioText(summary.p99)}`);
  if (summary.cpu !== undefined) lines.push(`  ratio of CPU ${ratioText(summary.cpu)}`);
  for (const verdict of summary.verdicts) lines.push(`  ${verdict}`);
  return lines.join("\n");
}

export function ratioText(spread: Spread): string {
  return `${figure(spread.median)}x (${figure(spread.least)} to ${figure(spread.most)})`;
}

export interface SelfSummary {
  readonly scenario: string;
  readonly measurements: readonly (Omit<Measurement, "values"> & { readonly spread: Spread })[];
  readonly verdicts: readonly string[];
}

export function summarizeSelf({ scenario, measurements }: SelfResult): SelfSummary {
  const verdicts: string[] = [];
  const summarized = measurements.map(({ values, ...rest }) => {
    const spread = spreadOf(values);
    if (rest.atMost !== undefined) {
      const isReached = spread.median <= rest.atMost;
      const value = valueText(spread.median, rest.unit);
      verdicts.push(
        `${isReached ? "reached" : "FALLS SHORT"}: ${rest.what} <= ${valueText(rest.atMost, rest.unit)} (${value})`,
      );
    }
    return { ...rest, spread };
  });
  return { scenario: scenario.name, measurements: summarized, verdicts };
}

export function textOfSelf({ scenario, measurements, verdicts }: SelfSummary): string {
  const lines = [scenario];
  for (const { what, unit, spread, note } of measurements) {
    const text = (value: number) => valueText(value, unit);
    const range = spread.least === spread.most ? "" : ` (${text(spread.least)} to ${text(spread.most)})`;
    lines.push(`  ${what}: ${text(spread.median)}${range}${note === undefined ? "" : `; ${note}`}`);
  }
  for (const verdict of verdicts) lines.push(`  ${verdict}`);
  return lines.join("\n");
}

function valueText(value: number, unit: Measurement["unit"]): string {
  if (unit === "bytes") return value >= 1e6 ? `${figure(value / 1e6)} MB` : `${figure(value / 1e3)} kB`;
  if (unit === "a second") return `${thousands(value)}/s`;
  return unit === "times" ? `${figure(value)}x` : `${figure(value)} ${unit}`;
}

/** Three digits that count. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return "?";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-3))));
  return value.toFixed(Math.min(digits, 3));
}

function thousands(perSecond: number): string {
  return perSecond >= 1e6 ? `${figure(perSecond / 1e6)} M` : `${figure(perSecond / 1e3)} k`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / (1 << 20))} MiB`;
}
