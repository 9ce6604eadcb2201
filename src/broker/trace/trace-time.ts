/**
 * The times of the events of traces: wall time in ms with microseconds, of the wall clock and the monotonic one.
 *
 * Invariant: each is later than the one before it, unless the wall clock was set back.
 */
import type { Clock } from "../../base/clock.ts";

export class TraceTime {
  readonly #clock: Clock;
  #anchor = 0;
  #last = 0;
  /** Wall time of the last event, whole ms: to see that the clock was set back. */
  #lastNow = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): number {
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const time = this.#anchor + monotonic;
    if (time < now || time >= now + 1) this.#anchor = now - monotonic;
    const exact = Math.round((this.#anchor + monotonic) * 1000) / 1000;
    this.#last = now >= this.#lastNow ? Math.max(exact, Math.round(this.#last * 1000 + 1) / 1000) : exact;
    this.#lastNow = now;
    return this.#last;
  }
}
