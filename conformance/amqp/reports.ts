/**
 * What test runners report, as passed tests and failed ones: JUnit's XML (of Node, pytest and Ginkgo) and the lines of `go test -json`.
 *
 * Not here: what a failure means (base/verdict.ts). Invariant: pure; a test that was skipped is in neither list, and a run that
 * did not come to its end is never taken for one that did.
 */
import { type FailedTest, shortened, type UnitOutcome } from "../base/outcome.ts";

const element = /<(\/?)(testcase|failure|error|skipped)\b((?:[^>"]|"[^"]*")*?)(\/?)>([^<]*)/g;
const attribute = /\b(name|classname|message|file)="([^"]*)"/g;

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (_all, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? "";
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}

/** Each test by its class, which is where it stands, and its name. */
export function readJunit(xml: string): UnitOutcome {
  const passed: string[] = [];
  const failed: FailedTest[] = [];
  let test: { name: string; message: string | undefined; isSkipped: boolean } | undefined;
  const endTest = (): void => {
    if (test === undefined) return;
    const { name, message, isSkipped } = test;
    if (message !== undefined) failed.push({ name, message });
    else if (!isSkipped) passed.push(name);
    test = undefined;
  };
  for (const [, slash, kind, inside, isEmpty, text] of xml.matchAll(element)) {
    const isEnd = slash === "/";
    const given = Object.fromEntries(
      [...inside!.matchAll(attribute)].map(([, name, value]) => [name, unescaped(value!)]),
    );
    if (kind === "testcase" && !isEnd) {
      const name = named(given["classname"], given["name"] ?? "");
      test = { name, message: undefined, isSkipped: false };
      if (isEmpty !== "") endTest();
    }
    if (kind === "testcase" && isEnd) endTest();
    if (test === undefined || isEnd) continue;
    if (kind === "skipped") test.isSkipped = true;
    if (kind === "failure" || kind === "error")
      test.message ??= firstLine(given["message"] ?? unescaped(text ?? ""));
  }
  const [, root] = /<(testsuites?)\b/.exec(xml) ?? [];
  const isWhole = root !== undefined && xml.trimEnd().endsWith(`</${root}>`);
  const isEmpty = passed.length + failed.length === 0;
  return { passed, failed, endedEarly: isWhole && !isEmpty ? undefined : "no whole report" };
}

/** What runners say where a test is in no class. */
const noClasses = new Set(["", "test", "Rabbithole Suite"]);

function named(className: string | undefined, name: string): string {
  return noClasses.has(className ?? "") ? name : `${className} > ${name}`;
}

function firstLine(text: string): string {
  return shortened(
    text
      .split("\n")
      .find((line) => line.trim() !== "")
      ?.trim() ?? "",
  );
}

interface GoEvent {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

export function readGoTest(text: string): UnitOutcome {
  const passed: string[] = [];
  const failed: FailedTest[] = [];
  const outputs = new Map<string, string>();
  let lastLine = "";
  let isEnded = false;
  let isBroken = false;
  for (const { Action: action, Test: test, Output: output } of eventsIn(text)) {
    if (action === "run" && test !== undefined) outputs.set(test, "");
    if (output !== undefined && test !== undefined) outputs.set(test, (outputs.get(test) ?? "") + output);
    if (output !== undefined && output.trim() !== "") lastLine = output.trim();
    if (test === undefined && (action === "pass" || action === "fail")) {
      isEnded = true;
      isBroken = action === "fail" && failed.length === 0;
    }
    if (test === undefined) continue;
    if (action === "pass") passed.push(test);
    if (action === "fail") failed.push({ name: test, message: messageIn(outputs.get(test) ?? "") });
    if (action === "pass" || action === "fail" || action === "skip") outputs.delete(test);
  }
  const [unfinished] = outputs.keys();
  if (unfinished !== undefined) return { passed, failed, endedEarly: `in: ${unfinished}` };
  return {
    passed,
    failed,
    endedEarly: isEnded && !isBroken ? undefined : `it ended: ${shortened(lastLine)}`,
  };
}

function eventsIn(text: string): GoEvent[] {
  return text.split("\n").flatMap((line) => {
    if (!line.startsWith("{")) return [];
    try {
      return [JSON.parse(line) as GoEvent];
    } catch {
      return [];
    }
  });
}

/** The line that names a line of the sources, or that says panic. */
function messageIn(output: string): string {
  const lines = output.split("\n").filter((line) => /\S/.test(line) && !/^\s*(=== |--- )/.test(line));
  return firstLine(lines.find((line) => /_test\.go:\d+: |^panic: /.test(line)) ?? lines[0] ?? "");
}
