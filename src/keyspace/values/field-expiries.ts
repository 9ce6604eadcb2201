/**
 * When the fields of one large hash expire: those that have an expiry, with their times in order.
 *
 * It is a sorted set of its own beside the table of the hash: a field with an expiry has its name in both. So a hash without
 * expiries has no byte more, the first expiry in a hash of a million fields moves nothing, and the fields that are due are found
 * without a look at the others. Not here: the fields' values, the journal, who removes what is due (hash-changes.ts).
 * Invariants: each name in here is a field of the hash; `earliest` is the least time.
 */
import type { Arena } from "../arena.ts";
import { ElementTable } from "./element-table.ts";
import { LargeSortedSet } from "./sorted/large-sorted-set.ts";

export interface ExpiriesOptions {
  readonly arena: Arena;
  readonly seed: number;
  readonly segmentBytesMax: number;
}

export class FieldExpiries {
  readonly #times: LargeSortedSet;
  /** The least time, wall time in ms; Infinity without fields. */
  earliest = Infinity;
  /** Fields whose time is not after this are hidden: they are as good as gone. */
  hiddenUntil = 0;
  /** Somebody removes what is due, over several turns. */
  isBeingSwept = false;
  /** The field that `first` found: `bytes[start, end)`. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  constructor({ arena, seed, segmentBytesMax }: ExpiriesOptions, times?: LargeSortedSet) {
    // Not in the usage of the database: the journal has a field's time in the record of the field.
    this.#times =
      times ??
      new LargeSortedSet(arena, new ElementTable({ arena, seed, segmentBytesMax, usage: { bytes: 0 } }));
    this.#options = { arena, seed, segmentBytesMax };
  }

  readonly #options: ExpiriesOptions;

  get count(): number {
    return this.#times.count;
  }

  get heldBytes(): number {
    return this.#times.heldBytes;
  }

  /** When a field expires; 0 for never. */
  of(field: Uint8Array, start: number, end: number): number {
    const times = this.#times;
    const ref = times.find(field, start, end);
    return ref === 0 ? 0 : times.scoreOf(ref);
  }

  /** Whether some fields are hidden, so that each one must be asked after. */
  get hidesSome(): boolean {
    return this.earliest <= this.hiddenUntil;
  }

  hides(field: Uint8Array, start: number, end: number): boolean {
    if (!this.hidesSome) return false;
    const at = this.of(field, start, end);
    return at !== 0 && at <= this.hiddenUntil;
  }

  /** Has a field expire at that wall time, ms; 0 for never. */
  set(at: number, field: Uint8Array, start: number, end: number): void {
    const times = this.#times;
    if (at !== 0) {
      const before = this.of(field, start, end);
      times.set(at, field, start, end);
      if (at <= this.earliest) this.earliest = at;
      else if (before === this.earliest) this.#seekEarliest();
      return;
    }
    const ref = times.find(field, start, end);
    if (ref === 0) return;
    const before = times.scoreOf(ref);
    times.remove(ref);
    if (before === this.earliest) this.#seekEarliest();
  }

  #seekEarliest(): void {
    const { tree } = this.#times;
    tree.seek(0);
    this.earliest = tree.next() ? tree.score : Infinity;
  }

  /** Finds the field that expires first. There must be one. */
  first(): void {
    const { tree, elements } = this.#times;
    tree.seek(0);
    tree.next();
    elements.locateKey(tree.ref);
    this.bytes = elements.bytes;
    this.start = elements.start;
    this.end = elements.end;
  }

  copy(): FieldExpiries {
    const copied = new FieldExpiries(this.#options, this.#times.copy({ bytes: 0 }));
    copied.earliest = this.earliest;
    copied.hiddenUntil = this.hiddenUntil;
    return copied;
  }

  moveSome(cursor: number, most: number): number {
    return this.#times.moveSome(cursor, most);
  }

  freeSome(blocks: number): number {
    return blocks > 0 ? this.#times.freeSome(blocks) : 0;
  }
}
