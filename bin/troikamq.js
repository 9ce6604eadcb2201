#!/usr/bin/env node
/**
 * The command `troikamq`: starts cli/main.ts under Bun, or under Node where there is no Bun.
 * Plain JavaScript for Node >= 18. Not here: any option of the broker; arguments are handed on as they are.
 *
 * Invariant: the exit code is the broker's own, 128 + number if a signal ended it, 2 if nothing could be started.
 */
import { fileURLToPath } from "node:url";
import { chooseRuntime } from "./runtime.js";

// A test puts its own program here.
const program =
  process.env.TROIKAMQ_TEST_PROGRAM ?? fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const forwardedSignals = ["SIGTERM", "SIGINT", "SIGHUP"];

function fail(problem) {
  process.stderr.write(`troikamq: ${problem}\n`);
  process.exit(2);
}

/** Runs the program as a child and lives and dies with it. */
async function runAsChild(path, args) {
  const { spawn } = await import("node:child_process");
  const { constants } = await import("node:os");
  const child = spawn(path, args, { stdio: "inherit" });
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
    process.execve(path, [path, ...args], process.env);
  } else {
    await runAsChild(path, args);
  }
}
