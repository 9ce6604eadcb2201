/** What Redis programs do all day, by redis-benchmark: 50 connections, 100-byte values, pipelines of 1 and 16. */
import type { Bar, Durability, Scenario } from "../contract.ts";

const connections = 50;
const value = "x".repeat(100);

interface RedisCommand {
  readonly name: string;
  readonly command: (id: string) => readonly string[];
  readonly bars: Readonly<Record<1 | 16, Bar>>;
  /** About so many a second, to settle how many to ask for. */
  readonly perSecond: Readonly<Record<1 | 16, number>>;
  readonly keyspace?: number;
}

const commands: readonly RedisCommand[] = [
  {
    name: "set",
    command: (id) => ["SET", `${id}:__rand_int__`, value],
    bars: { 1: { throughput: 1 }, 16: { throughput: 0.8 } },
    perSecond: { 1: 120_000, 16: 900_000 },
    keyspace: 100_000,
  },
];

function scenarioOf(command: RedisCommand, pipeline: 1 | 16, durability: Durability): Scenario {
  return {
    name: `redis/${command.name}/pipeline-${pipeline}/${durability}`,
    peer: "redis",
    settings: { durability },
    unit: "requests",
    bar: command.bars[pipeline],
    drive: (run) =>
      run.generate("redis-benchmark", {
        port: run.server.ports.redis,
        connections,
        pipeline,
        requests: Math.round(command.perSecond[pipeline] * run.secondsWanted),
        keyspace: command.keyspace,
        command: command.command(run.id),
      }),
  };
}

const durabilities: readonly Durability[] = ["none", "written"];
const pipelines = [1, 16] as const;

export const redisScenarios: readonly Scenario[] = durabilities.flatMap((durability) =>
  commands.flatMap((command) => pipelines.map((pipeline) => scenarioOf(command, pipeline, durability))),
);
