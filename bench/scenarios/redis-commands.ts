/**
 * What Redis programs do all day, by redis-benchmark.
 *
 * SET and GET keep to one keyspace that stays from run to run; what else a scenario makes, it deletes. The others
 * begin with an empty server, so that its memory is theirs; the run before the pairs has paid for that.
 */
import type { Durability, Scenario } from "../contract.ts";
import {
  bothPipelines,
  emptyServer,
  keyspace,
  randomKey,
  type RedisCommand,
  scenarioOf,
  value,
  valueBytes,
} from "./redis-command.ts";
import { pacedValueScenarios, valueCommands } from "./redis-values.ts";

const basicCommands: readonly RedisCommand[] = [
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

const commands = [...basicCommands, ...valueCommands];

export function commandScenarios(durability: Durability): Scenario[] {
  const ofCommands = commands.flatMap((command) =>
    command.pipelines[durability].map((pipeline) => scenarioOf(command, pipeline, durability)),
  );
  return [...ofCommands, ...pacedValueScenarios(durability)];
}
