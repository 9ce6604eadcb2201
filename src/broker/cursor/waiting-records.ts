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

export class WaitingRecords {
  readonly #pending: PendingTable;
  count = 0;
  waitedBelow = 0;
  /** None that is to be given out again is below. */
  #againFrom = Infinity;
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
    if (owner === waitingOwner) this.#againFrom = Math.min(this.#againFrom, offset);
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
    this.#againFrom = Infinity;
  }

  /** Whether a record that is to be given out again stands before that one. What consumers hold before it is passed once. */
  isAnyBefore(next: number): boolean {
    const pending = this.#pending;
    while (this.#againFrom < next && pending.ownerOf(this.#againFrom) !== waitingOwner) {
      const following = pending.next(this.#againFrom + 1);
      this.#againFrom = following < 0 ? Infinity : following;
    }
    return this.#againFrom < next;
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
    this.#againFrom = this.count === 0 ? Infinity : 0;
  }
}
