/**
 * Slows guessing. After a few failures from one address at one user, that pair's attempts get turns, further apart with
 * each failure; an attempt whose turn would be too late is refused without being looked at.
 *
 * A right password waits for its turn as well: otherwise a guesser could tell it by its being quick, and hang up on the
 * rest. Others at the same address, and the same user elsewhere, do not notice. Users that do not exist are treated as those
 * that do: the time must not tell.
 * Invariants: an attempt counts as failed until it is known to be right; at most `pairsMax` pairs are remembered.
 */
import crypto from "node:crypto";
import type { Clock, Timers } from "../../base/clock.ts";

const freeFailures = 4;
const delayMsFirst = 100;
const delayMsMax = 2000;
/** Clients and AMQP's handshake give up after 10 s. */
const waitMsMax = 8000;
const forgottenAfterMs = 600_000;
const pairsMax = 10_000;

interface Pair {
  failures: number;
  /** When the next attempt may be checked, on the monotonic clock. */
  turnAt: number;
}

export class LoginGuard {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #pairs = new Map<string, Pair>();

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  /** Calls `look` when it is this attempt's turn, at once if there were no failures lately. False: it is refused. */
  admit(address: string, user: string, look: () => void): boolean {
    const now = this.#clock.monotonic();
    const key = keyOf(address, user);
    let pair = this.#pairs.get(key);
    if (pair === undefined || pair.turnAt + forgottenAfterMs < now) pair = { failures: 0, turnAt: now };
    const waitMs = Math.max(pair.turnAt - now, 0);
    if (waitMs > waitMsMax) return false;
    pair.failures++;
    const over = pair.failures - freeFailures;
    const delayMs = over < 0 ? 0 : Math.min(delayMsFirst * 2 ** Math.min(over, 16), delayMsMax);
    pair.turnAt = now + waitMs + delayMs;
    this.#keep(key, pair);
    if (waitMs === 0) look();
    else this.#timers.after(waitMs, look);
    return true;
  }

  succeeded(address: string, user: string): void {
    this.#pairs.delete(keyOf(address, user));
  }

  /** Pairs that tried last are kept longest. */
  #keep(key: string, pair: Pair): void {
    this.#pairs.delete(key);
    this.#pairs.set(key, pair);
    if (this.#pairs.size <= pairsMax) return;
    for (const [oldest] of this.#pairs) {
      this.#pairs.delete(oldest);
      return;
    }
  }
}

/** A key of fixed size, however long the name is. */
function keyOf(address: string, user: string): string {
  return `${address}\n${crypto.createHash("sha256").update(user).digest("base64")}`;
}
