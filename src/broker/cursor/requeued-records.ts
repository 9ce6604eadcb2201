/**
 * The records that consumers of a shared cursor gave back: they go out again, lowest offset first.
 *
 * Not here: who held them and how often (pending-table.ts). Invariant: `count` of the pending records have `requeuedOwner`;
 * the heap may also have offsets of records that were settled or removed meanwhile, which are passed over.
 */
import type { Log } from "../../storage/index.ts";
import { OffsetHeap } from "./offset-heap.ts";
import { type PendingTable, requeuedOwner } from "./pending-table.ts";

export class RequeuedRecords {
  readonly #log: Log;
  readonly #pending: PendingTable;
  readonly #offsets = new OffsetHeap();
  count = 0;

  constructor(log: Log, pending: PendingTable) {
    this.#log = log;
    this.#pending = pending;
  }

  /** A consumer gave it back. */
  add(offset: number): void {
    this.#offsets.push(offset);
    this.count++;
  }

  /** Whether one is there to be given out: it is `lowest`. */
  get isReady(): boolean {
    const offsets = this.#offsets;
    if (offsets.size === 0) return false;
    const pending = this.#pending;
    while (offsets.size > 0 && pending.ownerOf(offsets.lowest) !== requeuedOwner) offsets.pop();
    while (offsets.size > 0 && this.#log.removed.has(offsets.lowest)) {
      this.count--;
      pending.clear(offsets.pop());
    }
    return offsets.size > 0;
  }

  /** Only when `isReady`. */
  get lowest(): number {
    return this.#offsets.lowest;
  }

  /** Takes the lowest out to be given to somebody; only when `isReady`. */
  take(): number {
    this.count--;
    return this.#offsets.pop();
  }

  /** All of them are done with. */
  forget(): void {
    const offsets = this.#offsets;
    while (offsets.size > 0) {
      const offset = offsets.pop();
      if (this.#pending.ownerOf(offset) === requeuedOwner) this.#pending.clear(offset);
    }
    this.count = 0;
  }
}
