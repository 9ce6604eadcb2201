/**
 * Since when the entry of a group is pending that is so for longest: what XREADGROUP's CLAIM asks before it looks for idle entries, so that a
 * hundred readers that wait for these cost nothing while there are none.
 *
 * It is known by a look at all pending entries, a job in slices where they are many. Not here: which entries are claimed. Invariant: no entry
 * is pending since before `time`; where the oldest was acknowledged, the others may all be younger.
 */
import { type Job, Piece, type RunningJob, type TurnWork } from "../../base/turn-work.ts";
import type { PendingTable } from "../cursor/pending-table.ts";

/** One that is pending is looked at. */
export const unitsOfPendingLook = 0.025;

export class OldestPending {
  /** Wall time, ms. -Infinity while it is not known. */
  time = -Infinity;
  /** Where the next look for idle entries begins, in a group that has too many pending for one look. */
  from = 0;
  /** Of the look at all that is at work; nothing is older than that without one. */
  #found = -Infinity;
  #run: RunningJob | null = null;

  get isLooking(): boolean {
    return this.#run !== null;
  }

  /** An entry is pending since `time` from now on. */
  note(time: number): void {
    if (time < this.time) this.time = time;
    if (time < this.#found) this.#found = time;
  }

  /** All were looked at, in this turn. */
  seen(time: number): void {
    this.time = time;
  }

  /** Looks at all, at once or in the next turns; then the oldest is where the next look for idle entries begins. */
  look(pending: PendingTable, work: TurnWork): void {
    if (this.#run !== null) return;
    let isOver = false;
    const run = work.run(this.#looking(pending), () => {
      isOver = true;
      this.#run = null;
      this.time = this.#found;
      this.#found = -Infinity;
    });
    if (!isOver) this.#run = run;
  }

  *#looking(pending: PendingTable): Job<void> {
    const piece = new Piece();
    let oldestAt = 0;
    this.#found = Infinity;
    for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
      const time = pending.timeOf(offset);
      if (time < this.#found) {
        this.#found = time;
        oldestAt = offset;
      }
      const due = piece.add(unitsOfPendingLook);
      if (due > 0) yield due;
    }
    this.from = oldestAt;
  }
}
