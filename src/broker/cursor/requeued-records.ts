/**
 * The records that consumers of a queue gave back: they go out again, lowest offset first; or, as RabbitMQ's quorum
 * queues have it, in the order in which they were given back; or by their priority.
 *
 * Not here: who held them and how often (pending-table.ts). Invariant: `count` of the pending records have `requeuedOwner`;
 * the list may also have offsets of records that were settled or removed meanwhile, which are passed over.
 */
import type { Log } from "../../storage/index.ts";
import { OffsetHeap, type OffsetQueue, OffsetRing } from "./offset-heap.ts";
import { type PendingTable, requeuedOwner } from "./pending-table.ts";
import { OffsetsByPriority, type PriorityOrder } from "./priority-order.ts";

export class RequeuedRecords {
  readonly #log: Log;
  readonly #pending: PendingTable;
  #offsets: OffsetQueue = new OffsetHeap();
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

  /** Before anything is given back. */
  keepOrder(): void {
    this.#offsets = new OffsetRing();
  }

  /** Before anything is given back. */
  sortBy(order: PriorityOrder): void {
    this.#offsets = new OffsetsByPriority(order);
  }

  /** Whether one is there to be given out: it is `first`. */
  get isReady(): boolean {
    const offsets = this.#offsets;
    const pending = this.#pending;
    while (offsets.size > 0) {
      if (pending.ownerOf(offsets.first) !== requeuedOwner) offsets.pop();
      else if (this.#log.removed.has(offsets.first)) {
        this.count--;
        pending.clear(offsets.pop());
      } else return true;
    }
    return false;
  }

  /** Only when `isReady`. */
  get first(): number {
    return this.#offsets.first;
  }

  /** Takes the first out to be given to somebody; only when `isReady`. */
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
