/**
 * Logs once that the disk is full or failing, with what to do, and once that it is over.
 *
 * Not here: what the broker does about it (storage/journal/write-gate.ts, publisher-flow.ts).
 */
import type { Clock, Timers } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { SparseLog } from "../base/sparse-log.ts";
import type { Storage } from "../storage/index.ts";

type State = "open" | "low" | "stuck";

export interface DiskLogOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

export class DiskLog {
  readonly #clock: Clock;
  readonly #lines: Readonly<Record<State, SparseLog>>;
  #state: State = "open";
  #since = 0;

  constructor({ clock, timers, logger }: DiskLogOptions) {
    this.#clock = clock;
    this.#lines = {
      open: new SparseLog(timers, (fields) =>
        logger.info("the disk has room again; publishers go on", fields),
      ),
      low: new SparseLog(timers, (fields) =>
        logger.error(
          "the disk is nearly full: publishers wait, everything else goes on; free disk space, or consume, delete, purge or trim what is stored",
          fields,
        ),
      ),
      stuck: new SparseLog(timers, (fields) =>
        logger.error(
          "the journal cannot be written: changes of data are refused or wait, reads go on; free disk space or repair the disk: writing then goes on by itself",
          fields,
        ),
      ),
    };
  }

  look({ gate, room, directory }: Storage): void {
    let state: State = "open";
    if (gate.writeFailure !== null) state = "stuck";
    else if (gate.failure !== null) state = "low";
    if (state === this.#state) return;
    const now = this.#clock.monotonic();
    if (this.#state === "open") this.#since = now;
    this.#state = state;
    this.#lines[state].add({
      directory,
      error: gate.writeFailure ?? undefined,
      freeBytes: room?.freeBytes,
      freeBytesMin: room?.freeBytesMin,
      ms: state === "open" ? Math.round(now - this.#since) : undefined,
    });
  }
}
