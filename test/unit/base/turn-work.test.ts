import assert from "node:assert/strict";
import test from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { finishNow, type Job, type JobOutcome, TurnWork } from "../../../src/base/turn-work.ts";

/** Ends turns by hand. */
class Turns {
  #actions: (() => void)[] = [];
  count = 0;
  readonly timers = {
    after: () => ({ cancel: () => undefined }),
    atTickEnd: (action: () => void): void => void this.#actions.push(action),
  };

  end(): boolean {
    const actions = this.#actions.splice(0);
    if (actions.length === 0) return false;
    this.count++;
    for (const action of actions) action();
    return true;
  }
}

function* counting(units: number, worked: { units: number }): Job<string> {
  for (let i = 0; i < units; i++) {
    worked.units++;
    yield 1;
  }
  return "done";
}

test("a job that fits in its slice ends at once", () => {
  const turns = new Turns();
  const outcomes: JobOutcome<string>[] = [];
  const work = new TurnWork(turns.timers);
  work.run(counting(10, { units: 0 }), (outcome) => outcomes.push(outcome));
  assert.deepEqual(outcomes, [{ result: "done" }]);
  assert.equal(work.waitingCount, 0);
});

test("no turn does more than its units, however many jobs there are, and each gets its share", () => {
  const turns = new Turns();
  const work = new TurnWork(turns.timers);
  const jobs = Array.from({ length: 100 }, () => ({ units: 0 }));
  let ended = 0;
  let before = 0;
  const total = (): number => jobs.reduce((sum, { units }) => sum + units, 0);
  for (const job of jobs) work.run(counting(5000, job), () => ended++);
  assert.ok(total() <= limits.turnWorkUnits + jobs.length);
  do {
    assert.ok(total() - before <= limits.turnWorkUnits + jobs.length);
    before = total();
    const counts = jobs.map(({ units }) => units);
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 2 * limits.turnWorkSliceUnits);
  } while (turns.end());
  assert.equal(ended, 100);
  assert.equal(work.waitingCount, 0);
});

test("the units of a turn that has passed count no longer", () => {
  const turns = new Turns();
  const work = new TurnWork(turns.timers);
  let ended = 0;
  for (let i = 0; i < 50; i++) {
    for (let job = 0; job < 9; job++) work.run(counting(900, { units: 0 }), () => ended++);
    turns.end();
    turns.end();
  }
  assert.equal(ended, 450);
});

test("jobs that begin when another ends get no more than what is left of the turn", () => {
  const turns = new Turns();
  const work = new TurnWork(turns.timers);
  const worked = { units: 0 };
  let ended = 0;
  // As the commands of a pipeline: each begins where the one before it ends.
  const next = (): void => void work.run(counting(900, worked), () => ++ended < 200 && next());
  work.run(counting(900, worked), () => undefined);
  let before = 0;
  next();
  do {
    assert.ok(
      worked.units - before <= limits.turnWorkUnits + 1,
      `${worked.units - before} units in one turn`,
    );
    before = worked.units;
  } while (turns.end());
  assert.equal(ended, 200);
});

test("jobs that end without a yield count too", () => {
  const turns = new Turns();
  const work = new TurnWork(turns.timers);
  let ended = 0;
  for (let i = 0; i < 10_000; i++) work.run(counting(0, { units: 0 }), () => ended++);
  assert.ok(ended < 1000, `${ended} jobs in one turn`);
  while (turns.end());
  assert.equal(ended, 10_000);
});

test("what a job throws is told, and a cancelled job runs its finally blocks and tells nothing", () => {
  const turns = new Turns();
  const work = new TurnWork(turns.timers);
  const outcomes: JobOutcome<string>[] = [];
  const told = (outcome: JobOutcome<string>): void => void outcomes.push(outcome);
  // oxlint-disable-next-line require-yield
  const failing = function* (): Job<string> {
    throw new Error("no");
  };
  work.run(failing(), told);
  assert.equal((outcomes[0] as { error: Error }).error.message, "no");
  let isReleased = false;
  const long = function* (): Job<string> {
    try {
      for (;;) yield 1;
    } finally {
      isReleased = true;
    }
  };
  const running = work.run(long(), told);
  assert.equal(running.isRunning, true);
  running.cancel();
  turns.end();
  turns.end();
  assert.equal(isReleased, true);
  assert.equal(outcomes.length, 1);
  assert.equal(work.waitingCount, 0);
});

test("finishNow runs a job to its end", () => {
  assert.equal(finishNow(counting(100_000, { units: 0 })), "done");
});

test("where a slice is more than a turn has, a turn still ends, and jobs go on in later ones", () => {
  const turns = new Turns();
  const work = new TurnWork(turns.timers, { ...limits, turnWorkUnits: 10, turnWorkSliceUnits: 50 });
  let ended = 0;
  for (let i = 0; i < 3; i++) work.run(counting(100, { units: 0 }), () => ended++);
  // More than a turn: others have spent what there was.
  work.spend(100);
  while (ended < 3) assert.ok(turns.end() && turns.count < 100, "the jobs end");
});
