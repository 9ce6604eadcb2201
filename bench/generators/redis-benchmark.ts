/**
 * Redis' own load generator, read from its text: closed loop, so its latency is that under full load.
 *
 * It counts the replies that it asked for; that they took effect is looked up afterwards, on a connection of our own.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import type { Figures, Percentiles } from "../contract.ts";
import { findProgram } from "../base/programs.ts";
import { serverCpuSeconds } from "./base/account.ts";
import { callAll } from "./redis/client.ts";
import { countCalls } from "./redis/command-stats.ts";
import { Connection } from "./redis/connection.ts";
import { type Expectation, verifyAll } from "./redis/expectation.ts";
import { fill, type Fill } from "./redis/fill.ts";
import { fillKeyspace, type Keyspace, writtenShare } from "./redis/keyspace.ts";

export interface RedisBenchmarkOptions {
  readonly port: number;
  readonly connections: number;
  readonly pipeline: number;
  readonly requests: number;
  readonly serverPid?: number;
  /** Random keys out of these, where the command has `__rand_int__`; they are filled first. */
  readonly keyspace?: Keyspace;
  /** `__rand_int__` is below this, where there is no `keyspace`. */
  readonly randoms?: number;
  readonly fill?: Fill;
  readonly command: readonly string[];
  readonly before?: readonly (readonly string[])[];
  readonly expect?: readonly Expectation[];
  /** What the command writes to random keys, looked for afterwards. */
  readonly writtenValue?: string;
  readonly after?: readonly (readonly string[])[];
}

const ticksPerSecond = 100;
/** It tells its rate four times a second; so long at zero, and it is ended. */
const stallMsMax = 20_000;
/** Of the share of keys that random picks hit on average; a sample of keys may have fewer by chance. */
const writtenShareLeast = 0.8;

export async function generate(options: RedisBenchmarkOptions): Promise<Figures> {
  const program = findProgram("redis-benchmark");
  if (program === undefined) throw new Error("no redis-benchmark; npm run bench:peers fetches it");
  const { keyspace, requests } = options;
  const target = { port: options.port, failed };
  await callAll(target, options.before ?? []);
  const control = await Connection.open(target);
  if (keyspace !== undefined) await fillKeyspace(control, keyspace);
  if (options.fill !== undefined) await fill(control, options.fill);
  const countedCalls = await countCalls(control, options.command[0]!);

  const randoms = keyspace?.keys ?? options.randoms;
  const random = randoms === undefined ? [] : ["-r", randoms];
  const load = ["-c", options.connections, "-P", options.pipeline, "-n", requests, ...random];
  const args = ["-h", "127.0.0.1", "-p", options.port, ...load, ...options.command].map(String);
  const cpuSecondsBefore = cpuSecondsOfChildren();
  const startMs = performance.now();
  const serverBefore = serverCpuSeconds(options);
  const text = await textOf(program, args);
  const cpuSeconds = serverCpuSeconds(options) - serverBefore;
  const cpuShare = ((cpuSecondsOfChildren() - cpuSecondsBefore) * 1000) / (performance.now() - startMs);
  const perSecond = Number(/throughput summary: ([\d.]+) requests/.exec(text)?.[1]);
  if (!(perSecond > 0)) throw new Error(`redis-benchmark said\n${text}`);

  const calls = await countedCalls(requests);
  const state = await verifyAll(target, options.expect ?? []);
  const keys = keyspace === undefined ? "" : await verifyKeys(control, keyspace, options);
  control.close();
  await callAll(target, options.after ?? []);
  return {
    count: requests,
    seconds: requests / perSecond,
    latency: percentilesOf(text),
    ...(options.serverPid === undefined ? {} : { cpuSeconds }),
    verified: `${requests} replies${calls}${state}${keys}, generator ${Math.round(cpuShare * 100)}% busy`,
  };
}

/** Of our own connections: the run must not go on. */
function failed(error: unknown): void {
  throw error;
}

async function verifyKeys(
  connection: Connection,
  keyspace: Keyspace,
  { requests, writtenValue }: RedisBenchmarkOptions,
): Promise<string> {
  const share = await writtenShare(connection, keyspace, writtenValue ?? "");
  if (writtenValue === undefined) return ", the keys are there";
  const expected = 1 - Math.exp(-requests / keyspace.keys);
  if (share < writtenShareLeast * expected)
    throw new Error(`${share} of the keys have the run's value, expected about ${expected}`);
  return `, ${Math.round(share * 100)}% of the keys have the run's value`;
}

/** Of children that have ended: redis-benchmark's own time, to tell whether it was the limit. 0 where there is no /proc. */
function cpuSecondsOfChildren(): number {
  try {
    const stat = fs.readFileSync("/proc/self/stat", "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
  } catch {
    return 0;
  }
}

/** Its table of percentiles has a line for each doubling of certainty; the first at or past each share is taken. */
export function percentilesOf(text: string): Percentiles {
  const lines = [...text.matchAll(/^([\d.]+)% <= ([\d.]+) milliseconds \(cumulative count \d+\)/gm)];
  const at = (share: number) => Number(lines.find(([, percent]) => Number(percent) >= share)?.[2] ?? NaN);
  return { p50: at(50), p99: at(99), p999: at(99.9), max: at(100) };
}

/** What it printed. @throws when it fails, or its requests are not answered any more */
function textOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    let isStalled = false;
    const stalled = () => {
      isStalled = true;
      child.kill("SIGKILL");
    };
    let timer = setTimeout(stalled, stallMsMax);
    const read = (piece: string) => {
      text += piece;
      if (!/rps=\d*[1-9]/.test(piece)) return;
      clearTimeout(timer);
      timer = setTimeout(stalled, stallMsMax);
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.on("error", reject);
    child.on("exit", (code) => {
      clearTimeout(timer);
      const end = text.replaceAll("\r", "\n");
      if (isStalled)
        reject(new Error(`redis-benchmark got no replies for ${stallMsMax} ms\n${end.slice(-300)}`));
      else if (code === 0) resolve(end);
      else reject(new Error(`redis-benchmark ended with code ${code}\n${end.slice(-2000)}`));
    });
  });
}
