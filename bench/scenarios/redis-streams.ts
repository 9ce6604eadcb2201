/**
 * Streams by our own generator: consumer groups, whose acknowledgements need the ids that were read, and XADD at a
 * fixed rate, which redis-benchmark cannot keep to.
 */
import type { Durability, Scenario } from "../contract.ts";
import type { RedisConsumerGroupOptions } from "../generators/redis-consumer-group.ts";
import type { RedisRequestsOptions } from "../generators/redis-requests.ts";

const connections = 50;
const payloadBytes = 100;

interface Reading {
  readonly name: string;
  readonly pipeline: number;
  /** COUNT of a read. */
  readonly entriesMax: number;
  /** About so many entries a second. */
  readonly perSecond: number;
  readonly bar?: number;
}

const readings: readonly Reading[] = [
  { name: "pipeline-1", pipeline: 1, entriesMax: 1, perSecond: 60_000 },
  { name: "pipeline-16", pipeline: 16, entriesMax: 1, perSecond: 200_000, bar: 1.5 },
  { name: "count-100", pipeline: 1, entriesMax: 100, perSecond: 600_000 },
];

function readingScenario(reading: Reading, durability: Durability): Scenario {
  const { name, pipeline, entriesMax, bar } = reading;
  return {
    name: `redis/xreadgroup-xack/${name}/${durability}`,
    peer: "redis",
    settings: { durability },
    unit: "messages",
    ...(bar === undefined ? {} : { bar: { throughput: bar } }),
    drive: (run) => {
      const options: RedisConsumerGroupOptions = {
        port: run.server.ports.redis!,
        stream: "bench:stream",
        group: run.id,
        connections,
        pipeline,
        entriesMax,
        entries: Math.round(reading.perSecond * run.secondsWanted),
        payloadBytes,
      };
      return run.generate("redis-consumer-group", { ...options });
    },
  };
}

/** About so many a second where nothing keeps to a rate. */
const addsPerSecond: Readonly<Record<Durability, number>> = {
  none: 500_000,
  written: 500_000,
  fsync: 80_000,
};

/** The pipeline at full speed, and the burst at a rate. */
const addsAtOnce = 16;

function pacedAddScenario(durability: Durability, halfLoad: NonNullable<Scenario["halfLoad"]>): Scenario {
  const isOwn = halfLoad === "of its own";
  return {
    name: `redis/xadd/${isOwn ? "half-load" : "same-load"}/${durability}`,
    peer: "redis",
    settings: { durability },
    unit: "requests",
    ...(isOwn ? { bar: { p99Ms: 20 } } : {}),
    halfLoad,
    drive: (run) => {
      const { ratePerSecond } = run;
      const requests = Math.round((ratePerSecond ?? addsPerSecond[durability]) * run.secondsWanted);
      const options: RedisRequestsOptions = {
        port: run.server.ports.redis!,
        connections,
        pipeline: addsAtOnce,
        requests,
        ...(ratePerSecond === undefined ? {} : { pace: { ratePerSecond, burst: addsAtOnce } }),
        command: ["XADD", run.id, "*", "v"],
        payloadBytes,
        before: [["FLUSHALL"]],
        expect: [{ command: ["XLEN", run.id], reply: requests }],
        after: [["DEL", run.id]],
      };
      return run.generate("redis-requests", { ...options });
    },
  };
}

const halfLoads = ["of its own", "of the slower"] as const;

export function streamScenarios(durability: Durability): Scenario[] {
  const paced = durability === "none" ? [] : halfLoads.map((load) => pacedAddScenario(durability, load));
  const reading = durability === "fsync" ? [] : readings;
  return [...reading.map((each) => readingScenario(each, durability)), ...paced];
}
