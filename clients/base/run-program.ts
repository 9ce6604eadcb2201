/**
 * Runs the program of a row to its end, with all that it starts itself, and reads what it says of each thing it tried.
 *
 * A program prints `ok: WHAT` for each thing that was right and ends with code 0, or ends with another code and what was
 * wrong. Not here: which program. Invariant: nothing that a program started is left when it is over.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { ProgramCommand } from "./row.ts";

/** Only a program that hangs takes this long: a machine may be busy with other work. */
const programMsMax = 300_000;
const outputCharactersKept = 256 * 1024;

export interface ProgramResult {
  /** Absent where the program was right. */
  readonly fault?: string;
  readonly checks: readonly string[];
  readonly output: string;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) killGroup(child);
});

export async function runProgram(
  command: ProgramCommand,
  env: Readonly<Record<string, string>>,
): Promise<ProgramResult> {
  const { output, end } = await runToEnd(command, {
    env,
    msMax: programMsMax,
    charactersKept: outputCharactersKept,
  });
  return readResult(output, end);
}

export interface RunOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly msMax: number;
  /** Of the end of its output. */
  readonly charactersKept: number;
}

/** What it wrote, and its exit code or why there is none. */
export async function runToEnd(
  command: ProgramCommand,
  { env, msMax, charactersKept }: RunOptions,
): Promise<{ readonly output: string; readonly end: number | string }> {
  const child = spawn(command.program, command.args, {
    cwd: command.directory,
    env: { ...process.env, ...command.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, which is ended as a whole: job queues start workers.
    detached: true,
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-charactersKept);
    });
  }
  const end = await endOf(child, msMax);
  running.delete(child);
  return { output, end };
}

function endOf(child: ChildProcess, msMax: number): Promise<number | string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      killGroup(child);
      resolve(`did not end within ${msMax / 1000} s`);
    }, msMax);
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve(`cannot be run: ${error.message}`);
    });
    child.once("exit", () => killGroup(child));
    // Not "exit": its last lines may still be on their way.
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? `was ended by ${signal}`);
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}

/** `end` is the exit code, or why there is none. */
export function readResult(output: string, end: number | string): ProgramResult {
  const checks = output
    .split("\n")
    .flatMap((line) => (line.startsWith("ok: ") ? [line.slice(4).trim()] : []));
  const fault = faultIn(checks, end);
  return fault === undefined ? { checks, output } : { fault, checks, output };
}

function faultIn(checks: readonly string[], end: number | string): string | undefined {
  if (typeof end === "string") return end;
  if (end !== 0) return `ended with code ${end} after ${checks.length} checks`;
  // A program that finds nothing to do would otherwise pass.
  if (checks.length === 0) return "checked nothing";
  return undefined;
}
