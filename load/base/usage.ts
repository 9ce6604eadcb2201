/**
 * Memory and descriptors of a process, from /proc, and their highest while something goes on.
 * Invariant: a watch that was stopped has looked at least twice, at its start and at its end.
 */
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { usageOf } from "../../bench/base/process.ts";

const sampleMs = 50;
const steadySamples = 10;
const steadyShare = 0.02;

export function rssOf(pid: number): number {
  return usageOf(pid).rssBytes;
}

export function descriptorsOf(pid: number): number {
  return fs.readdirSync(`/proc/${pid}/fd`).length;
}

/** Once it has stopped changing much, or after a time: what was allocated may be given back late. */
export async function settledRss(pid: number, msMax = 3000): Promise<number> {
  const seen: number[] = [];
  for (let waited = 0; waited < msMax; waited += sampleMs * 2) {
    seen.push(rssOf(pid));
    const last = seen.slice(-steadySamples);
    if (last.length === steadySamples && Math.max(...last) <= Math.min(...last) * (1 + steadyShare)) break;
    await sleep(sampleMs * 2);
  }
  return rssOf(pid);
}

export class MemoryWatch {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  readonly start: number;
  peak: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.start = this.peak = rssOf(pid);
    this.#timer = setInterval(() => this.#look(), sampleMs);
  }

  #look(): void {
    this.peak = Math.max(this.peak, rssOf(this.#pid));
  }

  /** How far it was above its start, at most. */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.peak - this.start;
  }
}
