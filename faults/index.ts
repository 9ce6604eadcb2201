/**
 * `npm run faults [-- --only TEXT] [--seed S] [--rounds N] [--stop-seconds N] [--wait-ms MS]`: real faults on the running program.
 *
 * One line for each case: what was done, what the broker said, what `troikamq check` said, what repair kept. Exit code 1
 * if anything that a client was told is not so, or if one client made others wait (`--only stalls`, faults/stalls/attack.ts).
 * TROIKAMQ_TEST_RUNTIME (bun or node) says what runs the broker.
 */
import "../test/support/asserts-on.ts";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { fileCases } from "./files.ts";
import { fullDiskKillCases } from "./full-disk-kills.ts";
import { liveCases } from "./live.ts";
import { stallCases } from "./stalls/index.ts";
import { lineOf, seededRandom } from "./report.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seed: { type: "string" },
    rounds: { type: "string", default: "200" },
    "stop-seconds": { type: "string", default: "30" },
    /** Stalls: how long one client may make another wait. */
    "wait-ms": { type: "string", default: "250" },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const runtime = process.env["TROIKAMQ_TEST_RUNTIME"] ?? "bun";
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(`faults on ${runtime}, seed ${seed}`);

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-faults-"));
let failed = 0;
let passed = 0;
try {
  const cases = [
    ...fileCases(scratch, seededRandom(seed)),
    ...liveCases(scratch, Number(values.rounds), Number(values["stop-seconds"]) * 1000, seed),
    ...fullDiskKillCases(scratch, seed),
    ...(await stallCases(Number(values["wait-ms"]))),
  ];
  for (const { name, skip, run } of cases.filter((each) => each.name.includes(values.only))) {
    if (skip !== undefined) {
      say(`skip ${name}: ${skip}`);
      continue;
    }
    try {
      const outcome = await run();
      if (outcome.wrong.length === 0) passed++;
      else failed++;
      say(lineOf(name, outcome));
    } catch (error) {
      failed++;
      say(`FAIL ${name}: ${String((error as Error).stack)}`);
    }
  }
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
say(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
