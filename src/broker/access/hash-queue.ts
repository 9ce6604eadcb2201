/**
 * Decides whose password is checked next. Hashing is expensive, so attempts wait in one line for each address, and the lines take
 * turns.
 *
 * Addresses from which a login has succeeded and other addresses are two groups that take turns, so that neither keeps the other
 * out. An address whose attempts fail again and again has to pause: after `failuresFree` failures, one of its attempts is checked
 * in each `restMs`. A right password uses up nothing of that. Known and unknown users are treated alike. Not here: the hash itself
 * (password-hash.ts), delays for a user at an address (login-guard.ts).
 *
 * Invariants: at most `runningMax` hashes are computed at once; at most `waitingMax` attempts wait, none longer than `loginMsMax`;
 * every attempt is answered once.
 */
import type { Clock, Timers } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";

const runningMax = 2;
const waitingMax = 4096;
const failuresFree = 32;
const restMs = 200;
const originsMax = 10_000;

/** Computes a hash, now or later; null where it could not. */
export type ComputeHash = (digest: string, salt: string, done: (hash: Buffer | null) => void) => void;

interface Attempt {
  readonly digest: string;
  readonly salt: string;
  readonly since: number;
  readonly done: (hash: Buffer | null) => void;
}

/** An address and its line. */
interface Origin {
  readonly waiting: Attempt[];
  /** A login from there has succeeded. */
  isFamiliar: boolean;
  /** How many more attempts may fail before it has to pause; grows back with time. */
  credit: number;
  creditAt: number;
}

export class HashQueue {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #compute: ComputeHash;
  /** Addresses that tried last are kept longest. */
  readonly #origins = new Map<string, Origin>();
  /** Addresses with waiting attempts, and no others; the next one first. */
  readonly #strangers = new Set<Origin>();
  readonly #familiar = new Set<Origin>();
  #isFamiliarsTurn = true;
  #running = 0;
  #waitingCount = 0;
  #isWakeSet = false;

  constructor(clock: Clock, timers: Timers, compute: ComputeHash) {
    this.#clock = clock;
    this.#timers = timers;
    this.#compute = compute;
  }

  /** Computes the hash when it is this attempt's turn; null if too many wait, or it has waited too long. */
  add(address: string, digest: string, salt: string, done: (hash: Buffer | null) => void): void {
    const origin = this.#origin(address);
    if (this.#waitingCount >= waitingMax && !this.#makeRoomFor(origin)) return done(null);
    origin.waiting.push({ digest, salt, since: this.#clock.monotonic(), done });
    this.#waitingCount++;
    this.#ringOf(origin).add(origin);
    this.#work();
  }

  /** An attempt from there succeeded. */
  succeeded(address: string): void {
    const origin = this.#origin(address);
    origin.credit = Math.min(origin.credit + 1, failuresFree);
    if (origin.isFamiliar) return;
    this.#strangers.delete(origin);
    origin.isFamiliar = true;
    if (origin.waiting.length > 0) this.#familiar.add(origin);
  }

  #origin(address: string): Origin {
    const origins = this.#origins;
    const origin = origins.get(address) ?? {
      waiting: [],
      isFamiliar: false,
      credit: failuresFree,
      creditAt: this.#clock.monotonic(),
    };
    origins.delete(address);
    origins.set(address, origin);
    if (origins.size > originsMax) {
      for (const [oldest] of origins) {
        origins.delete(oldest);
        break;
      }
    }
    return origin;
  }

  #ringOf({ isFamiliar }: Origin): Set<Origin> {
    return isFamiliar ? this.#familiar : this.#strangers;
  }

  /** Refuses the last attempt of the longest line, if that is longer than this one's. */
  #makeRoomFor(origin: Origin): boolean {
    let longest = origin;
    for (const ring of [this.#strangers, this.#familiar]) {
      for (const each of ring) if (each.waiting.length > longest.waiting.length) longest = each;
    }
    if (longest === origin) return false;
    this.#waitingCount--;
    const last = longest.waiting.pop()!;
    if (longest.waiting.length === 0) this.#ringOf(longest).delete(longest);
    last.done(null);
    return true;
  }

  #work(): void {
    while (this.#running < runningMax) {
      const origin = this.#next();
      if (origin === null) return;
      const attempt = origin.waiting.shift()!;
      this.#waitingCount--;
      const ring = this.#ringOf(origin);
      // To the end of its ring, or out of it.
      ring.delete(origin);
      if (origin.waiting.length > 0) ring.add(origin);
      if (this.#clock.monotonic() - attempt.since > limits.loginMsMax) {
        attempt.done(null);
        continue;
      }
      origin.credit--;
      this.#running++;
      this.#compute(attempt.digest, attempt.salt, (hash) => {
        this.#running--;
        attempt.done(hash);
        this.#work();
      });
    }
  }

  #next(): Origin | null {
    const [first, second] = this.#isFamiliarsTurn
      ? [this.#familiar, this.#strangers]
      : [this.#strangers, this.#familiar];
    const next = this.#readyIn(first) ?? this.#readyIn(second);
    if (next !== null) this.#isFamiliarsTurn = !next.isFamiliar;
    else if (this.#waitingCount > 0) this.#wakeLater();
    return next;
  }

  #readyIn(ring: Set<Origin>): Origin | null {
    const now = this.#clock.monotonic();
    for (const origin of ring) {
      const grown = Math.floor((now - origin.creditAt) / restMs);
      if (grown > 0) {
        origin.credit = Math.min(origin.credit + grown, failuresFree);
        origin.creditAt += grown * restMs;
      }
      if (origin.credit > 0) return origin;
    }
    return null;
  }

  /** All addresses with waiting attempts have to pause. */
  #wakeLater(): void {
    if (this.#isWakeSet) return;
    this.#isWakeSet = true;
    this.#timers.after(restMs, () => {
      this.#isWakeSet = false;
      this.#work();
    });
  }
}
