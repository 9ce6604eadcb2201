/**
 * One unit of Redis's test suite: against a server that runs already, in the suite's external server mode, or against servers
 * that the suite starts itself.
 *
 * Not here: which server (index.ts), what the outcome means (verdict.ts). Invariant: it ends, and leaves no process, within
 * `unitMsMax`.
 */
import { spawn } from "node:child_process";
import { ownPort } from "../../test/support/ports.ts";
import type { UnitOutcome } from "../base/outcome.ts";
import { readOutput } from "./output.ts";
import { serverVariable, type Suite } from "./suite.ts";

/** On a machine that does much else at the same time, a unit of two minutes has taken ten. */
const unitMsMax = 1_800_000;
/** Without a test that begins or ends. */
const progressSecondsMax = 600;
/** The suite looks for a port for itself so far below its base port. */
const ownPortsBelowBase = 32;

/** What the suite itself says that it needs, and an external server does not have. */
const tagsLeftOut = [
  "needs:debug",
  "needs:pfdebug",
  "needs:repl",
  "needs:config-maxmemory",
  "needs:config-resetstat",
  "needs:save",
  "needs:latency",
  "needs:local-process",
  "slow",
];

export interface UnitRun {
  readonly suite: Suite;
  readonly unit: string;
  /** The port of one that runs, or the command line that starts one with a configuration file behind it. */
  readonly server: number | string;
}

export interface UnitRunResult extends UnitOutcome {
  readonly output: string;
  readonly seconds: number;
}

export async function runUnit({ suite, unit, server }: UnitRun): Promise<UnitRunResult> {
  const started = performance.now();
  const basePort = (await ownPort()) + ownPortsBelowBase;
  const options = {
    ...(typeof server === "number" ? { host: "127.0.0.1", port: server } : { clients: 1, portcount: 200 }),
    baseport: basePort,
    single: unit,
    timeout: progressSecondsMax,
    tags: tagsLeftOut.map((tag) => `-${tag}`).join(" "),
  };
  const command = typeof server === "string" ? server : "";
  const output = await outputOf(suite, command, [
    "tests/test_helper.tcl",
    "--durable",
    "--ignore-encoding",
    "--ignore-digest",
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ]);
  return { ...readOutput(output), output, seconds: (performance.now() - started) / 1000 };
}

function outputOf({ folder, tclsh }: Suite, command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // A group of its own, which ends with the processes that the suite starts.
    const child = spawn(tclsh, args, {
      cwd: folder,
      env: { ...process.env, [serverVariable]: command },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const end = (): void => {
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch {
        // Gone by itself.
      }
    };
    const timer = setTimeout(end, unitMsMax);
    process.once("exit", end);
    let text = "";
    const keep = (piece: string): void => {
      text += piece;
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (error) => reject(new Error(`${tclsh} cannot be run: ${error.message}`)));
    child.on("close", () => {
      clearTimeout(timer);
      process.removeListener("exit", end);
      end();
      resolve(text);
    });
  });
}
