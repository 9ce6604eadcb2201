/**
 * The time by which keys, their fields and streams are due. It stands still while a command, a transaction or a script is at work, as in redis
 * 7.0: what was there at its first look is there at its last one, however long it takes.
 *
 * Not here: times that clients are told or count from (`CommandContext.now`): in redis 7.0 these go on within a script. Invariant: outside of
 * commands the time is that of the clock.
 */
import type { Clock } from "../base/clock.ts";
import { type Job, slicesWithin } from "../base/turn-work.ts";

/** As `Moment.at`: nobody is at work. */
const running = -1;

export class Moment {
  /** Where the time stands still; 0: where the next look finds it. Whoever sets it sets it back. */
  at = running;
  clock: Pick<Clock, "now"> | null = null;

  get now(): number {
    const { at } = this;
    if (at > 0) return at;
    const now = this.clock!.now();
    if (at === 0) this.at = now;
    return now;
  }

  /** Has the time stand still from here on, for a command that may take long before its first look. */
  fix(): void {
    void this.now;
  }

  /** The same job, in each slice of which the time stands still: at `at`, or where the slice finds it. */
  within<Result>(job: Job<Result>, at = 0): Job<Result> {
    const enter = (): number => {
      const before = this.at;
      this.at = at;
      return before;
    };
    return slicesWithin(job, enter, (before) => void (this.at = before));
  }
}
