/**
 * Which records of a queue had been given out when the process ended, and how often: they are given out again, marked.
 *
 * Not here: who held them, which nobody knows any more. Invariant: a count is kept only where a record was given back before,
 * or was held when the process ended; one of which nothing is kept was given out once.
 */
import type { ByteWriter } from "../../base/bytes.ts";
import type { Log } from "../../storage/index.ts";
import { encodeReturned } from "./cursor-form.ts";
import { isWaitingOwner, noOwner, PendingTable, requeuedOwner } from "./pending-table.ts";

export class EarlierDeliveries {
  /** Records below were given out: they may have been seen. */
  below = 0;
  /** Of those that have not been given out again. */
  readonly #counts = new PendingTable();

  /** After replay: takes over what `pending` has of records that are still there, and do not wait for a later time. */
  restored(below: number, pending: PendingTable, log: Log): void {
    this.below = below;
    this.#counts.reset();
    pending.visit(0, Infinity, (offset) => {
      const isWaiting = isWaitingOwner(pending.ownerOf(offset));
      if (!isWaiting && !log.removed.has(offset))
        this.#counts.set(offset, requeuedOwner, pending.countOf(offset), 0);
      return true;
    });
  }

  /** How often a record has been given out, counting the time that it is now, which is the first of this process. */
  countNow(offset: number): number {
    const counts = this.#counts;
    if (counts.size === 0) return offset < this.below ? 2 : 1;
    const count = counts.countOf(offset);
    if (counts.clear(offset) !== noOwner) return count + 1;
    return offset < this.below ? 2 : 1;
  }

  /** How often a record that has not been given out in this process was given out before. Changes nothing. */
  countOf(offset: number): number {
    const count = this.#counts.countOf(offset);
    return count > 0 || offset >= this.below ? count : 1;
  }

  /** Writes `noted` for each record of which a count is kept; returns how many there are. */
  encode(writer: ByteWriter, log: Log): number {
    let noted = 0;
    this.#counts.visit(log.firstOffset, Infinity, (offset) => {
      if (log.removed.has(offset)) return true;
      encodeReturned(writer, offset, this.#counts.countOf(offset));
      noted++;
      return true;
    });
    return noted;
  }
}
