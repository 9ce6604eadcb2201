/**
 * Invariants that are asserted, not only written: on in tests, the simulator and the fuzzer, by `TROIKAMQ_ASSERTS=1`.
 *
 * A check on the hot path stands behind `assertsAreOn`, a constant that the compiler folds: `if (assertsAreOn) assertInvariant(...)`.
 * Elsewhere the call alone does. Not here: bad input, which is a BrokerError whatever is on.
 * Invariant: what an assertion looks at has no effect, so that a broker does the same with and without.
 */

export const assertsAreOn: boolean = process.env["TROIKAMQ_ASSERTS"] === "1";

/** An invariant does not hold: an error of the broker itself, which must not go on with what it has. */
class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws InvariantError where asserts are on and `holds` is false. `what` says what should have been true. */
export function assertInvariant(holds: boolean, what: string): void {
  if (assertsAreOn && !holds) throw new InvariantError(`this should be true: ${what}`);
}
