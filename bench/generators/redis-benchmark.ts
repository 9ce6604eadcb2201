/**
 * Redis' own load generator, read from its text: closed loop, so its latency is that under full load.
 *
 * It counts the replies that it asked for; that they took effect is the scenario's to see.
 */
import { spawn } from "node:child_process";
import type { Figures, Percentiles } from "../contract.ts";
import { findProgram } from "../base/programs.ts";

export interface RedisBenchmarkOptions {
  readonly port: number;
  readonly connections: number;
  readonly pipeline: number;
  readonly requests: number;
  /** Random keys out of so many, where the command has `__rand_int__`. */
  readonly keyspace?: number;
  readonly command: readonly string[];
}

export async function generate(options: RedisBenchmarkOptions): Promise<Figures> {
  const program = findProgram("redis-benchmark");
  if (program === undefined) throw new Error("no redis-benchmark; npm run bench:peers fetches it");
  const random = options.keyspace === undefined ? [] : ["-r", options.keyspace];
  const load = ["-c", options.connections, "-P", options.pipeline, "-n", options.requests, ...random];
  const args = ["-h", "127.0.0.1", "-p", options.port, ...load, ...options.command].map(String);
  const text = await textOf(program, args);
  const seconds = Number(/completed in ([\d.]+) seconds/.exec(text)?.[1]);
  const perSecond = Number(/throughput summary: ([\d.]+) requests/.exec(text)?.[1]);
  if (!(seconds > 0) || !(perSecond > 0)) throw new Error(`redis-benchmark said\n${text}`);
  return {
    count: options.requests,
    seconds: options.requests / perSecond,
    latency: percentilesOf(text),
    verified: `${options.requests} replies`,
  };
}

/** Its table of percentiles has a line for each doubling of certainty; the first at or past each share is taken. */
function percentilesOf(text: string): Percentiles {
  const lines = [...text.matchAll(/^([\d.]+)% <= ([\d.]+) milliseconds \(cumulative count \d+\)/gm)];
  const at = (share: number) => Number(lines.find(([, percent]) => Number(percent) >= share)?.[2] ?? NaN);
  return { p50: at(50), p99: at(99), p999: at(99.9), max: at(100) };
}

function textOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    child.stderr.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) resolve(text.replaceAll("\r", "\n"));
      else reject(new Error(`redis-benchmark ended with code ${code}\n${text.slice(-2000)}`));
    });
  });
}
