/**
 * How long a run may take, and what happens then (docs/adr/0020).
 *
 * Up to `lua-time-limit` a script runs to its end in its turn, as in redis. After that, one that has written nothing stops where it
 * stands every few milliseconds, others are answered BUSY meanwhile, and SCRIPT KILL ends it. One that cannot stop (its effects
 * would not be one group of the journal any more; it is within pcall or another C function; it runs in EXEC) is ended for good after
 * `luaTimeLimitsMax` times the limit, but not before it has had `luaHeldMsMin` without a stop.
 */
import type { Clock } from "../../../../base/clock.ts";
import { limits } from "../../../../base/limits.ts";
import type { ServerSettings } from "../../core/settings.ts";
import type { LoadLimit } from "../function/libraries.ts";
import type { RunWatch } from "./machine.ts";
import type { ScriptRun } from "./script-run.ts";

/** Cuts the run off, through every pcall. The machine cannot be used any more. */
export class RunCutOff extends Error {}

export class TimeLimit implements RunWatch, LoadLimit {
  readonly #clock: Clock;
  readonly #settings: ServerSettings;
  #run: ScriptRun | null = null;
  #startedAt = 0;
  #sliceAt = 0;
  #canSuspend = false;
  /** Between `begin` and `end`: a machine that is made, or asked from outside, has no limit. */
  #isActive = false;
  /** The run yields to the event loop: it is no yield of the script's own. */
  hasYielded = false;

  constructor(clock: Clock, settings: ServerSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  get #limitMs(): number {
    return this.#run === null ? limits.luaLoadMsMax : this.#settings.luaTimeLimitMs;
  }

  /** `run` is null while a library is loaded, which has the limit too. */
  begin(run: ScriptRun | null, canSuspend: boolean): void {
    this.#run = run;
    this.#startedAt = run?.startedAt ?? this.#clock.monotonic();
    this.#sliceAt = this.#startedAt;
    this.#canSuspend = canSuspend;
    this.#isActive = true;
    this.hasYielded = false;
  }

  end(): void {
    this.#isActive = false;
    this.#run = null;
  }

  /** The next slice begins. */
  resumed(): void {
    this.#sliceAt = this.#clock.monotonic();
    this.hasYielded = false;
  }

  instructionsPassed(canYield: boolean): boolean {
    const limitMs = this.#limitMs;
    if (limitMs <= 0 || !this.#isActive) return false;
    const now = this.#clock.monotonic();
    if (now - this.#startedAt < limitMs) return false;
    const isFree = canYield && this.#canSuspend && this.#run?.hasWritten === false;
    if (isFree) {
      // The first time at once, so that others are answered as soon as the limit is reached.
      this.hasYielded = now - this.#sliceAt >= Math.min(limits.luaSliceMs, limitMs);
      return this.hasYielded;
    }
    this.#assertInTime(now);
    return false;
  }

  stepsPassed(): void {
    if (this.#limitMs > 0 && this.#isActive) this.#assertInTime(this.#clock.monotonic());
  }

  /** The time that others had between slices does not count against what cannot stop, so this looks at the slice too. */
  #assertInTime(now: number): void {
    const mostMs = this.#limitMs * (this.#run === null ? 1 : limits.luaTimeLimitsMax);
    // A short limit may be over before a script comes to where it can stop, or while the machine was busy with something else.
    const inTurnMsMin = this.#run === null ? this.#limitMs : Math.max(this.#limitMs, limits.luaHeldMsMin);
    if (now - this.#startedAt < mostMs || now - this.#sliceAt < inTurnMsMin) return;
    throw new RunCutOff();
  }
}
