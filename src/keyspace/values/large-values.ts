/**
 * The large values of one database, by numbers that never change while a value lives: the entries of their keys hold the
 * number, wherever they move.
 *
 * A value that is dropped is nobody's at once; its memory is given back later, in slices (graves.ts). Not here: what the
 * values are. Invariant: the entry that is noted for a number holds that number.
 */
import type { LargeValue, Usage } from "./large-value.ts";

export type ValueId = number;

export class LargeValues {
  readonly #values: (LargeValue | null)[] = [];
  readonly #entries: number[] = [];
  readonly #free: ValueId[] = [];
  /** Of all values, live bytes. */
  readonly usage: Usage = { bytes: 0 };

  /** Numbers are below this. */
  get end(): number {
    return this.#values.length;
  }

  get count(): number {
    return this.#values.length - this.#free.length;
  }

  /** `entry` is that of its key. */
  add(value: LargeValue, entry: number): ValueId {
    const id = this.#free.pop() ?? this.#values.length;
    this.#values[id] = value;
    this.#entries[id] = entry;
    return id;
  }

  get(id: ValueId): LargeValue {
    return this.#values[id]!;
  }

  /** The value of a number that may be free. */
  at(id: ValueId): LargeValue | null {
    return this.#values[id] ?? null;
  }

  entryOf(id: ValueId): number {
    return this.#entries[id]!;
  }

  /** The number is another key's from now on, or the key's entry has moved. */
  setEntry(id: ValueId, entry: number): void {
    this.#entries[id] = entry;
  }

  /** The number is free: its value is the caller's, and counts here no more. */
  take(id: ValueId): LargeValue {
    const value = this.#values[id]!;
    this.usage.bytes -= value.liveBytes;
    this.#values[id] = null;
    this.#free.push(id);
    return value;
  }

  /** All values, for the graves: the database has another table. */
  takeAll(): (LargeValue | null)[] {
    return this.#values.splice(0);
  }
}
