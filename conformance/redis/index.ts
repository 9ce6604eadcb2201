/**
 * `npm run conformance:redis [-- --only TEXT[,TEXT]] [--peer] [--output FOLDER]`: Redis's own test suite against TroikaMQ, a
 * fresh broker for each unit, and how many tests of each pass beside the real redis-server. `--peer` runs it against the
 * redis-server of this machine instead, which is where the counts of units.ts come from; `--spawned` runs the units that start
 * their servers themselves, without a bar; `--output` keeps what the suite says. TROIKAMQ_TEST_RUNTIME (`bun`, the default, or `node`) says what runs the broker.
 *
 * Exit code 1 when less than 98 % pass, a test fails that is not in the list of known failures, or one of the list passes.
 * Where the suite cannot be had, it says what to do and skips.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { startTestBroker } from "../../test/support/broker.ts";
import { noRealRedis, RealRedis } from "../../test/support/real-redis.ts";
import { knownFailures } from "./known-failures.ts";
import { missingForSuite, openSuite, type Suite } from "./suite.ts";
import { runUnit, type UnitRunResult } from "./unit-run.ts";
import { spawningUnits, unitsAndCounts } from "./units.ts";
import { faultsIn, judge, passedShare, type UnitVerdict } from "../base/verdict.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    peer: { type: "boolean", default: false },
    spawned: { type: "boolean", default: false },
    output: { type: "string" },
  },
});

async function onBroker(suite: Suite, unit: string): Promise<UnitRunResult> {
  const broker = await startTestBroker();
  let result: UnitRunResult;
  try {
    result = await runUnit({ suite, unit, server: broker.ports.redis });
  } catch (error) {
    await broker.kill().catch(() => {});
    throw error;
  }
  try {
    await broker.stop();
    return result;
  } catch (error) {
    return { ...result, endedEarly: `the broker: ${(error as Error).message}` };
  }
}

async function onPeer(suite: Suite, unit: string): Promise<UnitRunResult> {
  const server = await RealRedis.start();
  try {
    return await runUnit({ suite, unit, server: server.port });
  } finally {
    await server.stop();
  }
}

function spawning(suite: Suite, unit: string): Promise<UnitRunResult> {
  const ours = `${process.execPath} ${path.join(import.meta.dirname, "spawned-server.ts")}`;
  return runUnit({ suite, unit, server: options.peer ? "redis-server" : ours });
}

function keepOutput(unit: string, text: string): void {
  if (options.output === undefined) return;
  fs.mkdirSync(options.output, { recursive: true });
  fs.writeFileSync(path.join(options.output, `${unit.replaceAll("/", "-")}.txt`), text);
}

function tell(verdict: UnitVerdict, seconds: number): void {
  const { unit, passedHere, passedByPeer, known, unknown, endedEarly } = verdict;
  const counts = `${String(passedHere).padStart(4)} / ${String(passedByPeer).padStart(4)}`;
  console.log(`${unit.padEnd(26)} ${counts}  ${seconds.toFixed(1).padStart(6)} s`);
  for (const { name, reason } of known) console.log(`    ${name}: ${reason}`);
  for (const { name, message } of unknown) console.log(`    FAILED ${name}: ${message}`);
  if (endedEarly !== undefined) console.log(`    ENDED EARLY: ${endedEarly}`);
}

/** The table of units.ts is not what this redis-server does. */
function changedCounts(all: readonly UnitVerdict[]): string[] {
  const changed = all.filter(({ passedHere, passedByPeer }) => passedHere !== passedByPeer);
  return changed.map(({ unit, passedHere }) => `${unit}: units.ts has another count than ${passedHere}`);
}

// What was started is ended where the process exits.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const missing = missingForSuite() ?? (options.peer && noRealRedis !== false ? noRealRedis : undefined);
if (missing !== undefined) {
  console.log(`skipped: ${missing}`);
  process.exit(0);
}
const suite = await openSuite();
const wanted = options.only?.split(",");
const verdicts: UnitVerdict[] = [];
console.log(`${"unit".padEnd(26)} ${options.peer ? "redis" : " here"} / redis`);
const runner = options.spawned ? spawning : options.peer ? onPeer : onBroker;
const units = options.spawned ? spawningUnits : unitsAndCounts;
for (const [unit, passedByPeer] of Object.entries(units)) {
  if (wanted?.some((text) => unit.includes(text)) === false) continue;
  const result = await runner(suite, unit);
  keepOutput(unit, result.output);
  const reasons = options.peer ? {} : (knownFailures[unit] ?? {});
  const verdict = judge(unit, result, { passedByPeer, reasons });
  verdicts.push(verdict);
  tell(verdict, result.seconds);
}
const passed = verdicts.reduce((sum, { passedHere }) => sum + passedHere, 0);
const expected = verdicts.reduce((sum, { passedByPeer }) => sum + passedByPeer, 0);
console.log(
  `${passed} of ${expected} in ${verdicts.length} units, ${(passedShare(verdicts) * 100).toFixed(1)} %`,
);
if (options.spawned) process.exit(0);
const faults = options.peer ? changedCounts(verdicts) : faultsIn(verdicts);
for (const fault of faults) console.log(`FAULT ${fault}`);
process.exit(faults.length > 0 ? 1 : 0);
