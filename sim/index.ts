/**
 * `npm run sim -- --seed N [--trace]`: one run, step by step. `npm run sim -- --seeds N [--from M]`: many, on all cores.
 *
 * A seed that fails is printed, with what it found; the same seed is the same run.
 */
import "../test/support/asserts-on.ts";
import { spawn } from "node:child_process";
import os from "node:os";
import { parseArgs } from "node:util";
import { run } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    /** Of every so many seeds this process takes one: how work is shared out. */
    stride: { type: "string" },
    steps: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});

const failuresMax = 5;
const steps = values.steps === undefined ? {} : { steps: Number(values.steps) };

async function one(seed: number): Promise<void> {
  const trace = values.trace ? (line: string) => process.stdout.write(`${line}\n`) : undefined;
  const { steps: taken, counts } = await run(seed, { ...steps, ...(trace === undefined ? {} : { trace }) });
  process.stdout.write(`seed ${seed}: ${taken} steps, all promises kept\n`);
  for (const [what, count] of Object.entries(counts)) process.stdout.write(`  ${count} ${what}\n`);
}

/** The seeds `from, from + stride, …`; prints each failure and returns how many there were. */
async function share(from: number, seeds: number, stride: number): Promise<number> {
  const totals: Record<string, number> = {};
  let failures = 0;
  for (let seed = from; seed < from + seeds; seed += stride) {
    try {
      const { counts } = await run(seed, steps);
      for (const [what, count] of Object.entries(counts)) totals[what] = (totals[what] ?? 0) + count;
    } catch (error) {
      failures++;
      process.stdout.write(
        `FAILED: ${(error as Error).message}\n  again: npm run sim -- --seed ${seed} --trace\n`,
      );
      if (failures >= failuresMax) break;
    }
  }
  process.stdout.write(`${JSON.stringify(totals)}\n`);
  return failures;
}

/** Each core has its share of the seeds. */
async function many(seeds: number, from: number): Promise<void> {
  const startedMs = performance.now();
  const shares = Math.min(os.availableParallelism(), seeds);
  const totals: Record<string, number> = {};
  const ended = Array.from({ length: shares }, (_, i) => shareInChild(i, { seeds, from, shares }, totals));
  const codes = await Promise.all(ended);
  for (const [what, count] of Object.entries(totals))
    process.stdout.write(`${String(count).padStart(9)} ${what}\n`);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const isWhole = codes.every((code) => code === 0);
  process.stdout.write(`${seeds} seeds in ${seconds} s: ${isWhole ? "all promises kept" : "FAILED"}\n`);
  process.exitCode = isWhole ? 0 : 1;
}

function shareInChild(
  number: number,
  all: { seeds: number; from: number; shares: number },
  totals: Record<string, number>,
): Promise<number> {
  const flags = [`--seeds=${all.seeds - number}`, `--from=${all.from + number}`, `--stride=${all.shares}`];
  if (values.steps !== undefined) flags.push(`--steps=${values.steps}`);
  const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  return new Promise((resolve) => {
    child.on("close", (code) => {
      const lines = text.trimEnd().split("\n");
      const last = lines.pop() ?? "";
      for (const line of lines) process.stdout.write(`${line}\n`);
      if (last.startsWith("{"))
        for (const [what, count] of Object.entries(JSON.parse(last) as Record<string, number>))
          totals[what] = (totals[what] ?? 0) + count;
      else process.stdout.write(`${last}\n`);
      resolve(code ?? 1);
    });
  });
}

if (values.seed !== undefined) await one(Number(values.seed));
else if (values.stride !== undefined) {
  const failures = await share(Number(values.from), Number(values.seeds), Number(values.stride));
  process.exitCode = failures > 0 ? 1 : 0;
} else await many(Number(values.seeds ?? 100), Number(values.from));
