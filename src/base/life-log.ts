/**
 * The life of a broker in about ten log lines of level `info`: what started where, what it found, where it listens, why and how it
 * ended.
 *
 * Not here: faults and refusals, which are logged where they occur.
 */
import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./logger.ts";

export class LifeLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #since: number;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** A line with the milliseconds since the last stage began. */
  stage(message: string, fields: LogFields = {}): void {
    this.#logger.info(message, { ...fields, ms: Math.round(this.#clock.monotonic() - this.#since) });
  }

  /** A line, from which the stages count. */
  begin(message: string, fields: LogFields = {}): void {
    this.#since = this.#clock.monotonic();
    this.#logger.info(message, fields);
  }

  tell(message: string, fields: LogFields): void {
    this.#logger.info(message, fields);
  }
}
