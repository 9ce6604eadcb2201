/**
 * How a command is driven by redis-benchmark: 50 connections, pipelines of 1 and 16. The rows: redis-commands.ts for strings,
 * streams and Pub/Sub, redis-values.ts for what issue 14 names.
 *
 * Invariant: the CPU time is that of the commands alone; what a run fills, looks up and deletes is not in it.
 */
import type { Bar, Durability, Run, Scenario } from "../contract.ts";
import type { RedisBenchmarkOptions } from "../generators/redis-benchmark.ts";

export const connections = 50;
export const valueBytes = 100;
export const value = "x".repeat(valueBytes);
/** The keys of every command on strings: they stay from run to run. */
export const keyspace = { prefix: "bench:key:", keys: 100_000, valueBytes };
export const randomKey = `${keyspace.prefix}__rand_int__`;
export const emptyServer = [["FLUSHALL"]];

export type Pipeline = 1 | 16;

export interface RedisCommand {
  readonly name: string;
  readonly options: (
    run: Run,
    requests: number,
  ) => Omit<RedisBenchmarkOptions, "port" | "connections" | "pipeline" | "requests">;
  readonly bars: Readonly<Record<Pipeline, Bar>>;
  /** About so many a second, to settle how many to ask for. */
  readonly perSecond: Readonly<Record<Pipeline, number>>;
  readonly pipelines: Readonly<Record<Durability, readonly Pipeline[]>>;
  readonly shortName?: string;
}

export const bothPipelines = { none: [1, 16], written: [1, 16], fsync: [] } as const;

/** By how much fewer to ask for when each answer waits for the disk. */
const fsyncShare = 0.15;

export function scenarioOf(command: RedisCommand, pipeline: Pipeline, durability: Durability): Scenario {
  const variant = `pipeline-${pipeline}/${durability}`;
  const perSecond = command.perSecond[pipeline] * (durability === "fsync" ? fsyncShare : 1);
  return {
    name: `redis/${command.name}/${variant}`,
    peer: "redis",
    settings: { durability },
    unit: "requests",
    // The issue names none for fsync: the disk decides.
    ...(durability === "fsync" ? {} : { bar: command.bars[pipeline] }),
    ...(command.shortName === variant ? { isShort: true } : {}),
    drive: (run) => {
      // redis-benchmark sends whole pipelines only.
      const turn = connections * pipeline;
      const requests = Math.max(1, Math.round((perSecond * run.secondsWanted) / turn)) * turn;
      const { ports, pid: serverPid } = run.server;
      const load = { port: ports.redis, serverPid, connections, pipeline, requests };
      return run.generate("redis-benchmark", { ...load, ...command.options(run, requests) });
    },
  };
}
