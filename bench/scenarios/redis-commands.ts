/**
 * What Redis programs do all day, by redis-benchmark: 50 connections, 100-byte values, pipelines of 1 and 16.
 *
 * SET and GET keep to one keyspace that stays from run to run; what else a scenario makes, it deletes. The others
 * begin with an empty server, so that its memory is theirs; the run before the pairs has paid for that.
 */
import type { Bar, Durability, Run, Scenario } from "../contract.ts";
import type { RedisBenchmarkOptions } from "../generators/redis-benchmark.ts";

const connections = 50;
const valueBytes = 100;
const value = "x".repeat(valueBytes);
const keyspace = { prefix: "bench:key:", keys: 100_000, valueBytes };
const randomKey = `${keyspace.prefix}__rand_int__`;
const emptyServer = [["FLUSHALL"]];

type Pipeline = 1 | 16;

interface RedisCommand {
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

const bothPipelines = { none: [1, 16], written: [1, 16], fsync: [] } as const;

const commands: readonly RedisCommand[] = [
  {
    name: "set",
    options: (run) => {
      const ofRun = `${run.id}:`.padEnd(valueBytes, "x");
      return { keyspace, command: ["SET", randomKey, ofRun], writtenValue: ofRun };
    },
    bars: { 1: { throughput: 1 }, 16: { throughput: 0.8 } },
    perSecond: { 1: 150_000, 16: 900_000 },
    pipelines: bothPipelines,
    shortName: "pipeline-1/none",
  },
  {
    name: "get",
    options: () => ({ keyspace, command: ["GET", randomKey] }),
    bars: { 1: { throughput: 1 }, 16: { throughput: 0.8 } },
    perSecond: { 1: 150_000, 16: 1_200_000 },
    pipelines: bothPipelines,
  },
  {
    name: "publish/0-subscribers",
    options: (run) => ({ before: emptyServer, command: ["PUBLISH", run.id, value] }),
    bars: { 1: { throughput: 1 }, 16: { throughput: 1 } },
    perSecond: { 1: 150_000, 16: 1_500_000 },
    pipelines: { none: [1, 16], written: [16], fsync: [] },
  },
  {
    name: "xadd",
    options: (run, requests) => ({
      before: emptyServer,
      command: ["XADD", run.id, "*", "v", value],
      expect: [{ command: ["XLEN", run.id], reply: requests }],
      after: [["DEL", run.id]],
    }),
    bars: { 1: { throughput: 1 }, 16: { throughput: 1 } },
    perSecond: { 1: 150_000, 16: 600_000 },
    pipelines: { none: [1, 16], written: [1, 16], fsync: [1, 16] },
    shortName: "pipeline-16/written",
  },
];

/** By how much fewer to ask for when each answer waits for the disk. */
const fsyncShare = 0.15;

function scenarioOf(command: RedisCommand, pipeline: Pipeline, durability: Durability): Scenario {
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
      const { redis: port } = run.server.ports;
      const options = command.options(run, requests);
      return run.generate("redis-benchmark", { port, connections, pipeline, requests, ...options });
    },
  };
}

export function commandScenarios(durability: Durability): Scenario[] {
  return commands.flatMap((command) =>
    command.pipelines[durability].map((pipeline) => scenarioOf(command, pipeline, durability)),
  );
}
