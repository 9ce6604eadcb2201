/**
 * Writes how far a work is, once in each tick in which it went on: with what it moved, or not at all. So a kill leaves counts that are true.
 *
 * Not here: what is moved, and an operation's end (operations.ts).
 */
import type { Ticker, TickedQueue } from "../ticker.ts";
import type { Operation } from "./operation.ts";
import type { Operations } from "./operations.ts";

export class Progress implements TickedQueue {
  readonly #operations: Operations;
  readonly #running: Operation;
  readonly #counted: Operation;
  readonly #ticker: Pick<Ticker, "schedule">;
  isScheduled = false;
  hasFailed = false;

  /** `counted`: the operation whose counts change while `running` does. */
  constructor(
    operations: Operations,
    running: Operation,
    ticker: Pick<Ticker, "schedule">,
    counted: Operation = running,
  ) {
    this.#operations = operations;
    this.#running = running;
    this.#counted = counted;
    this.#ticker = ticker;
  }

  went(): void {
    this.#ticker.schedule(this);
  }

  atTickEnd(): void {
    // At its end it is written anyway.
    if (this.#running.isRunning) this.#operations.save(this.#counted);
  }

  /** Then only less is known after a kill. */
  failed(): void {}

  wakeNoLaterThan(): void {}
}
