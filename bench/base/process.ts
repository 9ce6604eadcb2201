/**
 * Processes of the bench: pinned to a core, watched through /proc, ended by pid.
 * Not here: what a server's settings are (servers/).
 * Invariant: whatever was started here is ended, and each temporary directory gone, when the bench ends, by whichever
 * way but a kill of its own.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import type { Usage } from "../contract.ts";

const ticksPerSecond = 100;
const pollMs = 5;
const stopMsMax = 15_000;

const running = new Set<ChildProcess>();
const directories = new Set<string>();
process.on("exit", () => {
  for (const child of running) killHard(child);
  for (const directory of directories) removeDirectory(directory);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

/** The server has the first core and the generator the second, where there are two and `taskset` can pin. */
export const isPinned: boolean =
  process.platform === "linux" &&
  os.availableParallelism() >= 2 &&
  spawnSync("taskset", ["--version"]).status === 0;

export type Core = 0 | 1;

export interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<number>;
  /** When it was spawned, as `performance.now()` tells it. */
  readonly spawnedAtMs: number;
  /** The end of what it wrote to stderr. */
  log(): string;
}

export interface StartOptions {
  /** Undefined: any. */
  readonly core: Core | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

/** `{ port: 1 }` as `--port 1`. */
export function flagsOf(options: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** stdout is piped to the caller, who must read it. */
export function startPinned(program: string, args: readonly string[], options: StartOptions): Started {
  const pin = isPinned && options.core !== undefined ? ["taskset", "-c", String(options.core)] : [];
  const [command = program, ...rest] = [...pin, program, ...args];
  const spawnedAtMs = performance.now();
  const child = spawn(command, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.environment },
    cwd: options.directory,
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-8192);
  });
  running.add(child);
  const exited = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      running.delete(child);
      resolve(code ?? -1);
    });
  });
  return { child, exited, spawnedAtMs, log: () => log };
}

function killHard(child: ChildProcess): void {
  child.kill("SIGKILL");
}

/** Asks a process to end, and after 15 s makes it. */
export async function stopProcess(started: Started, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  const late = setTimeout(() => killHard(started.child), stopMsMax);
  started.child.kill(signal);
  await started.exited;
  clearTimeout(late);
}

/** Of one process and all its threads, from /proc; zeros where there is none. */
export function usageOf(pid: number): Usage {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
    const bytesOf = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) * 1024;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      rssBytes: bytesOf("VmRSS"),
      rssBytesMax: bytesOf("VmHWM"),
    };
  } catch {
    return { cpuSeconds: 0, rssBytes: 0, rssBytesMax: 0 };
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/**
 * Waits until something accepts on the port, and says how long that was after its spawn, ms.
 * @throws when the process ended, or nothing did in time
 */
export async function waitForPort(port: number, started: Started, msMax: number): Promise<number> {
  let code: number | undefined;
  void started.exited.then((exitCode) => (code = exitCode));
  for (let waited = 0; waited < msMax; waited += pollMs) {
    if (code !== undefined)
      throw new Error(`it ended with code ${code} before it was ready\n${started.log()}`);
    if (await canConnect(port)) return performance.now() - started.spawnedAtMs;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`nothing listened on port ${port} within ${msMax} ms\n${started.log()}`);
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    // Linux may give an attempt the very port that it calls, which then reaches itself: nobody listens there yet.
    socket.once("connect", () => settle(socket.localPort !== port));
    socket.once("error", () => settle(false));
  });
}

/** A directory for a server's data, on a real disk: beside the checkout, where /tmp may be memory. */
export function temporaryDirectory(name: string): string {
  const parent = path.join(import.meta.dirname, "../../.peers/data");
  fs.mkdirSync(parent, { recursive: true });
  const directory = fs.mkdtempSync(path.join(parent, `${name}-`));
  directories.add(directory);
  return directory;
}

/** Again, while a process that was just killed still writes there. */
export function removeDirectory(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  directories.delete(directory);
}
