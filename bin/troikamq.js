#!/usr/bin/env node
/**
 * The command `troikamq`: starts cli/main.ts under Bun, or under Node where there is no Bun.
 * Plain JavaScript for Node >= 18. Not here: any option of the broker; arguments are handed on as they are.
 *
 * Invariants: the exit code is the broker's own, 128 + number if a signal ended it, 2 if nothing could be started. A
 * launcher that stays is never survived by the broker.
 */
import { fileURLToPath } from "node:url";
import { runtimeEnvironment } from "./environment.js";
import { npmParents, watchParents } from "./parents.js";
import { chooseRuntime } from "./runtime.js";

// A test puts its own program here.
const program =
  process.env.TROIKAMQ_TEST_PROGRAM ?? fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const forwardedSignals = ["SIGTERM", "SIGINT", "SIGHUP"];

function fail(problem) {
  process.stderr.write(`troikamq: ${problem}\n`);
  process.exit(2);
}

/** The child's end of a pipe that nobody writes to: it ends with this process, even by SIGKILL (cli/parent.ts). */
const pipeDescriptor = 3;

/** Runs the program as a child and lives and dies with it. */
async function runAsChild(path, args) {
  const { spawn } = await import("node:child_process");
  const { constants } = await import("node:os");
  // On Windows the system ends the child by itself.
  const isWindows = process.platform === "win32";
  const child = spawn(path, args, {
    stdio: isWindows ? "inherit" : ["inherit", "inherit", "inherit", "pipe"],
    env: isWindows
      ? runtimeEnvironment()
      : { ...runtimeEnvironment(), TROIKAMQ_LAUNCHER_FD: String(pipeDescriptor) },
  });
  child.stdio[pipeDescriptor]?.on("error", () => {});
  const parents = npmParents(process.env);
  if (parents !== undefined) watchParents(parents, () => child.kill("SIGTERM"));
  for (const signal of forwardedSignals) {
    // The child decides when to end; this process only waits for it. A terminal's Ctrl-C reaches both.
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => fail(`cannot start ${path}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === "SIGILL") {
      process.stderr.write(
        "troikamq: this processor cannot run the installed Bun; set TROIKAMQ_RUNTIME=node\n",
      );
    }
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}

const { path, args: before, problem } = chooseRuntime(process.env.TROIKAMQ_RUNTIME);
if (problem !== undefined) {
  fail(problem);
} else {
  const args = [...before, program, ...process.argv.slice(2)];
  // Replacing this process leaves one process less and makes signals and the exit code the broker's own.
  if (typeof process.execve === "function" && process.platform !== "win32") {
    process.execve(path, [path, ...args], runtimeEnvironment());
  } else {
    await runAsChild(path, args);
  }
}
