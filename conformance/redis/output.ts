/**
 * What a run of Redis's Tcl suite says on its output, as passed tests and failed ones.
 *
 * Not here: running it (unit-run.ts), or what a failure means (verdict.ts). Invariant: pure; a unit that did not come to its
 * end is never taken for one that did.
 */
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

const colours = new RegExp(`${String.fromCodePoint(0x1b)}\\[[0-9;]*m`, "g");
const statusLine = /^\[(ok|err|exception|TIMEOUT|testing|skip|ignore|ready)\]: ?(.*)$/;
const unitDone = /^\[\d+\/\d+ done\]: /;
const elapsed = / \(\d+ ms\)$/;
/** A failed test is told with the file that it stands in. */
const inFile = / in tests\/\S+\.tcl$/;
const messageCharactersMax = 200;

export function readOutput(text: string): UnitOutcome {
  const lines = text.replaceAll(colours, "").split("\n");
  const passed: string[] = [];
  const failed: FailedTest[] = [];
  let running = "its first test";
  let stopped: string | undefined;
  let isDone = false;
  for (const [at, line] of lines.entries()) {
    if (unitDone.test(line)) isDone = true;
    const [, status, rest = ""] = statusLine.exec(line) ?? [];
    if (status === "ok") passed.push(rest.replace(elapsed, ""));
    if (status === "testing") running = rest;
    if (status === "err") failed.push({ name: rest.replace(inFile, ""), message: messageAfter(lines, at) });
    if (status === "exception" || status === "TIMEOUT")
      stopped ??= `${status === "TIMEOUT" ? "no progress" : `exception (${shortened(rest)} ${messageAfter(lines, at)})`} in: ${running}`;
  }
  return { passed, failed, endedEarly: isDone ? stopped : (stopped ?? `it ended in: ${running}`) };
}

/** The suite puts what it expected behind the line that names the test. */
function messageAfter(lines: readonly string[], at: number): string {
  const next = lines[at + 1] ?? "";
  return statusLine.test(next) ? "" : shortened(next);
}

function shortened(line: string): string {
  return line.length > messageCharactersMax ? `${line.slice(0, messageCharactersMax)}…` : line;
}
