/**
 * What is known about the commands that have run: how often each ran, failed or was refused, how long they took, which were slow,
 * and who watches them. INFO commandstats and latencystats, SLOWLOG, LATENCY and MONITOR read it.
 *
 * The clock costs more than a small command does, so quick commands (`CommandSpec.isQuick`) are timed by samples: the first 16 calls
 * of each, then every 16th, which stands for 16. All others are timed each, and so are all commands while somebody asks for it: by
 * MONITOR, by `latency-monitor-threshold`, or by a `slowlog-log-slower-than` below `exactBelowUs`. What is answered later is
 * always timed, from its start to its answer. Calls are counted, never estimated.
 *
 * Not here: running commands (core/dispatch.ts). Invariant: while nobody asks, a quick command costs one count and one test.
 */
import type { Clock } from "../../../base/clock.ts";
import { LatencyEvents } from "./latency-events.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { Monitors } from "./monitors.ts";
import { SlowLog } from "./slowlog.ts";
import type { MonitoringClient, WatchedCommand, WatchedSpec } from "./watched.ts";

const callsForSample = 16;
/** With a lower `slowlog-log-slower-than` every command is timed. */
const exactBelowUs = 1000;

export class CommandWatch {
  /** By the command's id, as the other tables. */
  readonly calls: Float64Array;
  readonly microseconds: Float64Array;
  readonly failed: Float64Array;
  readonly rejected: Float64Array;
  readonly histograms: (LatencyHistogram | undefined)[];
  readonly monitors: Monitors;
  readonly slowlog = new SlowLog();
  readonly latency: LatencyEvents;
  /** The setting `latency-tracking`. */
  tracksLatency = true;
  readonly #clock: Clock;
  /** How many calls pass before one is timed again. */
  readonly #untimedLeft: Int32Array;
  /** Every command is timed. */
  #isExact = false;

  constructor(clock: Clock, commandCount: number, settings: { readonly subscriberOutputBytesMax: number }) {
    this.#clock = clock;
    this.monitors = new Monitors(settings);
    this.latency = new LatencyEvents(clock);
    this.calls = new Float64Array(commandCount);
    this.#untimedLeft = new Int32Array(commandCount);
    this.microseconds = new Float64Array(commandCount);
    this.failed = new Float64Array(commandCount);
    this.rejected = new Float64Array(commandCount);
    this.histograms = Array.from<LatencyHistogram | undefined>({ length: commandCount }).fill(undefined);
  }

  /** Whether nothing but its number is to be known of the call that begins. */
  passes({ id }: WatchedSpec): boolean {
    const left = this.#untimedLeft[id]!;
    if (left === 0) return false;
    this.#untimedLeft[id] = left - 1;
    return true;
  }

  /** A call that was looked at has been answered. */
  ended(context: WatchedCommand, spec: WatchedSpec, startedAt: number): void {
    const isSample = spec.isQuick && !this.#isExact && this.calls[spec.id]! > callsForSample;
    if (isSample) this.#untimedLeft[spec.id] = callsForSample - 1;
    const weight = isSample ? callsForSample : 1;
    this.#took(context, spec, (this.#clock.monotonic() - startedAt) * 1000, weight);
  }

  /** The answer of a call that came later is there. */
  answered(context: WatchedCommand, spec: WatchedSpec, milliseconds: number): void {
    this.#took(context, spec, milliseconds * 1000, 1);
  }

  #took(context: WatchedCommand, spec: WatchedSpec, microseconds: number, weight: number): void {
    this.microseconds[spec.id]! += microseconds * weight;
    if (this.tracksLatency) {
      const histogram = (this.histograms[spec.id] ??= new LatencyHistogram());
      histogram.record(microseconds * 1000, weight);
    }
    if (this.latency.threshold > 0)
      this.latency.add(spec.isFast ? "fast-command" : "command", Math.floor(microseconds / 1000));
    if (microseconds >= this.slowlog.slowerThan && !spec.isLeftOutOfSlowlog)
      this.slowlog.add(context, microseconds);
  }

  get now(): number {
    return this.#clock.monotonic();
  }

  /** What MONITOR is told of the command that is about to run, once it has run; undefined if nothing. */
  monitorText(context: WatchedCommand): string | null | undefined {
    const { shownByMonitor } = context.spec;
    if (this.monitors.size === 0 || shownByMonitor === "never") return undefined;
    const text = this.monitors.textOf(context);
    if (shownByMonitor === "after") return text;
    this.monitors.tell(context, text);
    return undefined;
  }

  watchedBy(client: MonitoringClient): void {
    this.monitors.add(client);
    client.isMonitor = true;
    this.settle();
  }

  notWatchedBy(client: MonitoringClient): void {
    if (!client.isMonitor) return;
    client.isMonitor = false;
    this.monitors.delete(client);
    this.settle();
  }

  /** Call it when a threshold has changed. */
  settle(): void {
    const { slowerThan } = this.slowlog;
    const isSlowlogExact = slowerThan >= 0 && slowerThan < exactBelowUs;
    this.#isExact = isSlowlogExact || this.latency.threshold > 0 || this.monitors.size > 0;
    this.#untimedLeft.fill(0);
  }

  /** CONFIG RESETSTAT */
  reset(): void {
    for (const table of [this.calls, this.microseconds, this.failed, this.rejected]) table.fill(0);
    this.histograms.fill(undefined);
    this.#untimedLeft.fill(0);
  }
}
