/**
 * A user's right to write to one stream, which one operator gives and takes: what it may be, given what was answered.
 *
 * What is answered about users is durable. Not here: the requests (actors/rights.ts). Invariant: the true state is among
 * those that are possible.
 */
import { type Crash, Fault, type Promises } from "../model.ts";
import { Uncertain } from "./uncertain.ts";

/** `none`: there is no such user. */
export type Right = "none" | "taken" | "given";

export class RightModel {
  readonly name: string;
  readonly #state: Uncertain<Right>;
  isDamaged = false;

  constructor(name: string, promises: Promises) {
    this.name = name;
    this.#state = new Uncertain<Right>("none", promises);
  }

  /** Whether a write may be taken now: what is sent otherwise must never be seen. */
  get mayBeGiven(): boolean {
    return this.isDamaged || this.#state.possible.includes("given");
  }

  changed(right: Right): void {
    this.#state.settle([right], "durable");
  }

  mayHaveChanged(right: Right): void {
    this.#state.maybe([right]);
  }

  /** A request was answered as it is in these states only. What is seen is written, and no more durable than it was. */
  seen(what: string, rights: readonly Right[]): void {
    if (this.isDamaged) return;
    const { possible } = this.#state;
    const left = possible.filter((right) => rights.includes(right));
    if (left.length === 0)
      throw new Fault(`${this.name}: ${what}, but the right is ${possible.join(" or ")}`);
    if (left.length < possible.length) this.#state.settle(left);
  }

  crashed(crash: Crash): void {
    this.#state.crashed(crash);
  }
}
