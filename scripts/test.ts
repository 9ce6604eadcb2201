/**
 * `npm test [-- TEXT…]`: every test on both runtimes; with TEXT only the test files whose path holds one of them.
 *
 * Tests of pure code run under Node and under Bun. Tests with real clients (test/clients, test/conformance) run
 * under Node against a broker on Bun, then against one on Node: they read TROIKAMQ_TEST_RUNTIME.
 * Invariant: exit code 0 only if every stage ran at least one file (unless TEXT left it none) and all passed.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { findBun } from "../bin/runtime.js";

const root = join(import.meta.dirname, "..");
const testMsMax = 180_000;
const filesAtOnce = 2;
/** Node strips types and compiles once for all test files, and for all brokers that they start: a third of their time. */
const compileCache = join(root, "node_modules/.cache/node-compile");

interface Stage {
  readonly name: string;
  readonly files: readonly string[];
  /** Undefined: this machine has no such runtime. */
  readonly command: readonly string[] | undefined;
  readonly environment?: Readonly<Record<string, string>>;
}

interface Result {
  readonly stage: Stage;
  readonly outcome: "passed" | "FAILED" | "NO FILES" | "no file matches" | "no such runtime here";
  readonly seconds: number;
}

const wanted = process.argv.slice(2);
const all = globSync("test/**/*.test.ts", { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => wanted.length === 0 || wanted.some((text) => path.includes(text)))
  .toSorted();
const needsBroker = (path: string): boolean => /^test\/(?:clients|conformance)\//.test(path);

const bun = findBun();
const nodeTest = [
  process.execPath,
  "--test",
  `--test-concurrency=${filesAtOnce}`,
  `--test-timeout=${testMsMax}`,
];
const pure = all.filter((path) => !needsBroker(path));
const clients = all.filter(needsBroker);
const stages: readonly Stage[] = [
  { name: "pure code on Node", files: pure, command: nodeTest },
  {
    name: "pure code on Bun",
    // Bun takes a path for a file only when it begins with a dot.
    files: pure.map((path) => `./${path}`),
    command: bun === undefined ? undefined : [bun, "test", `--timeout=${testMsMax}`],
  },
  {
    name: "clients, broker on Bun",
    files: clients,
    command: bun === undefined ? undefined : nodeTest,
    environment: { TROIKAMQ_TEST_RUNTIME: "bun" },
  },
  {
    name: "clients, broker on Node",
    files: clients,
    command: nodeTest,
    environment: { TROIKAMQ_TEST_RUNTIME: "node" },
  },
];

async function runStage(stage: Stage): Promise<Result> {
  const { name, files, command, environment } = stage;
  const started = performance.now();
  const outcome = await outcomeOf();
  return { stage, outcome, seconds: (performance.now() - started) / 1000 };

  async function outcomeOf(): Promise<Result["outcome"]> {
    if (files.length === 0) return wanted.length > 0 ? "no file matches" : "NO FILES";
    if (command === undefined) return "no such runtime here";
    process.stdout.write(`\n== ${name}: ${files.length} files ==\n`);
    const [program, ...args] = command;
    const child = spawn(program!, [...args, ...files], {
      cwd: root,
      stdio: "inherit",
      env: { NODE_COMPILE_CACHE: compileCache, ...process.env, ...environment },
    });
    const code = await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", resolve);
    });
    return code === 0 ? "passed" : "FAILED";
  }
}

const results: Result[] = [];
for (const stage of stages) results.push(await runStage(stage));

process.stdout.write("\n");
for (const { stage, outcome, seconds } of results) {
  process.stdout.write(`${stage.name.padEnd(24)} ${String(stage.files.length).padStart(3)} files  `);
  process.stdout.write(`${seconds.toFixed(1).padStart(6)} s  ${outcome}\n`);
}
const passed = results.filter(({ outcome }) => outcome === "passed").length;
const failed = results.filter(({ outcome }) => outcome === "FAILED" || outcome === "NO FILES").length;
process.stdout.write(`\nstages: ${passed} passed, ${failed} failed\n`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
