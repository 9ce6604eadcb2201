/**
 * `npm test [-- TEXT…]`: every test on both runtimes; with TEXT only the test files whose path holds one of them.
 *
 * Tests of pure code run under Node and under Bun, side by side. Tests with real clients (test/clients) run under Node
 * against a broker on Bun, then against one on Node: they read TROIKAMQ_TEST_RUNTIME. They mostly wait, so more run at
 * once than there are cores; but those of flow control (`flow-`) measure memory, and are spared that. Asserts of the
 * sources are on (src/base/assert.ts), but for what measures: `flow-`, and the counts (`counts-`).
 * Only a TEXT that is in their path runs the files that take long (`*.long.test.ts`, `npm run test:long`) and those
 * that compare with a real server (`*-real.test.ts`, `npm run test:real`), which skip what has no server here.
 * Invariant: exit code 0 only if every stage ran at least one file (unless TEXT left it none) and all passed.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { findBun } from "../bin/runtime.js";

const root = join(import.meta.dirname, "..");
/** Of one test; beyond it hangs. Twenty things that a quiet machine does in a second each fit in it on a busy one. */
const testMsMax = 300_000;
/** Of one stage, which takes three minutes on two quiet cores. One that hangs is ended, and what it has printed is shown. */
const stageMsMax = 1_200_000;
const cores = 2;
const waitingAtOnce = 2 * cores;
/** Node strips types and compiles once for all test files, and for all brokers that they start: a third of their time. */
const compileCache = join(root, "node_modules/.cache/node-compile");

interface Stage {
  readonly name: string;
  readonly files: readonly string[];
  /** Undefined: this machine has no such runtime. */
  readonly command: readonly string[] | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Runs beside the stage before it; what it prints comes at its end. */
  readonly isBeside?: boolean;
}

interface Result {
  readonly stage: Stage;
  readonly outcome: "passed" | "FAILED" | "HUNG" | "NO FILES" | "no file matches" | "no such runtime here";
  readonly seconds: number;
}

const wanted = process.argv.slice(2);
const isApart = (path: string): boolean => /(\.long|-real)\.test\.ts$/.test(path);
const isWanted = (path: string): boolean =>
  wanted.length === 0 ? !isApart(path) : wanted.some((text) => path.includes(text));
const all = globSync("test/**/*.test.ts", { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .filter(isWanted)
  .toSorted();
const needsBroker = (path: string): boolean => path.startsWith("test/clients/");
const measures = (path: string): boolean => path.includes("/flow-") || path.includes("/counts-");
const asserts = { TROIKAMQ_ASSERTS: "1" };

const bun = findBun();
const nodeTest = (filesAtOnce: number): readonly string[] => [
  process.execPath,
  "--test",
  `--test-concurrency=${filesAtOnce}`,
  `--test-timeout=${testMsMax}`,
  // A failed test may leave a connection open: its file would never end, since the timeout is each test's alone.
  "--test-force-exit",
];
const pure = all.filter((path) => !needsBroker(path));
const clients = all.filter(needsBroker);

/** Clients with a broker on the runtime. */
function clientStages(runtime: "bun" | "node", title: string): readonly Stage[] {
  const hasRuntime = runtime === "node" || bun !== undefined;
  const environment = { TROIKAMQ_TEST_RUNTIME: runtime };
  return [
    {
      name: `clients, broker on ${title}`,
      files: clients.filter((path) => !measures(path)),
      command: hasRuntime ? nodeTest(waitingAtOnce) : undefined,
      environment: { ...environment, ...asserts },
    },
    {
      name: `flow control on ${title}`,
      files: clients.filter(measures),
      command: hasRuntime ? nodeTest(cores) : undefined,
      environment,
    },
  ];
}

/** On Node, and beside it on Bun. */
function pureStages(
  title: string,
  files: readonly string[],
  environment: Stage["environment"] = {},
): Stage[] {
  return [
    { name: `${title} on Node`, files, command: nodeTest(cores), environment },
    {
      name: `${title} on Bun`,
      // Bun takes a path for a file only when it begins with a dot.
      files: files.map((path) => `./${path}`),
      command: bun === undefined ? undefined : [bun, "test", `--timeout=${testMsMax}`],
      environment,
      isBeside: true,
    },
  ];
}

const stages: readonly Stage[] = [
  ...pureStages(
    "pure code",
    pure.filter((path) => !measures(path)),
    asserts,
  ),
  ...pureStages("counts", pure.filter(measures)),
  ...clientStages("bun", "Bun"),
  ...clientStages("node", "Node"),
];

async function runStage(stage: Stage): Promise<Result> {
  const started = performance.now();
  const outcome = await outcomeOf(stage);
  return { stage, outcome, seconds: (performance.now() - started) / 1000 };
}

async function outcomeOf({ name, files, command, environment, isBeside }: Stage): Promise<Result["outcome"]> {
  if (files.length === 0) return wanted.length > 0 ? "no file matches" : "NO FILES";
  if (command === undefined) return "no such runtime here";
  const title = `\n== ${name}: ${files.length} files ==\n`;
  if (isBeside !== true) process.stdout.write(title);
  const [program, ...args] = command;
  const child = spawn(program!, [...args, ...files], {
    cwd: root,
    stdio: isBeside === true ? ["ignore", "pipe", "pipe"] : "inherit",
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env, ...environment },
  });
  const printed: Buffer[] = [];
  child.stdout?.on("data", (bytes: Buffer) => printed.push(bytes));
  child.stderr?.on("data", (bytes: Buffer) => printed.push(bytes));
  let isHung = false;
  let timer: NodeJS.Timeout | undefined;
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
    timer = setTimeout(() => {
      isHung = true;
      // Not "close": what the runner has started may hold its output open.
      child.on("exit", resolve);
      child.kill("SIGKILL");
    }, stageMsMax);
  });
  clearTimeout(timer);
  if (isBeside === true) process.stdout.write(Buffer.concat([Buffer.from(title), ...printed]));
  if (isHung) return "HUNG";
  return code === 0 ? "passed" : "FAILED";
}

const results: Result[] = [];
const running: Promise<Result>[] = [];
for (const stage of stages) {
  if (stage.isBeside !== true) results.push(...(await Promise.all(running.splice(0))));
  running.push(runStage(stage));
}
results.push(...(await Promise.all(running)));

process.stdout.write("\n");
for (const { stage, outcome, seconds } of results) {
  process.stdout.write(`${stage.name.padEnd(24)} ${String(stage.files.length).padStart(3)} files  `);
  process.stdout.write(`${seconds.toFixed(1).padStart(6)} s  ${outcome}\n`);
}
const passed = results.filter(({ outcome }) => outcome === "passed").length;
const failed = results.filter(({ outcome }) => ["FAILED", "HUNG", "NO FILES"].includes(outcome)).length;
process.stdout.write(`\nstages: ${passed} passed, ${failed} failed\n`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
