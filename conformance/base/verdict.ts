/**
 * What a unit's outcome means beside the real server's count and the list of known failures; and of all units together.
 *
 * Not here: the run. Invariant: pure.
 */
import type { FailedTest, UnitOutcome } from "./outcome.ts";

export interface UnitVerdict {
  readonly unit: string;
  readonly passedHere: number;
  readonly passedByPeer: number;
  /** Those of the list, which need not have been run. */
  readonly known: readonly { readonly name: string; readonly reason: string }[];
  readonly unknown: readonly FailedTest[];
  /** Names of the list that passed. */
  readonly outdated: readonly string[];
  /** Tests that the real server passes, and that neither passed here nor failed nor are in the list. */
  readonly absent: number;
  readonly endedEarly: string | undefined;
}

/** Of what the real server passes; below it, the run fails. */
const passedShareMin = 0.98;

export function judge(
  unit: string,
  outcome: UnitOutcome,
  { passedByPeer, reasons }: { passedByPeer: number; reasons: Readonly<Record<string, string>> },
): UnitVerdict {
  const failedNames = new Set(outcome.failed.map(({ name }) => name));
  const passedNames = new Set(outcome.passed);
  const unknown = outcome.failed.filter(({ name }) => reasons[name] === undefined);
  const named = Object.entries(reasons).map(([name, reason]) => ({ name, reason }));
  const notRun = named.filter(({ name }) => !failedNames.has(name) && !passedNames.has(name));
  return {
    unit,
    passedHere: outcome.passed.length,
    passedByPeer,
    known: named,
    unknown,
    // A name that several tests of a unit have may pass in one of them.
    outdated: [...passedNames].filter((name) => reasons[name] !== undefined && !failedNames.has(name)),
    absent: Math.max(0, passedByPeer - outcome.passed.length - outcome.failed.length - notRun.length),
    endedEarly: outcome.endedEarly,
  };
}

/** A unit with more tests than the real server passed does not make up for another. */
export function passedShare(verdicts: readonly UnitVerdict[]): number {
  const expected = verdicts.reduce((sum, { passedByPeer }) => sum + passedByPeer, 0);
  const passed = verdicts.reduce((sum, each) => sum + Math.min(each.passedHere, each.passedByPeer), 0);
  return expected === 0 ? 1 : passed / expected;
}

/** Why the run fails, a line each; none when it does not. */
export function faultsIn(verdicts: readonly UnitVerdict[]): string[] {
  const faults = verdicts.flatMap(({ unit, unknown, outdated, absent, endedEarly }) => [
    ...(endedEarly === undefined ? [] : [`${unit} did not come to its end: ${endedEarly}`]),
    ...unknown.map(
      ({ name, message }) => `${unit}: failed without a reason in the list: ${name}: ${message}`,
    ),
    ...outdated.map((name) => `${unit}: in the list of failures, and passed: ${name}`),
    ...(absent === 0 ? [] : [`${unit}: ${absent} tests did not run and are not in the list`]),
  ]);
  const share = passedShare(verdicts);
  if (share < passedShareMin)
    faults.push(
      `${(share * 100).toFixed(1)} % of what the real server passes; ${passedShareMin * 100} % is the least`,
    );
  return faults;
}
