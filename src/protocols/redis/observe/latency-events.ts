/**
 * The latency monitor: what has taken longer than `latency-monitor-threshold`, by the name of the event.
 *
 * Events are `command` and `fast-command`. Not here: measuring, how events are shown (latency.ts, latency-report.ts). Invariant: an
 * event keeps its newest 160 samples, one for each second.
 */
import type { Clock } from "../../../base/clock.ts";

const samplesMax = 160;

export interface LatencySample {
  /** Unix time in seconds. */
  readonly time: number;
  /** Milliseconds. */
  readonly latency: number;
}

export interface LatencyEvent {
  /** Oldest first. */
  readonly samples: LatencySample[];
  /** The worst of all, also of those that are no longer kept. */
  max: number;
}

export class LatencyEvents {
  readonly byName = new Map<string, LatencyEvent>();
  /** Milliseconds; 0: nothing is kept. */
  threshold = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `latency` in whole milliseconds. */
  add(name: string, latency: number): void {
    if (this.threshold === 0 || latency < this.threshold) return;
    let event = this.byName.get(name);
    if (event === undefined) this.byName.set(name, (event = { samples: [], max: 0 }));
    event.max = Math.max(event.max, latency);
    const { samples } = event;
    const time = this.seconds;
    const last = samples.at(-1);
    if (last?.time === time) {
      if (latency > last.latency) samples[samples.length - 1] = { time, latency };
      return;
    }
    samples.push({ time, latency });
    if (samples.length > samplesMax) samples.shift();
  }

  /** Forgets the events of that name in any case, or all. Returns how many. */
  reset(name: string | null): number {
    let count = 0;
    for (const known of this.byName.keys()) {
      if (name !== null && known !== name.toLowerCase()) continue;
      this.byName.delete(known);
      count++;
    }
    return count;
  }

  get seconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }
}
