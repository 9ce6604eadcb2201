/**
 * The end of a run: all was seen, something failed, or nothing moved any more, which ends the generator.
 *
 * Invariant: once it is over, nothing is watched.
 */
import { throwWhenStalled } from "../base/watch.ts";

/** After the last message that was expected, so long is waited for one too many. */
const lingerMs = 30;

export class Progress {
  readonly done: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  readonly #stopWatching: () => void;
  #isOver = false;

  /** @param count grows while the run goes on @param missing what a run that stalls still waits for */
  constructor(count: () => number, missing: () => string) {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#stopWatching = throwWhenStalled(count, missing);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  complete(): void {
    this.#isOver = true;
    this.#stopWatching();
    this.#resolve();
  }

  readonly fail = (error: unknown): void => {
    this.#isOver = true;
    this.#stopWatching();
    this.#reject(error);
  };
}

export function linger(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lingerMs));
}
