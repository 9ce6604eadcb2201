/** Runs programs to their end: the command line of TroikaMQ, and the system's tools that a fault needs. */
import { spawnSync } from "node:child_process";
import path from "node:path";

const launcher = path.join(import.meta.dirname, "../bin/troikamq.js");
const commandMsMax = 60_000;

export interface CheckRun {
  code: number;
  lines: string[];
}

/** `troikamq check` on the runtime under test. */
export function troikamqCheck(dataDir: string, ...flags: string[]): CheckRun {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [launcher, "check", "--data-dir", dataDir, ...flags],
    {
      encoding: "utf8",
      timeout: commandMsMax,
      env: { ...process.env, TROIKAMQ_RUNTIME: process.env["TROIKAMQ_TEST_RUNTIME"] ?? "bun" },
    },
  );
  return { code: status ?? -1, lines: `${stdout}${stderr}`.trim().split("\n") };
}

/** Runs a tool of the system; throws what it said when it fails. */
export function system(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8", timeout: commandMsMax });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

/** Whether this process may mount and has the tool. */
export function canRun(command: string): boolean {
  return process.getuid?.() === 0 && spawnSync(command, ["--version"]).error === undefined;
}
