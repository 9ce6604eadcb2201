/**
 * Deletes a queue that nobody has used for as long as its policy's `expires` says.
 *
 * Not here: what counts as use (the queue tells `used`). Invariant: at most one timer runs, and only where the policy expires.
 */
import type { Clock, Timer, Timers } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";

export interface IdleExpiryOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** After so many ms without use the queue is deleted; undefined: never. */
  readonly expiresMs: () => number | undefined;
  readonly isInUse: () => boolean;
  /** Deletes the queue; does nothing if it is deleted already. */
  readonly expire: () => void;
}

export class IdleExpiry {
  readonly #options: IdleExpiryOptions;
  #usedAt = 0;
  #timer: Timer | null = null;

  constructor(options: IdleExpiryOptions) {
    this.#options = options;
    this.restart();
  }

  used(): void {
    if (this.#timer !== null) this.#usedAt = this.#options.clock.monotonic();
  }

  /** The policy has changed: the time counts from now, as in RabbitMQ. */
  restart(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const expiresMs = this.#options.expiresMs();
    if (expiresMs === undefined) return;
    this.#usedAt = this.#options.clock.monotonic();
    this.#wait(expiresMs);
  }

  #wait(delayMs: number): void {
    const { clock, timers, expiresMs, isInUse, expire } = this.#options;
    this.#timer = timers.after(Math.min(delayMs, limits.timerMsMax), () => {
      if (isInUse()) this.used();
      const left = this.#usedAt + expiresMs()! - clock.monotonic();
      if (left <= 0) {
        this.#timer = null;
        expire();
      } else this.#wait(Math.ceil(left));
    });
  }
}
