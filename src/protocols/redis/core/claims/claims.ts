/**
 * Commands that go on over several turns claim their keys, so that each is as if it had run in one moment: what it reads stays as it is,
 * and nobody sees what it has half written ([ADR 21](../../../../../docs/adr/0021-long-commands-claim-their-keys.md)).
 *
 * A client's command that is in a claim's way waits, in its connection, and is served in the order of arrival. Who cannot wait (a script
 * that comes to a key that it has not named, a client that a change has woken) has the claim's work finished first. A key that is due
 * stays until its claim ends: to the work it is there, to others it is not.
 * Not here: which keys a command needs (key-wants.ts), how work is cut into slices (../sliced-reply.ts). Invariants: claims that are held
 * are not in each other's way; a command takes all its keys at once, when it begins, so no two wait for each other; while nothing is
 * claimed a command costs one look at `isAny`.
 */
import { assertInvariant, assertsAreOn } from "../../../../base/assert.ts";
import type { Timers } from "../../../../base/clock.ts";
import { type Job, type RunningJob, slicesWithin, type TurnWork } from "../../../../base/turn-work.ts";
import type { HeldKeys } from "../../../../keyspace/held-keys.ts";
import { type KeyWant, KeyModes } from "./key-modes.ts";

/** Looking at one that waits. */
const unitsOfLook = 1;

export class Claim {
  readonly wants: readonly KeyWant[];
  readonly #claims: KeyClaims;
  #run: Pick<RunningJob, "finish"> | null = null;

  constructor(claims: KeyClaims, wants: readonly KeyWant[]) {
    this.#claims = claims;
    this.wants = wants;
  }

  /** The same job, which is known to be at work while it is, and lets go of the keys at its end. */
  *over<Result>(job: Job<Result>): Job<Result> {
    try {
      return yield* this.part(job);
    } finally {
      this.letGo();
    }
  }

  /** The same for a part of the work, after which the keys stay held. */
  part<Result>(job: Job<Result>): Job<Result> {
    const claims = this.#claims;
    const enter = (): boolean => {
      const before = claims.isAtWork;
      claims.isAtWork = true;
      return before;
    };
    return slicesWithin(job, enter, (before) => (claims.isAtWork = before));
  }

  /** The work goes on in later turns: from here on the keys are held. `run` is what ends the work for one who cannot wait. */
  hold(run: Pick<RunningJob, "finish">): void {
    this.#run = run;
    this.#claims.hold(this);
  }

  finish(): void {
    this.#run!.finish();
  }

  letGo(): void {
    if (this.#run !== null) this.#claims.letGo(this);
  }
}

interface Waiter {
  readonly wants: readonly KeyWant[];
  readonly start: () => void;
}

export class KeyClaims implements HeldKeys {
  readonly #timers: Timers;
  readonly #work: TurnWork;
  readonly #claims = new Set<Claim>();
  readonly #held = new KeyModes();
  /** In the order of arrival. */
  readonly #line = new Set<Waiter>();
  readonly #waiting = new KeyModes();
  /** There are claims, or commands that wait for some. */
  isAny = false;
  isAtWork = false;
  #isServeAsked = false;

  constructor(timers: Timers, work: TurnWork) {
    this.#timers = timers;
    this.#work = work;
  }

  get waitingCount(): number {
    return this.#line.size;
  }

  holds(database: number, key: string): boolean {
    return this.#held.has(database, key);
  }

  hold(claim: Claim): void {
    if (assertsAreOn)
      assertInvariant(!this.#held.areInTheWay(claim.wants), "claims are not in each other's way");
    this.#claims.add(claim);
    this.#held.add(claim.wants);
    this.isAny = true;
  }

  letGo(claim: Claim): void {
    if (!this.#claims.delete(claim)) return;
    this.#held.remove(claim.wants);
    this.#changed();
  }

  /**
   * Whether a command with these wants has to wait: for claims, or behind others who wait. One that only reads keeps nobody waiting, and
   * does not wait for what does not show yet.
   */
  mustWait(wants: readonly KeyWant[]): boolean {
    return readsOnly(wants) ? this.#held.areInTheWayOfALook(wants) : this.#isInTheWay(wants);
  }

  /** The same for one that has begun, in this turn, and turned out to be long: others have waited before, for all that they need. */
  mustWaitAsLong(wants: readonly KeyWant[]): boolean {
    return this.isAny && readsOnly(wants) && this.#isInTheWay(wants);
  }

  #isInTheWay(wants: readonly KeyWant[]): boolean {
    return this.#held.areInTheWay(wants) || this.#waiting.areInTheWay(wants);
  }

  /** Calls `start` once the wants are free. Returns what ends the wait. */
  wait(wants: readonly KeyWant[], start: () => void): () => void {
    const waiter = { wants, start };
    this.#line.add(waiter);
    this.#waiting.add(wants);
    this.isAny = true;
    return () => this.#leave(waiter);
  }

  /** Ends the work of the claims that are in the way, for a command that must run now. */
  finish(wants: readonly KeyWant[]): void {
    const isInTheWay = (modes: KeyModes): boolean =>
      readsOnly(wants) ? modes.areInTheWayOfALook(wants) : modes.areInTheWay(wants);
    if (!isInTheWay(this.#held)) return;
    for (const claim of this.#claims) {
      const modes = new KeyModes();
      modes.add(claim.wants);
      if (isInTheWay(modes)) claim.finish();
    }
  }

  #leave(waiter: Waiter): void {
    if (!this.#line.delete(waiter)) return;
    this.#waiting.remove(waiter.wants);
    this.#changed();
  }

  #changed(): void {
    this.isAny = this.#claims.size > 0 || this.#line.size > 0;
    if (this.#line.size === 0 || this.#isServeAsked) return;
    this.#isServeAsked = true;
    // Not within somebody's command.
    this.#timers.atTickEnd(() => {
      this.#work.run(this.#serving(), (outcome) => {
        if ("error" in outcome) throw outcome.error;
      });
    });
  }

  *#serving(): Job<void> {
    this.#isServeAsked = false;
    /** What those want who came before and go on waiting. */
    const before = new KeyModes();
    for (const waiter of this.#line) {
      const { wants, start } = waiter;
      if (this.#held.areInTheWay(wants) || before.areInTheWay(wants)) before.add(wants);
      else {
        this.#line.delete(waiter);
        this.#waiting.remove(wants);
        start();
      }
      yield unitsOfLook;
    }
    this.isAny = this.#claims.size > 0 || this.#line.size > 0;
  }
}

function readsOnly(wants: readonly KeyWant[]): boolean {
  return wants.every(({ mode }) => mode === "read");
}
