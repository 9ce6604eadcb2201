/** How the outputs of other projects' suites are read and judged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readOutput } from "../../../conformance/redis/output.ts";
import { faultsIn, judge, passedShare } from "../../../conformance/base/verdict.ts";

const done = "[1/1 \u001b[0;33;49mdone\u001b[0m]: unit/x (2 seconds)\n";
const output = [
  "[ready]: 4711",
  "[\u001b[0;32;49mok\u001b[0m]: A passes (a remark) (12 ms)",
  "[\u001b[0;31;49merr\u001b[0m]: B fails in tests/unit/x.tcl",
  "Expected '1' to be equal to '2'",
  "[\u001b[0;36;49mignore\u001b[0m]: C: Tag: slow denied",
  "[\u001b[0;32;49mok\u001b[0m]: D passes (0 ms)",
  "",
].join("\n");

test("passed and failed tests are read with their names", () => {
  assert.deepEqual(readOutput(output + done), {
    passed: ["A passes (a remark)", "D passes"],
    failed: [{ name: "B fails", message: "Expected '1' to be equal to '2'" }],
    endedEarly: undefined,
  });
});

test("a unit that did not come to its end is told with the place", () => {
  assert.equal(readOutput(output).endedEarly, "it ended, after: D passes");
  const stuck = `${output}[TIMEOUT]: clients state report follows.\nsock55 => (IN PROGRESS) E hangs\n`;
  assert.equal(readOutput(stuck).endedEarly, "no progress, in: E hangs");
  const broken = `${output}[exception]: Executing test client: ERR x.\nERR x\n    while executing\n`;
  assert.match(readOutput(broken).endedEarly ?? "", /^exception: .*ERR x.*after: D passes$/);
});

test("failures without a reason, reasons without a failure and tests that are absent are faults", () => {
  const outcome = readOutput(output + done);
  const judged = (passedByPeer: number, reasons: Record<string, string>) =>
    faultsIn([judge("unit/x", outcome, { passedByPeer, reasons })]).map((line) => line.slice(0, 60));
  assert.deepEqual(judged(2, { "B fails": "because" }), []);
  assert.deepEqual(judged(2, {}), ["unit/x: failed without a reason in the list: B fails: Expect"]);
  assert.deepEqual(judged(2, { "B fails": "because", "D passes": "no" }), [
    "unit/x: in the list of failures, and passed: D passes",
  ]);
  // One that fails by a reason in the list, and two that nobody has seen.
  assert.deepEqual(judged(5, { "B fails": "because" }), [
    "unit/x: 2 tests did not run and are not in the list",
    "40.0 % of what the real server passes; 98 % is the least",
  ]);
});

test("a unit with more tests than the real server has does not make up for another", () => {
  const verdictOf = (passed: number, passedByPeer: number) =>
    judge(
      "u",
      { passed: Array.from({ length: passed }, (_, at) => `${at}`), failed: [], endedEarly: undefined },
      { passedByPeer, reasons: {} },
    );
  assert.equal(passedShare([verdictOf(15, 10), verdictOf(5, 10)]), 0.75);
});
