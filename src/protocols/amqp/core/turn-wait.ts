/**
 * What the frames of a connection wait for: a turn that has units, or a method that takes many turns.
 *
 * Not here: the frames (session.ts). Invariant: `goOn` is called once for each wait, or never after `cancel`, and never
 * while something is waited for.
 */
import type { Broker } from "../../../broker/broker.ts";
import type { Job, RunningJob } from "../../../base/turn-work.ts";

function* nothing(): Job<void> {}

export class TurnWait {
  readonly #broker: Broker;
  readonly #goOn: () => void;
  #wait: RunningJob | null = null;

  /** `goOn` takes the frames that waited. */
  constructor(broker: Broker, goOn: () => void) {
    this.#broker = broker;
    this.#goOn = goOn;
  }

  get isWaiting(): boolean {
    return this.#wait !== null;
  }

  /** What is left goes on in the next turn, so that others are served between its frames. */
  nextTurn(): void {
    this.#wait = this.#broker.work.run(nothing(), () => this.#ended());
  }

  /** Waits for a job, unless it ends at once. `failed` gets what it throws. */
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

  /** Tries at the end of each tick, until `attempt` says that it is done. `failed` gets what it throws. */
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
