/**
 * What may be in bounded queues, given what their only client was told (models/bounds.ts says what a request does).
 *
 * Invariant: the true state is among those that are possible, or an answer shows that it is not, which is a fault.
 */
import { type Crash, Fault, type Level, type Promises } from "../model.ts";
import { type Bounds, type BoundsState, type Change, noItems, released } from "./bounds.ts";
import { Uncertain } from "./uncertain.ts";

/** Of several steps, the last that changes anything, from their end: behind it comes a count. */
export const stepsLast = 2;

/** One of several requests that are carried out one after the other. */
export interface Step {
  readonly what: string;
  readonly change: Change;
}

export class BoundsHistory {
  readonly bounds: Bounds;
  readonly #state: Uncertain<BoundsState>;
  /** Sent, and not answered yet. */
  #underWay: readonly Step[] = [];
  /** Main's consumer went meanwhile: before or after any of the steps. */
  #isReleasing = false;
  isDamaged = false;

  constructor(bounds: Bounds, promises: Promises) {
    this.bounds = bounds;
    this.#state = new Uncertain(noItems, promises);
  }

  get possible(): readonly BoundsState[] {
    return this.#state.possible;
  }

  begin(steps: readonly Step[]): void {
    this.#underWay = steps;
  }

  /**
   * Each step had this answer. The broker has done all that it does by itself, unless it takes several ticks for it. `level` is that of
   * the last step that changes anything: what the broker has done since, and the count shows, is written.
   */
  answered(answers: readonly (string | number)[], level: Level): void {
    const steps = this.#underWay;
    let states = [...this.possible];
    steps.forEach(({ what, change }, i) => {
      const outcomes = this.#withMoves(states).map(change);
      const next = outcomes.filter(([, answer]) => answer === answers[i]).map(([state]) => state);
      if (next.length === 0 && !this.isDamaged) {
        const expected = [...new Set(outcomes.map(([, answer]) => answer))].join(" or ");
        throw new Fault(
          `${what} was answered ${answers[i]}, not ${expected}, where there is ${states.map(describe).join(" or ")}`,
        );
      }
      states = next;
      // A power failure may go back to between two steps, which may have come in two ticks.
      const isLast = i === Math.max(steps.length - stepsLast, 0);
      if (states.length > 0) this.#state.settle(this.#withMoves(states), isLast ? level : "written");
    });
    if (states.length > 0) this.#state.settle(this.#atRest(states), "written");
    this.#end();
  }

  #end(): void {
    this.#underWay = [];
    if (!this.#isReleasing) return;
    this.#isReleasing = false;
    this.consumerGone();
  }

  /** Nobody will answer: the first of the steps may have been done, up to any of them. */
  unanswered(): void {
    const steps = this.#underWay;
    let states = [...this.possible];
    for (const { change } of steps) {
      states = this.#withMoves(states).map((state) => change(state)[0]);
      this.#state.maybe(this.#withMoves(states));
    }
    this.#end();
  }

  /** Main's consumer got an item. */
  delivered(number: number): void {
    const holding = this.possible.filter((state) =>
      state.queues.main.some((item) => item.number === number && item.isHeld),
    );
    if (holding.length > 0) this.#state.settle(holding);
    else if (!this.isDamaged)
      throw new Fault(`${number} was delivered, where there is ${this.possible.map(describe).join(" or ")}`);
  }

  consumerGone(): void {
    if (this.#underWay.length > 0) this.#isReleasing = true;
    else this.#state.become((states) => states.map(released));
  }

  crashed(crash: Crash): void {
    this.unanswered();
    this.#state.crashed(crash);
    this.consumerGone();
    this.#state.become((states) => this.#withMoves(states));
  }

  /** With all that they can become by themselves. */
  #withMoves(states: readonly BoundsState[]): BoundsState[] {
    const all = new Map(states.map((state) => [JSON.stringify(state), state]));
    for (const state of all.values()) {
      const moved = this.bounds.movedOn(state);
      for (const next of this.#isReleasing ? [...moved, released(state)] : moved)
        all.set(JSON.stringify(next), next);
    }
    return [...all.values()];
  }

  /** With a tick's end behind them. */
  #atRest(states: readonly BoundsState[]): BoundsState[] {
    if (this.bounds.topology.passing === "expired") return this.#withMoves(states);
    return this.#withMoves(states).filter(
      ({ queues }) => queues.first.length === 0 && queues.second.length === 0,
    );
  }
}

function describe({ queues, hasBridge, prefetch }: BoundsState): string {
  const texts = Object.entries(queues).map(([name, items]) => {
    const numbers = items.map(({ number, size, isHeld }) => `${number}${isHeld ? " held" : ""} (${size})`);
    return `${name} [${numbers.join(", ")}]`;
  });
  return `${texts.join(" ")}, prefetch ${prefetch}${hasBridge ? "" : ", no bridge"}`;
}
