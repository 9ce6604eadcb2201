/** What became of each row, and the table that tells it. Pure. Invariant: no row is left out, and none is skipped without a reason. */
import type { ClientRow } from "./row.ts";

export type Verdict =
  | { readonly is: "passed"; readonly checks: readonly string[] }
  | { readonly is: "failed"; readonly why: string; readonly output: string }
  | { readonly is: "skipped"; readonly why: string };

export interface JudgedRow {
  readonly row: Pick<ClientRow, "name" | "language" | "does">;
  readonly verdict: Verdict;
  readonly seconds: number;
}

export function tableOf(judged: readonly JudgedRow[]): string[] {
  const columns = judged.map(({ row, verdict, seconds }) => [
    row.name,
    row.language,
    verdict.is === "failed" ? "FAILED" : verdict.is,
    verdict.is === "skipped" ? "" : `${seconds.toFixed(1)} s`,
    lastColumn(verdict),
  ]);
  const widths = [0, 1, 2, 3].map((at) => Math.max(0, ...columns.map((cells) => cells[at]!.length)));
  return columns.map((cells) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function lastColumn(verdict: Verdict): string {
  if (verdict.is === "failed") return oneLine(verdict.why);
  if (verdict.is === "skipped") return `skipped: ${oneLine(verdict.why)}`;
  return `${verdict.checks.length} checks`;
}

function oneLine(text: string): string {
  return text.split("\n")[0]!.trim();
}

export function lastLine(judged: readonly JudgedRow[]): string {
  const count = (is: Verdict["is"]): number => judged.filter(({ verdict }) => verdict.is === is).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}
