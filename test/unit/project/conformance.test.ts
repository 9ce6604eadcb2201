/** How the outputs of other projects' suites are read and judged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readGoTest, readJunit } from "../../../conformance/amqp/reports.ts";
import { readOutput } from "../../../conformance/redis/output.ts";
import { eitherOf } from "../../../conformance/base/outcome.ts";
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

test("JUnit's XML: tests by class and name, skipped ones left out, failures with their message", () => {
  const xml = `<?xml version="1.0"?><testsuites><testsuite name="s"><testcase classname="a.B" name="x &lt; 1" time="0" />
<testcase name="y" classname="test"><failure type="f" message="AssertionError: 1 &gt; 2&#10;more">trace</failure></testcase>
<testcase name="z" classname="a.B"><skipped message="no"/></testcase>
<testcase name="w" classname="a.B"><error>

first line
second</error></testcase></testsuite>`;
  const failed = [
    { name: "y", message: "AssertionError: 1 > 2" },
    { name: "a.B > w", message: "first line" },
  ];
  const passed = ["a.B > x < 1"];
  assert.deepEqual(readJunit(`${xml}</testsuites>\n`), { passed, failed, endedEarly: undefined });
  assert.deepEqual(readJunit(xml), { passed, failed, endedEarly: "no whole report" });
  const [suite = ""] = /<testsuite name.*/s.exec(xml) ?? [];
  assert.deepEqual(readJunit(`<?xml version="1.0"?>\n${suite}`), { passed, failed, endedEarly: undefined });
  assert.equal(readJunit("").endedEarly, "no whole report");
  assert.equal(readJunit("<testsuites></testsuites>").endedEarly, "no whole report");
});

test("go test -json: subtests too, the line of the sources that failed, a panic, a build that fails", () => {
  const lines = (...events: object[]): string => events.map((event) => JSON.stringify(event)).join("\n");
  const run = [
    { Action: "run", Test: "TestA" },
    { Action: "pass", Test: "TestA" },
    { Action: "run", Test: "TestB" },
    { Action: "output", Test: "TestB", Output: "=== RUN   TestB\n" },
    { Action: "output", Test: "TestB", Output: "    b_test.go:7: not so\n" },
    { Action: "fail", Test: "TestB" },
    { Action: "run", Test: "TestC" },
    { Action: "skip", Test: "TestC" },
  ];
  const failed = [{ name: "TestB", message: "b_test.go:7: not so" }];
  assert.deepEqual(readGoTest(lines(...run, { Action: "fail" })), {
    passed: ["TestA"],
    failed,
    endedEarly: undefined,
  });
  assert.equal(readGoTest(lines(...run, { Action: "run", Test: "TestD" })).endedEarly, "in: TestD");
  assert.match(readGoTest(lines(...run)).endedEarly ?? "", /^it ended/);
  const noBuild = lines({ Action: "output", Output: "FAIL x [build failed]\n" }, { Action: "fail" });
  assert.equal(readGoTest(noBuild).endedEarly, "it ended: FAIL x [build failed]");
});

test("what failed in one of two runs only has passed", () => {
  const failing = (...names: string[]) => names.map((name) => ({ name, message: "m" }));
  const first = { passed: ["a", "b"], failed: failing("c", "d"), endedEarly: undefined };
  const second = { passed: ["a", "c"], failed: failing("b", "d"), endedEarly: undefined };
  assert.deepEqual(eitherOf(first, second), {
    passed: ["a", "c", "b"],
    failed: failing("d"),
    endedEarly: undefined,
  });
});
