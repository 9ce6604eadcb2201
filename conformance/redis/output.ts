/**
 * What a run of Redis's Tcl suite says on its output, as passed tests and failed ones.
 *
 * Not here: running it (unit-run.ts), or what a failure means (verdict.ts). Invariant: pure; a unit that did not come to its
 * end is never taken for one that did.
 */
import { type FailedTest, shortened, type UnitOutcome } from "../base/outcome.ts";

const colours = new RegExp(`${String.fromCodePoint(0x1b)}\\[[0-9;]*m`, "g");
const statusLine = /^\[(ok|err|exception|TIMEOUT|skip|ignore|ready)\]: ?(.*)$/;
const unitDone = /^\[\d+\/\d+ done\]: /;
const elapsed = / \(\d+ ms\)$/;
/** A failed test is told with the file that it stands in. */
const inFile = / in tests\/\S+\.tcl$/;
/** In its report of a time-out. */
const inProgress = /^sock\S+ => \(IN PROGRESS\) (.*)$/;

export function readOutput(text: string): UnitOutcome {
  const lines = text.replaceAll(colours, "").split("\n");
  const passed: string[] = [];
  const failed: FailedTest[] = [];
  let place = "in its first test";
  let stopped: string | undefined;
  let isDone = false;
  for (const [at, line] of lines.entries()) {
    if (unitDone.test(line)) isDone = true;
    const [, test] = inProgress.exec(line) ?? [];
    if (test !== undefined) place = `in: ${test}`;
    const [, status, rest = ""] = statusLine.exec(line) ?? [];
    const name = rest.replace(status === "ok" ? elapsed : inFile, "");
    if (status === "ok") passed.push(name);
    if (status === "err") failed.push({ name, message: messageAfter(lines, at) });
    if (status === "ok" || status === "err") place = `after: ${name}`;
    if (status === "exception") stopped ??= `exception: ${shortened(rest)} ${messageAfter(lines, at)}`;
    if (status === "TIMEOUT") stopped ??= "no progress";
  }
  stopped ??= isDone ? undefined : "it ended";
  return { passed, failed, endedEarly: stopped === undefined ? undefined : `${stopped}, ${place}` };
}

/** The suite puts what it expected behind the line that names the test. */
function messageAfter(lines: readonly string[], at: number): string {
  const next = lines[at + 1] ?? "";
  return statusLine.test(next) ? "" : shortened(next);
}
