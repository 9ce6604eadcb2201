/** What a run of someone else's tests came to, whatever its output looks like. */
export interface UnitOutcome {
  readonly passed: readonly string[];
  readonly failed: readonly FailedTest[];
  /** Why the unit ended before its last test; undefined when it did not. */
  readonly endedEarly: string | undefined;
}

export interface FailedTest {
  readonly name: string;
  /** What the suite says about it, in one line. */
  readonly message: string;
}

const messageCharactersMax = 200;

export function shortened(line: string): string {
  return line.length > messageCharactersMax ? `${line.slice(0, messageCharactersMax)}…` : line;
}

/**
 * Of two runs of the same tests: what failed in one of them only has passed. Tests wait for fixed times, which a busy machine does
 * not keep.
 */
export function eitherOf(first: UnitOutcome, second: UnitOutcome): UnitOutcome {
  const passedBefore = new Set(first.passed);
  const onlyNow = second.failed.filter(({ name }) => passedBefore.has(name));
  return {
    passed: [...second.passed, ...onlyNow.map(({ name }) => name)],
    failed: second.failed.filter(({ name }) => !passedBefore.has(name)),
    endedEarly: second.endedEarly,
  };
}
