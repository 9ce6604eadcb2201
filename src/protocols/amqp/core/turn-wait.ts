/**
 * Lets the frames of a connection wait: for a turn with units left, or for a method that takes many turns.
 *
 * Not here: the frames (session.ts). Invariant: `goOn` is called once for each wait, never after `cancel`, and never while
 * something else is waited for.
 */
import type { Broker } from "../../../broker/broker.ts";
import type { Job, RunningJob } from "../../../base/turn-work.ts";

function* nothing(): Job<void> {}

export class TurnWait {
  readonly #broker: Broker;
  readonly #goOn: () => void;
  #wait: Pick<RunningJob, "cancel" | "isRunning"> | null = null;

  /** `goOn` processes the frames that waited. */
  constructor(broker: Broker, goOn: () => void) {
    this.#broker = broker;
    this.#goOn = goOn;
  }

  get isWaiting(): boolean {
    return this.#wait !== null;
  }

  /** The rest goes on in the next turn, so that other clients are served between these frames. */
  nextTurn(): void {
    this.#wait = this.#broker.work.run(nothing(), () => this.#ended());
  }

  /** Waits for a job, unless it ends at once. `failed` is called with its error. */
  work(job: Job<void>, failed: (error: unknown) => void): void {
    let isLater = false;
    const run = this.#broker.work.run(job, (outcome) => {
      if ("error" in outcome) failed(outcome.error);
      if (isLater) this.#ended();
    });
    if (!run.isRunning) return;
    isLater = true;
    this.#wait = run;
  }

  /** Calls `attempt` at the end of each tick until it returns true. `failed` is called with its error. */
  retry(attempt: () => boolean, failed: (error: unknown) => void): void {
    const wait = { isRunning: true, cancel: () => void (wait.isRunning = false) };
    const again = (): void => {
      if (!wait.isRunning) return;
      try {
        if (!attempt()) return this.#broker.timers.atTickEnd(again);
      } catch (error) {
        failed(error);
      }
      wait.isRunning = false;
      this.#ended();
    };
    this.#wait = wait;
    this.#broker.timers.atTickEnd(again);
  }

  #ended(): void {
    this.#wait = null;
    this.#goOn();
  }

  /** The connection is gone. */
  cancel(): void {
    this.#wait?.cancel();
  }
}
