/**
 * A log that is made, written to and deleted by clients of all protocols, one request at a time: what may be in it.
 *
 * Not here: the requests (actors/passing-log.ts). Invariant: its true state is among those that are possible.
 */
import { type Crash, Fault, type Level, type Promises } from "../model.ts";
import { Uncertain } from "./uncertain.ts";

/** The numbers of its records, in order; null: there is no such log. */
export type Records = readonly number[] | null;

/** What a request makes of a log; undefined for one of which it would have been answered otherwise. */
export type Outcome = (records: Records) => Records | undefined;

export class PassingLog {
  readonly name: string;
  readonly #state: Uncertain<Records>;
  /** Bytes of files were damaged: any of its records may be gone, or there again. */
  isDamaged = false;

  constructor(name: string, promises: Promises) {
    this.name = name;
    this.#state = new Uncertain<Records>(null, promises);
  }

  /** How many records it has, at most. */
  get length(): number {
    return Math.max(...this.#state.possible.map((records) => records?.length ?? 0));
  }

  /** A request was answered. */
  answered(what: string, outcome: Outcome, level: Level): void {
    const { possible } = this.#state;
    const next = possible.map(outcome).filter((records) => records !== undefined);
    if (next.length > 0) return this.#state.settle(next, level);
    if (!this.isDamaged)
      throw new Fault(`${this.name}: ${what}, but it has ${possible.map(describe).join(" or ")}`);
  }

  /** There was no answer: it may have been done. */
  unanswered(outcome: Outcome): void {
    this.#state.maybe(this.#state.possible.map(outcome).filter((records) => records !== undefined));
  }

  crashed(crash: Crash): void {
    this.#state.crashed(crash);
  }
}

function describe(records: Records): string {
  return records === null ? "been deleted" : `[${records.join(" ")}]`;
}
