/**
 * Large values that were dropped: they take memory until their blocks are given back, some of them in each turn.
 *
 * Not here: when a turn is. Invariant: what is in here is in no database.
 */
import type { LargeValue } from "./large-value.ts";

export class Graves {
  readonly #lists: (LargeValue | null)[][] = [];

  /** Values, or databases of them. */
  get count(): number {
    return this.#lists.length;
  }

  get isEmpty(): boolean {
    return this.#lists.length === 0;
  }

  bury(value: LargeValue): void {
    this.#lists.push([value]);
  }

  /** Those of a whole database at once, however many. */
  buryAll(values: (LargeValue | null)[]): void {
    if (values.length > 0) this.#lists.push(values);
  }

  /** Gives back up to `blocks` blocks; returns how many. A look at a value that is none counts as well. */
  freeSome(blocks: number): number {
    let freed = 0;
    while (freed < blocks) {
      const list = this.#lists.at(-1);
      if (list === undefined) break;
      const value = list.at(-1);
      if (value === undefined) {
        this.#lists.pop();
        continue;
      }
      const given = value === null ? 0 : value.freeSome(blocks - freed);
      freed += Math.max(given, 1);
      if (given === 0) list.pop();
    }
    return freed;
  }
}
