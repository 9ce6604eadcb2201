/**
 * `npm run conformance:amqp [-- --only TEXT[,TEXT]] [--peer] [--from NAME=FOLDER] [--output FOLDER]`: the test suites of RabbitMQ's client
 * libraries against TroikaMQ, a fresh broker for each, and how many tests of each pass beside rabbitmq-server 3.10.8.
 *
 * `--peer` runs them against the rabbitmq-server of this machine instead, which is where the counts of suites.ts come from; `--from`
 * names a checkout of a library whose tests no package registry has; `--output` keeps what suites say. TROIKAMQ_TEST_RUNTIME (`bun`,
 * the default, or `node`) says what runs the broker. Exit code 1 when a test fails that is not in the list of known failures, or one
 * of the list passes. A suite with such a failure is run a second time, and only what fails in both is one. A suite that cannot be had
 * is skipped, with what to do.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { runToEnd } from "../../clients/base/run-program.ts";
import { missingRealRabbitMq } from "../../test/support/real-rabbitmq.ts";
import { eitherOf, type UnitOutcome } from "../base/outcome.ts";
import { faultsIn, judge, type UnitVerdict } from "../base/verdict.ts";
import { knownFailures } from "./known-failures.ts";
import { readGoTest, readJunit } from "./reports.ts";
import { managementApi, missingPorts, startRabbitMq, startTroika } from "./servers.ts";
import type { OpenSuite, Suite } from "./suite.ts";
import { suitesAndCounts } from "./suites.ts";

const suiteMsMax = 900_000;
const charactersKept = 16 * 1024 * 1024;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    peer: { type: "boolean", default: false },
    from: { type: "string", multiple: true, default: [] },
    output: { type: "string" },
  },
});

async function outcomeOf(suite: Suite, { command, report }: OpenSuite): Promise<UnitOutcome> {
  if (report !== undefined) fs.rmSync(report, { force: true });
  const { output, end } = await runToEnd(command, { env: {}, msMax: suiteMsMax, charactersKept });
  const isThere = report !== undefined && fs.existsSync(report);
  const text = isThere ? fs.readFileSync(report, "utf8") : "";
  if (options.output !== undefined) {
    fs.mkdirSync(options.output, { recursive: true });
    fs.writeFileSync(path.join(options.output, `${suite.name}.txt`), output);
    if (isThere) fs.writeFileSync(path.join(options.output, `${suite.name}.xml`), text);
  }
  const outcome = report === undefined ? readGoTest(output) : readJunit(text);
  return typeof end === "string" ? { ...outcome, endedEarly: end } : outcome;
}

/** @returns why it is skipped, or what came of it; where something failed that is not known to, of a second run too */
async function runSuite(
  suite: Suite,
  reasons: Readonly<Record<string, string>>,
): Promise<UnitOutcome | string> {
  const missing = suite.missing();
  if (missing !== undefined) return missing;
  let opened: OpenSuite;
  try {
    opened = await suite.open();
  } catch (error) {
    return `it cannot be brought here: ${(error as Error).message}`;
  }
  const first = await runOnce(suite, opened);
  const unknown = first.failed.filter(({ name }) => reasons[name] === undefined);
  // A broker that did not end well, or a suite that hung, is not a matter of a busy machine.
  if (unknown.length === 0 || first.endedEarly !== undefined) return first;
  console.log(`${suite.name}: once more, since tests failed`);
  for (const { name, message } of unknown) console.log(`    ${name}: ${message}`);
  return eitherOf(first, await runOnce(suite, opened));
}

async function runOnce(suite: Suite, opened: OpenSuite): Promise<UnitOutcome> {
  const server = await (options.peer ? startRabbitMq() : startTroika());
  let outcome: UnitOutcome;
  try {
    await suite.prepare?.(managementApi);
    outcome = await outcomeOf(suite, opened);
  } catch (error) {
    await server.stop().catch(() => {});
    throw error;
  }
  try {
    await server.stop();
    return outcome;
  } catch (error) {
    return { ...outcome, endedEarly: `the server: ${(error as Error).message}` };
  }
}

function tell({ unit, passedHere, passedByPeer, known, unknown, endedEarly }: UnitVerdict, ms: number): void {
  const counts = `${String(passedHere).padStart(5)} / ${String(passedByPeer).padStart(5)}`;
  console.log(`${unit.padEnd(22)} ${counts}  ${(ms / 1000).toFixed(1).padStart(6)} s`);
  for (const { name, reason } of known) console.log(`    ${name}: ${reason}`);
  for (const { name, message } of unknown) console.log(`    FAILED ${name}: ${message}`);
  if (endedEarly !== undefined) console.log(`    ENDED EARLY: ${endedEarly}`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const missing = (options.peer ? missingRealRabbitMq() : undefined) ?? (await missingPorts());
if (missing !== undefined) {
  console.log(`skipped: ${missing}`);
  process.exit(0);
}
const checkouts = Object.fromEntries(options.from.map((each) => each.split("=", 2)));
const wanted = options.only?.split(",");
const verdicts: UnitVerdict[] = [];
let skipped = 0;
console.log(`${"suite".padEnd(22)} ${options.peer ? "  peer" : "  here"} / RabbitMQ`);
for (const [suite, passedByPeer] of suitesAndCounts(checkouts)) {
  if (wanted?.some((text) => suite.name.includes(text)) === false) continue;
  const startMs = performance.now();
  const reasons = options.peer ? {} : (knownFailures[suite.name] ?? {});
  const outcome = await runSuite(suite, reasons);
  if (typeof outcome === "string") {
    skipped++;
    console.log(`${suite.name.padEnd(22)} skipped: ${outcome}`);
    continue;
  }
  const verdict = judge(suite.name, outcome, { passedByPeer, reasons });
  verdicts.push(verdict);
  tell(verdict, performance.now() - startMs);
}
const faults = options.peer
  ? verdicts
      .filter(({ passedHere, passedByPeer }) => passedHere !== passedByPeer)
      .map(({ unit, passedHere }) => `${unit}: suites.ts has another count than ${passedHere}`)
  : faultsIn(verdicts);
for (const fault of faults) console.log(`FAULT ${fault}`);
console.log(`${verdicts.length} suites ran, ${skipped} skipped`);
process.exit(faults.length > 0 ? 1 : 0);
