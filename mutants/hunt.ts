/**
 * Runs what can find a planted fault: test files, or the simulator seed by seed.
 *
 * Invariant: what ends by itself with a failure has found the fault; what hangs, or cannot run at all, has found nothing.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import path from "node:path";
import { findBun } from "../bin/runtime.js";

/** The seeds alone take two or three minutes. A hunt that hangs, or a machine that is much too busy, shows nothing. */
const msMax = 900_000;
const testMsMax = 60_000;

interface Ended {
  readonly text: string;
  readonly code: number | null;
}

/** Runs until it ends, or until `isEnough` says that what it printed is. Throws when the time is over before. */
function run(args: readonly string[], cwd: string, isEnough: (text: string) => boolean): Promise<Ended> {
  const environment = {
    TROIKAMQ_ASSERTS: "1",
    TROIKAMQ_TEST_RUNTIME: findBun() === undefined ? "node" : "bun",
  };
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
    env: { ...process.env, ...environment },
  });
  let text = "";
  const take = (piece: string): void => {
    text += piece;
    if (isEnough(text)) child.kill();
  };
  child.stdout.setEncoding("utf8").on("data", take);
  child.stderr.setEncoding("utf8").on("data", take);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill();
  }, msMax);
  return new Promise((resolve, reject) => {
    child.on("close", (code) => {
      clearTimeout(timer);
      if (isLate) reject(new Error(`it was not over in ${msMax / 1000} s: ${text.slice(-200)}`));
      else resolve({ text, code });
    });
  });
}

/** What failed in these test files, or undefined when all passed. */
export async function failedTest(
  directory: string,
  beginnings: readonly string[],
): Promise<string | undefined> {
  const all = globSync("test/**/*.test.ts", { cwd: directory }).toSorted();
  const files = all.filter((file) => beginnings.some((beginning) => file.startsWith(`test/${beginning}`)));
  if (files.length === 0) throw new Error(`no test file begins with ${beginnings.join(" or ")}`);
  const flags = [
    "--test",
    "--test-reporter=tap",
    "--test-concurrency=1",
    `--test-timeout=${testMsMax}`,
    "--test-force-exit",
  ];
  const isFailure = /^\s*not ok \d+ - (?!.*# TODO)(.*)$/m;
  const { text, code } = await run([...flags, ...files], directory, () => false);
  if (code === 0) return undefined;
  const line = isFailure.exec(text)?.[1];
  if (line === undefined) throw new Error(`the tests ended with ${code}: ${text.slice(-300)}`);
  return line.slice(0, 160);
}

/** What failed in the first seed that did, or undefined when none did. */
export async function failedSeed(directory: string, seedsMax: number): Promise<string | undefined> {
  const flags = [path.join(directory, "sim/index.ts"), `--seeds=${seedsMax}`, "--stride=1"];
  const hasFailed = (text: string): boolean =>
    text.includes("FAILED") && text.includes("\n", text.indexOf("FAILED"));
  const { text, code } = await run(flags, directory, hasFailed);
  const line = text.split("\n").find((each) => each.includes("FAILED"));
  if (line !== undefined) return line.replace("FAILED: ", "").slice(0, 160);
  if (code === 0) return undefined;
  throw new Error(`the simulator ended with ${code}: ${text.slice(-200)}`);
}
