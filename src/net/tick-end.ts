/**
 * What is to run at a tick's end, gathered behind one immediate of the runtime, which costs more than most of the actions do.
 *
 * Not here: what a tick is (broker/ticker.ts). Invariants: actions run once, in the order in which they were given; one that is given
 * while they run is the next tick's; one that throws keeps no other from running.
 */
export class TickEnd {
  readonly #immediate: (run: () => void) => void;
  #actions: (() => void)[] = [];
  /** Empty: the array of the next tick. */
  #spare: (() => void)[] = [];
  readonly #run = (): void => {
    const due = this.#actions;
    this.#actions = this.#spare;
    let at = 0;
    try {
      while (at < due.length) due[at++]!();
    } finally {
      if (at < due.length) this.#putBack(due.slice(at));
      due.length = 0;
      this.#spare = due;
    }
  };

  /** @param immediate has the runtime call `run` once the input that is ready has been handled */
  constructor(immediate: (run: () => void) => void) {
    this.#immediate = immediate;
  }

  add(action: () => void): void {
    if (this.#actions.push(action) === 1) this.#immediate(this.#run);
  }

  /** In front of what has come meanwhile. */
  #putBack(rest: (() => void)[]): void {
    if (this.#actions.length === 0) this.#immediate(this.#run);
    this.#actions = [...rest, ...this.#actions];
  }
}
