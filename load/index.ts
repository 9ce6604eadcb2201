/**
 * `npm run load [-- --only TEXT] [--runtime bun|node] [--list]`: whether the broker holds what is loaded onto it.
 *
 * Each scenario has a broker process of its own, and bounds; the table at the end has its figures. Speed is not looked
 * at (see bench/): other work on the machine may make these runs slow, not wrong. Exit code 1 when a bound is broken.
 */
import { parseArgs } from "node:util";
import { runtimeNamed } from "../bench/base/programs.ts";
import { connectionsAllowed } from "../bench/base/idle-connections.ts";
import { Load, type Scenario } from "./base/scenario.ts";
import { table } from "./base/table.ts";
import { scenarios } from "./scenarios/index.ts";

const connectionsWanted = 12_000;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    runtime: { type: "string", default: "bun" },
    list: { type: "boolean", default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const chosen = scenarios.filter(({ name }) => name.includes(values.only));
if (values.list || chosen.length === 0) {
  for (const { name, what } of scenarios) say(`${name.padEnd(16)}${what}`);
  process.exit(values.list ? 0 : 2);
}
process.env["TROIKAMQ_TEST_RUNTIME"] = runtimeNamed(values.runtime);
const allowed = connectionsAllowed(connectionsWanted);
if (allowed < connectionsWanted) {
  say(`only ${allowed} connections may be open here: raise ulimit -n above ${connectionsWanted + 1000}`);
  process.exit(2);
}
// What a client is not told by the call it made, such as a connection that the broker is killed under, is told by the
// counts; but it must not end the run.
process.on("unhandledRejection", (error) => say(`  (unheard: ${String(error)})`));

async function run(scenario: Scenario): Promise<Load> {
  const load = new Load();
  const startedMs = performance.now();
  try {
    await scenario.run(load);
  } catch (error) {
    load.wrong.push(String((error as Error).stack));
  }
  await load
    .stopBrokers()
    .catch((error: Error) => load.wrong.push(`the broker did not end well: ${error.message}`));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(`${load.wrong.length === 0 ? "ok  " : "FAIL"} ${scenario.name} (${seconds} s)`);
  for (const wrong of load.wrong) say(`     ${wrong}`);
  return load;
}

say(`load on ${values.runtime}`);
const rows: string[][] = [];
let failed = 0;
for (const scenario of chosen) {
  const load = await run(scenario);
  if (load.wrong.length > 0) failed++;
  for (const { name, value, bound } of load.figures) rows.push([scenario.name, name, value, bound]);
}
say("");
for (const line of table(["scenario", `on ${values.runtime}`, "seen", "bound"], rows)) say(line);
say(`\n${chosen.length - failed} held, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
