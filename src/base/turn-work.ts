/**
 * Long work of one request, done in pieces over several turns of the event loop, so that other clients do not wait.
 *
 * A job is a generator. It yields after each piece and says how many units of work that piece was; one unit is about one
 * microsecond (a key looked at, 1 KiB copied). All jobs together get `limits.turnWorkUnits` units in one turn, in round
 * robin, so that a thousand clients with long requests cost a turn no more than one does.
 * Not here: what a client is told meanwhile, and in which order its requests run (its session holds them).
 * Invariants: a job that fits in its first slice ends before `run` returns; `ended` is called once, or never after
 * `cancel`; a turn is over its budget by one piece at most.
 */
import { assertInvariant, assertsAreOn } from "./assert.ts";
import type { Timers } from "./clock.ts";
import { limits, type TurnBounds } from "./limits.ts";

export type Job<Result> = Generator<number, Result, void>;

/** What a job costs that ends before it yields, or after its last piece: thousands of short ones are long work too. */
const unitsOfEnd = 32;

/**
 * Of a turn's units, those for jobs that go on: others wait no longer for them than about 3 ms. The rest is for requests that come in the
 * turn.
 */
const shareOfJobs = 3 / 8;

/** How a job ended: with its result, or with what it threw. */
export type JobOutcome<Result> = { readonly result: Result } | { readonly error: unknown };

export interface RunningJob {
  /** The job has not ended. */
  readonly isRunning: boolean;
  /** Ends the job where it stands; its `finally` blocks run, `ended` is not called. */
  cancel(): void;
  /**
   * Works to the job's end now, for a caller that can neither wait nor go on before. `ended` is called in a later turn, since it may
   * let other requests begin. Nothing happens where the job is at work itself.
   */
  finish(): void;
}

class Run<Result> implements RunningJob {
  readonly #job: Job<Result>;
  readonly #ended: (outcome: JobOutcome<Result>) => void;
  isRunning = true;
  /** Its generator runs. */
  #isAtWork = false;
  /** Of a job that was finished ahead, until `ended` is told. */
  #finished: JobOutcome<Result> | null = null;

  constructor(job: Job<Result>, ended: (outcome: JobOutcome<Result>) => void) {
    this.#job = job;
    this.#ended = ended;
  }

  /** Works until `units` are used or the job has ended. Tells `spend` what it used before it tells how it ended. */
  advance(units: number, spend: (units: number) => void): void {
    assertInvariant(this.isRunning, "a job that has ended does not go on");
    let used = 0;
    let outcome: JobOutcome<Result>;
    if (this.#finished !== null) return this.#end(this.#finished, unitsOfEnd, spend);
    this.#isAtWork = true;
    try {
      for (;;) {
        const step = this.#job.next();
        if (!this.isRunning) {
          // It cancelled itself.
          this.#job.return(undefined as Result);
          return spend(used);
        }
        if (step.done === true) {
          outcome = { result: step.value };
          break;
        }
        used += Math.max(Math.ceil(step.value), 1);
        if (used >= units) return spend(used);
      }
    } catch (error) {
      outcome = { error };
    } finally {
      this.#isAtWork = false;
    }
    this.#end(outcome, used + unitsOfEnd, spend);
  }

  #end(outcome: JobOutcome<Result>, units: number, spend: (units: number) => void): void {
    this.isRunning = false;
    // First: `ended` lets the request behind this one begin, which must find the units gone.
    spend(units);
    this.#ended(outcome);
  }

