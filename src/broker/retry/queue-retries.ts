/**
 * The records of a queue that consumers have rejected and that come again: each waits for its time, then it is given out before new ones.
 *
 * While it waits, the queue's cursor has it as held by `waitingOwner`, since the time at which it is due; or by one of the owners that say
 * that it waits for a place among the dead letters. So it survives a restart as
 * delivery counts do, and takes 20 bytes in the timers beside them. Not here: what becomes of it then (rejection.ts), for how long it
 * waits (retry-policy.ts), Redis's groups (groups/retries.ts).
 * Invariants: a record that waits is not given out before its time, by the wall clock; it is in the log and ready for nobody.
 */
import type { Job } from "../../base/turn-work.ts";
import { isWaitingOwner } from "../cursor/pending-table.ts";
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
  readonly #comesAgain: (offset: number, owner: number) => void;
  #isClosed = false;

  /** `comesAgain` is called with a record whose time has come, which waits no more, and why it waited. It does not throw. */
  constructor(cursor: QueueCursor, timers: WallTimers, comesAgain: (offset: number, owner: number) => void) {
    this.#cursor = cursor;
    this.#timers = timers;
    this.#comesAgain = comesAgain;
    this.#number = timers.addOwner(this);
    cursor.waiting.onSettled = () => timers.becameStale(this.#number);
  }

  /** The queue is gone. */
  close(): void {
    this.#isClosed = true;
    this.#timers.removeOwner(this.#number);
  }

  /** A record that is held waits until that wall time, in ms; why is `owner`. */
  wait(offset: number, at: number, owner: number): void {
    this.#cursor.wait(offset, at, owner);
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

  #isWaiting(offset: number): boolean {
    return isWaitingOwner(this.#cursor.pending.ownerOf(offset));
  }

  isWanted(offset: number, at: number): boolean {
    return this.#isWaiting(offset) && this.#cursor.pending.timeOf(offset) <= at;
  }

  due(offset: number, at: number): number {
    if (!this.isWanted(offset, at)) return 0;
    this.#comesAgain(offset, this.#cursor.endWait(offset));
    return unitsOfAgain;
  }
}
