/**
 * The records of a queue that wait for a later time: to be given out again, or for a place among the dead letters.
 *
 * Which these are stands in the cursor's table of pending records: held by an owner that is no consumer, since the time at which they are
 * due. Not here: when they are due, and what becomes of them then (retry/). Invariants: `count` of the pending records have such an owner;
 * below `waitedBelow` are all that waited at the start, which `next` of the cursor has still to pass.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { Log } from "../../storage/index.ts";
import { isWaitingOwner, noOwner, type PendingTable, waitingOwner } from "./pending-table.ts";
import type { PriorityOrder } from "./priority-order.ts";

export class WaitingRecords {
  readonly #pending: PendingTable;
  count = 0;
  waitedBelow = 0;
  /** Called when one of them is settled: it waits no more, and not because its time has come. */
  onSettled: (() => void) | null = null;

  constructor(pending: PendingTable) {
    this.#pending = pending;
  }

  /** A held record waits until that wall time, in ms; why is `owner`. */
  begin(offset: number, at: number, owner: number): void {
    const pending = this.#pending;
    if (assertsAreOn) {
      assertInvariant(pending.ownerOf(offset) > noOwner, "a record that waits was held");
      assertInvariant(isWaitingOwner(owner), "a record that waits is held by no consumer");
    }
    pending.set(offset, owner, pending.countOf(offset), at);
    this.count++;
  }

  /** The time has come: `holder` has the record now. Returns why it waited. */
  end(offset: number, holder: number): number {
    const pending = this.#pending;
    const owner = pending.ownerOf(offset);
    pending.set(offset, holder, pending.countOf(offset), 0);
    this.count--;
    return owner;
  }

  settled(): void {
    this.count--;
    this.onSettled?.();
  }

  /** All are as if nobody had ever had them. */
  forget(): void {
    const pending = this.#pending;
    if (this.count === 0) return;
    pending.visit(0, Infinity, (offset) => {
      if (isWaitingOwner(pending.ownerOf(offset))) pending.clear(offset);
      return true;
    });
    this.count = 0;
  }

  /** Whether a record that is to be given out again stands before that one. */
  isAnyBefore(next: number, order: PriorityOrder | null): boolean {
    const pending = this.#pending;
    let isAny = false;
    pending.visit(0, order === null ? next : Infinity, (offset) => {
      if (pending.ownerOf(offset) === waitingOwner) isAny = order === null || order.isBefore(offset, next);
      return !isAny;
    });
    return isAny;
  }

  /** After replay: what waited goes on waiting, nothing else is pending. */
  restored(log: Log): void {
    const pending = this.#pending;
    pending.visit(0, Infinity, (offset) => {
      if (isWaitingOwner(pending.ownerOf(offset)) && !log.removed.has(offset)) this.waitedBelow = offset + 1;
      else pending.clear(offset);
      return true;
    });
    this.count = pending.size;
  }
}