  finish(): void {
    if (!this.isRunning || this.#isAtWork || this.#finished !== null) return;
    this.#isAtWork = true;
    try {
      this.#finished = { result: finishNow(this.#job) };
    } catch (error) {
      this.#finished = { error };
    } finally {
      this.#isAtWork = false;
    }
  }

  cancel(): void {
    if (!this.isRunning) return;
    this.isRunning = false;
    // A job that is cancelled by itself is at work: it ends at its next yield.
    try {
      this.#job.return(undefined as Result);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

export class TurnWork {
  readonly #timers: Timers;
  readonly #bounds: TurnBounds;
  /** The next to have its turn first. */
  readonly #waiting: Run<unknown>[] = [];
  #unitsLeft: number;
  #isTurnRequested = false;
  #turnsContinued = 0;
  readonly #spend = (units: number): void => {
    this.#unitsLeft -= units;
  };

  constructor(timers: Timers, bounds: TurnBounds = limits) {
    this.#timers = timers;
    this.#bounds = bounds;
    this.#unitsLeft = bounds.turnWorkUnits;
  }

  /** Jobs that go on in later turns. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Turns that began with jobs of earlier turns, since the start. */
  get turnsContinued(): number {
    return this.#turnsContinued;
  }

  /** This turn has no units left: who has done something in it goes on in the next one. */
  get isSpent(): boolean {
    return this.#unitsLeft <= 0;
  }

  /** Counts work that was done at once, in whole units (a fraction would be an object each time), so that a turn does no more because it comes in many small requests. */
  spend(units: number): void {
    if (assertsAreOn)
      assertInvariant(units >= 0 && Number.isInteger(units), "units of work are whole numbers");
    this.#unitsLeft -= units;
    if (!this.#isTurnRequested) this.#requestTurn();
  }

  /**
   * Runs the job's first slice at once, if this turn has units left, and the others in later turns. `ended` may be
   * called before this returns.
   */
  run<Result>(job: Job<Result>, ended: (outcome: JobOutcome<Result>) => void): RunningJob {
    const run = new Run(job, ended);
    this.#advance(run as Run<unknown>);
    return run;
  }

  /** The same for a job that begins in a later turn, so that `ended` is not called before this returns. */
  runLater<Result>(job: Job<Result>, ended: (outcome: JobOutcome<Result>) => void): RunningJob {
    const run = new Run(job, ended);
    this.#waiting.push(run as Run<unknown>);
    this.#requestTurn();
    return run;
  }

  /** Ends all jobs where they stand: the broker stops. */
  close(): void {
    for (const run of this.#waiting.splice(0)) run.cancel();
  }

  #advance(run: Run<unknown>): void {
    if (this.#unitsLeft > 0) {
      run.advance(Math.min(this.#bounds.turnWorkSliceUnits, this.#unitsLeft), this.#spend);
    }
    if (run.isRunning) this.#waiting.push(run);
    this.#requestTurn();
  }

  #turn(): void {
    this.#isTurnRequested = false;
    const { turnWorkUnits, turnWorkSliceUnits } = this.#bounds;
    this.#unitsLeft = turnWorkUnits;
    // A slice may be more than a turn has: jobs then stop where the turn has nothing left, or they would be passed round for ever.
    const unitsOfJobs = Math.max(turnWorkUnits * shareOfJobs, turnWorkSliceUnits);
    const unitsForOthers = Math.max(turnWorkUnits - unitsOfJobs, 0);
    // Jobs that had no turn stay in front of those that had one.
    let reached = 0;
    const waiting = this.#waiting;
    if (waiting.length > 0) this.#turnsContinued++;
    for (; this.#unitsLeft > unitsForOthers && reached < waiting.length; reached++) {
      const run = waiting[reached]!;
      if (run.isRunning) this.#advance(run);
    }
    waiting.splice(0, reached);
    if (waiting.length > 0) this.#requestTurn();
  }

  /** Also where nothing waits: the next turn begins with all its units. */
  #requestTurn(): void {
    if (this.#isTurnRequested) return;
    this.#isTurnRequested = true;
    this.#timers.atTickEnd(() => this.#turn());
  }
}

/** The job's result, for whoever can wait. Rejects with what the job throws. */
export function resultOf<Result>(work: Pick<TurnWork, "run">, job: Job<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    work.run(job, (outcome) => {
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.result);
    });
  });
}

/** Runs the job to its end in this turn, for callers whose semantics allow no break (EXEC). Throws what it throws. */
export function finishNow<Result>(job: Job<Result>): Result {
  for (;;) {
    const step = job.next();
    if (step.done === true) return step.value;
  }
}

/** The same job, each slice of which runs between `enter` and `leave`, which gets what `enter` returned. */
export function* slicesWithin<Result, Before>(
  job: Job<Result>,
  enter: () => Before,
  leave: (before: Before) => void,
): Job<Result> {
  try {
    for (;;) {
      const before = enter();
      let step: IteratorResult<number, Result>;
      try {
        step = job.next();
      } finally {
        leave(before);
      }
      if (step.done === true) return step.value;
      yield step.value;
    }
  } finally {
    // Of one that has ended this does nothing.
    job.return(undefined as Result);
  }
}

const unitsOfPiece = 64;

/** Adds up the work of small steps, so that a job yields once for many of them. */
export class Piece {
  #units = 0;

  /** Adds units, which may be fractions. Returns what to yield now, or 0 to go on. */
  add(units: number): number {
    this.#units += units;
    if (this.#units < unitsOfPiece) return 0;
    const due = this.#units;
    this.#units = 0;
    return due;
  }
}
