/**
 * Log lines that clients can cause as often as they like: the first one in a second is written at once, the others are summed up
 * in a number when the second is over. So no client can fill the disk, or hide something in a long log.
 *
 * Invariant: each kind writes at most one line in `limits.refusalLogMs`, and every event is counted in a line.
 */
import type { Timers } from "./clock.ts";
import { limits } from "./limits.ts";
import type { LogFields } from "./logger.ts";

export class SparseLog {
  readonly #timers: Timers;
  readonly #write: (fields: LogFields) => void;
  #last: LogFields = {};
  #count = 0;
  #isWaiting = false;

  constructor(timers: Timers, write: (fields: LogFields) => void) {
    this.#timers = timers;
    this.#write = write;
  }

  /** The line shows the fields of the last event that it counts. */
  add(fields: LogFields): void {
    this.#count++;
    this.#last = fields;
    if (!this.#isWaiting) this.#tell();
  }

  #tell(): void {
    this.#write({ ...this.#last, count: this.#count });
    this.#count = 0;
    this.#isWaiting = true;
    this.#timers.after(limits.refusalLogMs, () => {
      this.#isWaiting = false;
      if (this.#count > 0) this.#tell();
    });
  }
}
