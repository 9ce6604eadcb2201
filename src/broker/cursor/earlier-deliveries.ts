/**
 * Which records of a queue had been given out when the process ended, and how often: they are given out again, marked.
 *
 * Not here: who held them, which nobody knows any more. Invariant: a count is kept only where a record was given back before,
 * or was held when the process ended; one of which nothing is kept was given out once.
 */
import type { ByteWriter } from "../../base/bytes.ts";
import type { Log } from "../../storage/index.ts";
import { encodeReturned } from "./cursor-form.ts";
import type { PendingTable } from "./pending-table.ts";

export class EarlierDeliveries {
  /** Records below were given out: they may have been seen. */
  below = 0;
  readonly #counts = new Map<number, number>();

  /** After replay: takes over what `pending` has of records that are still there. */
  restored(below: number, pending: PendingTable, log: Log): void {
    this.below = below;
    this.#counts.clear();
    pending.visit(0, Infinity, (offset) => {
      if (!log.removed.has(offset)) this.#counts.set(offset, pending.countOf(offset));
      return true;
    });
  }

  /** How often a record has been given out, counting the time that it is now, which is the first of this process. */
  countNow(offset: number): number {
    if (offset >= this.below) return 1;
    return (this.#counts.get(offset) ?? 1) + 1;
  }

  /** Writes `noted` for each record from offset `from` on of which a count is kept; returns how many there are. */
  encode(writer: ByteWriter, from: number, log: Log): number {
    let noted = 0;
    for (const [offset, count] of this.#counts) {
      if (offset < from || log.removed.has(offset)) continue;
      encodeReturned(writer, offset, count);
      noted++;
    }
    return noted;
  }
}
