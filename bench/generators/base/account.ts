/** What a generator says of itself in a run's `verified`: whether it, not the server, was the limit. */
import type { Histogram } from "../../base/histogram.ts";
import { usageOf } from "../../base/process.ts";

/** How much of its core it took. */
export class BusyMeter {
  readonly #startMs = performance.now();
  readonly #start = process.cpuUsage();

  text(): string {
    const { user, system } = process.cpuUsage(this.#start);
    const share = (user + system) / 1000 / (performance.now() - this.#startMs);
    return `generator ${Math.round(share * 100)}% busy`;
  }
}

/** Whether it kept to its rate. */
export function latenessText(lateness: Histogram): string {
  return `99% sent within ${lateness.percentiles()?.p99} ms of when they were due`;
}

/** Of the server, so far; 0 where the run does not ask for it. */
export function serverCpuSeconds({ serverPid }: { readonly serverPid?: number }): number {
  return serverPid === undefined ? 0 : usageOf(serverPid).cpuSeconds;
}
