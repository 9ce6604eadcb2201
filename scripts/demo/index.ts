/** `npm run demo [-- --records N --rounds N]`: runs the demo with a progress bar and prints its table. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { type DemoResult, runDemo } from "./run.ts";

const { values } = parseArgs({
  options: { records: { type: "string", default: "20000" }, rounds: { type: "string", default: "10" } },
});
const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-demo-"));
const barWidth = 30;

function bar(share: number): string {
  const full = Math.round(share * barWidth);
  return "█".repeat(full) + "░".repeat(barWidth - full);
}

const result = await runDemo({
  dataDir,
  records: Number(values.records),
  rounds: Number(values.rounds),
  timeoutMs: 600_000,
  onProgress: ({ published, sides }) => {
    if (!process.stderr.isTTY) return;
    const shares = sides.map(({ name, share }) => `${name} ${(share * 100).toFixed(0).padStart(3)} %`);
    process.stderr.write(
      `\rconfirmed ${bar(published)} ${(published * 100).toFixed(0).padStart(3)} %  ${shares.join("  ")} `,
    );
  },
});
if (process.stderr.isTTY) process.stderr.write("\n");
process.stdout.write(tableOf(result));
fs.rmSync(dataDir, { recursive: true });
const isEqual = new Set(result.sides.map(({ digest }) => digest)).size === 1;
const isWhole = result.confirmed === Number(values.records) * Number(values.rounds);
process.exit(isEqual && isWhole && result.sides.every(({ lost }) => lost === 0) ? 0 : 1);

function tableOf({ confirmed, sides, elapsedMs }: DemoResult): string {
  const rows = [["", "received", "lost", "duplicated", "SHA-256 of the sorted distinct bodies"]];
  for (const { name, received, lost, duplicated, digest } of sides) {
    rows.push([name, String(received), String(lost), String(duplicated), digest]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const seconds = (elapsedMs / 1000).toFixed(1);
  const head = `confirmed ${confirmed} in ${seconds} s, with a SIGKILL half way`;
  return `${head}\n\n${lines.join("\n")}\n`;
}
