/** The simulator itself: a seed is a run, step by step. `npm run sim` runs thousands of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../sim/run.ts";

async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  const { counts } = await run(seed, { trace: (line) => lines.push(line) });
  return [...lines, JSON.stringify(counts)];
}

test("the same seed is the same run, and another is another", { timeout: 60_000 }, async () => {
  const first = await traceOf(7);
  assert.ok(first.length > 50, "a run leaves a trace");
  assert.deepEqual(await traceOf(7), first);
  assert.notDeepEqual(await traceOf(8), first);
});

test("some seeds keep all promises", { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 40; seed++) await run(seed);
});
