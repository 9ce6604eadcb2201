/**
 * Time that stands still until the run moves it: wall clock, monotonic clock, timers, and the ends of ticks.
 *
 * Invariant: nothing runs but in `advance` and `endTick`; after `forget` nothing of the process that died ever runs.
 */
import type { Clock, Timer, Timers } from "../src/base/clock.ts";

interface Alarm {
  at: number;
  action: (() => void) | null;
}

const startMs = 1_800_000_000_000;

export class SimTime implements Clock, Timers {
  #wallMs = startMs;
  #monotonicMs = 0;
  /** By time, then in the order in which they were set. */
  #alarms: Alarm[] = [];
  #tickEnds: (() => void)[] = [];

  now(): number {
    return Math.floor(this.#wallMs);
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, action: () => void): Timer {
    const alarm: Alarm = { at: this.#monotonicMs + Math.max(delayMs, 1), action };
    let i = this.#alarms.length;
    while (i > 0 && this.#alarms[i - 1]!.at > alarm.at) i--;
    this.#alarms.splice(i, 0, alarm);
    return { cancel: () => (alarm.action = null) };
  }

  atTickEnd(action: () => void): void {
    this.#tickEnds.push(action);
  }

  get hasTickEnd(): boolean {
    return this.#tickEnds.length > 0;
  }

  /** What asks for the end of a tick while this one ends gets the next one. */
  endTick(): void {
    for (const action of this.#tickEnds.splice(0)) action();
  }

  /** Moves both clocks on and runs what is due, each at its time. */
  advance(ms: number): void {
    const until = this.#monotonicMs + ms;
    for (;;) {
      const alarm = this.#alarms[0];
      if (alarm === undefined || alarm.at > until) break;
      this.#alarms.shift();
      this.#move(alarm.at);
      alarm.action?.();
    }
    this.#move(until);
  }

  #move(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }

  /** Somebody sets the wall clock. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  /** The process died. */
  forget(): void {
    this.#alarms = [];
    this.#tickEnds = [];
  }
}
