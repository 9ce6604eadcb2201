/**
 * The records of a queue that consumers have rejected and that come again: each waits for its time, then it is given out before new ones.
 *
 * While it waits, the queue's cursor has it as held by `waitingOwner`, since the time at which it is due. So it survives a restart as
 * delivery counts do, and takes 20 bytes in the timers beside them. Not here: what becomes of it then (rejection.ts), for how long it
 * waits (retry-policy.ts), Redis's groups (groups/retries.ts).
 * Invariants: a record that waits is not given out before its time, by the wall clock; it is in the log and ready for nobody.
 */
import type { Job } from "../../base/turn-work.ts";
import { waitingOwner } from "../cursor/pending-table.ts";
import type { QueueCursor } from "../cursor/queue-cursor.ts";
import type { TimedOwner, WallTimers } from "../schedule/timers.ts";

/** What waiting costs: a record that is looked at, one that comes again or is dead-lettered. */
const lookedAtOnce = 64;
const unitsOfLooks = 32;
const unitsOfAgain = 2;

export class QueueRetries implements TimedOwner {
  readonly #cursor: QueueCursor;
  readonly #timers: WallTimers;
  readonly #number: number;
  readonly #comesAgain: (offset: number) => void;
  #isClosed = false;

  /** `comesAgain` is called with a record whose time has come, which waits no more. It does not throw. */
  constructor(cursor: QueueCursor, timers: WallTimers, comesAgain: (offset: number) => void) {
    this.#cursor = cursor;
    this.#timers = timers;
    this.#comesAgain = comesAgain;
    this.#number = timers.addOwner(this);
    cursor.waitingGone = () => timers.becameStale(this.#number);
  }

  /** The queue is gone. */
  close(): void {
    this.#isClosed = true;
    this.#timers.removeOwner(this.#number);
  }

  /** A record that is held comes again at that wall time, in ms. */
  wait(offset: number, at: number): void {
    this.#cursor.wait(offset, at);
    this.#timers.add(at, this.#number, offset);
  }

  /** What waited already at the start, in slices. */
  *restore(): Job<void> {
    const { pending } = this.#cursor;
    let looked = 0;
    for (let offset = pending.next(0); offset >= 0 && !this.#isClosed; offset = pending.next(offset + 1)) {
      if (this.#isWaiting(offset)) this.#timers.add(pending.timeOf(offset), this.#number, offset);
      if (++looked % lookedAtOnce === 0) yield unitsOfLooks;
    }
  }

  /** All that wait have done so: `ended` gets each. */
  endAll(ended: (offset: number) => void): void {
    const { pending } = this.#cursor;
    for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
      if (!this.#isWaiting(offset)) continue;
      this.#timers.becameStale(this.#number);
      this.#cursor.endWait(offset);
      ended(offset);
    }
  }

  #isWaiting(offset: number): boolean {
    return this.#cursor.pending.ownerOf(offset) === waitingOwner;
  }

  isWanted(offset: number, at: number): boolean {
    return this.#isWaiting(offset) && this.#cursor.pending.timeOf(offset) <= at;
  }

  due(offset: number, at: number): number {
    if (!this.isWanted(offset, at)) return 0;
    this.#cursor.endWait(offset);
    this.#comesAgain(offset);
    return unitsOfAgain;
  }
}
