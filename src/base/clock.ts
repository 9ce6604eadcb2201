/**
 * Time as an input. Nothing outside `net/` (which makes the real ones) and the simulator touches `Date`,
 * `performance`, `setTimeout` or `setImmediate`.
 */
export interface Clock {
  /** Wall time in whole milliseconds since 1970; may jump. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
}

export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Runs `action` once, `delayMs` from now. The timer does not keep the process alive. */
  after(delayMs: number, action: () => void): Timer;
  /** Runs `action` after the input that is ready now has been handled: the end of the tick. */
  atTickEnd(action: () => void): void;
  /**
   * Frees now what nothing refers to any more: for who has dropped much memory outside of the JavaScript heap, which a runtime frees
   * only when it likes. Takes some tens of milliseconds. Not there where time is simulated.
   */
  collectGarbage?(): void;
}
