/**
 * Why the requests that a connection has sent wait though no reply is still to come: the turn has no units of work left, or a command has
 * waited for data.
 *
 * Not here: running requests (../session.ts). Invariant: while `isHeld` says so, `resume` is still to be called, or the connection ends.
 */
import type { RunningJob, Job } from "../../../base/turn-work.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Connection } from "../../contract.ts";

function* nothing(): Job<void> {}

export class PipelineHold {
  readonly #broker: Broker;
  readonly #connection: Connection;
  readonly #resume: () => void;
  #turnWait: RunningJob | null = null;
  #isForTickEnd = false;

  constructor(broker: Broker, connection: Connection, resume: () => void) {
    this.#broker = broker;
    this.#connection = connection;
    this.#resume = resume;
  }

  get isHeld(): boolean {
    return this.#turnWait !== null || this.#isForTickEnd;
  }

  /** Goes on in the next turn, so that other clients are served in between. */
  untilNextTurn(): void {
    this.#turnWait = this.#broker.work.run(nothing(), () => {
      this.#turnWait = null;
      this.#goOn();
    });
  }

  /**
   * Goes on when the tick ends: a command that has waited is answered while others are served, or within the command of another
   * connection (CLIENT UNBLOCK), and what is behind it must not run there.
   */
  untilTickEnd(): void {
    this.#isForTickEnd = true;
    const { timers, work } = this.#broker;
    timers.atTickEnd(() => {
      this.#isForTickEnd = false;
      if (this.#connection.isClosed) return;
      if (work.isSpent) this.untilNextTurn();
      else this.#goOn();
    });
  }

  #goOn(): void {
    const connection = this.#connection;
    connection.answerTo(connection.answerMark, this.#resume);
  }

  cancel(): void {
    this.#turnWait?.cancel();
    this.#turnWait = null;
  }
}
