/**
 * What may be true of one thing, given what its only client was told: all states that it can be in.
 *
 * An answer leaves those states that agree with it; an operation without an answer adds those that it would have led to; a
 * power failure brings back those since the last one that is surely durable. Knows nothing of what the states are.
 * Invariant: the thing's true state is among `possible`.
 */
import type { Crash, Level, Promises } from "../model.ts";

interface Told<State> {
  readonly number: number;
  readonly level: Level;
  readonly possible: readonly State[];
}

export class Uncertain<State> {
  possible: readonly State[];
  readonly #promises: Promises;
  /** What was told, from the last that is surely durable on. */
  #told: Told<State>[];

  constructor(first: State, promises: Promises) {
    this.possible = [first];
    this.#promises = promises;
    this.#told = [{ number: 0, level: "durable", possible: this.possible }];
  }

  /** An answer: it is in one of these states, and that is written, or durable. */
  settle(possible: readonly State[], level: Level = "written"): void {
    this.possible = distinct(possible);
    this.#told.push({ number: this.#promises.number(), level, possible: this.possible });
    this.#told.splice(0, this.#lastDurable);
  }

  /** There was no answer: it may be in one of these states as well. */
  maybe(possible: readonly State[]): void {
    this.possible = distinct([...this.possible, ...possible]);
    const { number, level } = this.#told.pop()!;
    this.#told.push({ number, level, possible: this.possible });
  }

  /** Nobody was told, but all know: what it can be has changed, as when a connection is gone. */
  become(change: (possible: readonly State[]) => readonly State[]): void {
    this.possible = distinct(change(this.possible));
    const { number, level } = this.#told.pop()!;
    this.#told.push({ number, level, possible: this.possible });
  }

  get #lastDurable(): number {
    const isDurable = ({ number, level }: Told<State>): boolean =>
      this.#promises.survives(number, level, "power");
    return Math.max(this.#told.findLastIndex(isDurable), 0);
  }

  crashed(crash: Crash): void {
    if (crash === "kill") return;
    const since = this.#told.slice(this.#lastDurable).flatMap(({ possible }) => possible);
    this.maybe(since);
    // What is there after a start is durable, whatever it is.
    this.#told = [{ number: 0, level: "durable", possible: this.possible }];
  }
}

/** States are plain values of few fields. */
function distinct<State>(states: readonly State[]): State[] {
  if (states.length < 2) return [...states];
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
}
