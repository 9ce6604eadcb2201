/**
 * Pub/Sub by our own generator: redis-benchmark has no subscribers, and one beside it would share its core.
 * To one subscriber it loads as redis-benchmark does, 50 connections and pipelines of 1 and 16; fan-out has few
 * publishers, since there the deliveries are the work.
 */
import type { Durability, Run, Scenario } from "../contract.ts";
import type { RedisPublishOptions } from "../generators/redis-publish.ts";

const payloadBytes = 100;

interface FanOut {
  readonly name: string;
  readonly subscribers: number;
  readonly publishers: number;
  readonly pipeline: number;
  /** About so many deliveries a second. */
  readonly perSecond: number;
  readonly bar?: number;
  readonly durabilities: readonly Durability[];
  readonly isShort?: true;
}

const fanOuts: readonly FanOut[] = [
  {
    name: "1-subscriber/pipeline-1",
    subscribers: 1,
    publishers: 50,
    pipeline: 1,
    perSecond: 100_000,
    bar: 1,
    durabilities: ["none"],
  },
  {
    name: "1-subscriber/pipeline-16",
    subscribers: 1,
    publishers: 50,
    pipeline: 16,
    perSecond: 1_000_000,
    bar: 1,
    durabilities: ["none", "written"],
  },
  {
    name: "50-subscribers",
    subscribers: 50,
    publishers: 4,
    pipeline: 128,
    perSecond: 5_000_000,
    bar: 1.5,
    durabilities: ["none"],
    isShort: true,
  },
  {
    name: "1000-subscribers",
    subscribers: 1000,
    publishers: 4,
    pipeline: 16,
    perSecond: 5_000_000,
    durabilities: ["none"],
  },
];

const pacedSubscribers = 50;
/** About so many deliveries a second where nothing keeps to a rate. */
const pacedPerSecond = 3_000_000;
/** Messages published at once: enough that the generator's system calls are few, too few to be a queue themselves. */
const pacedBurst = 8;

function fanOutScenario(fanOut: FanOut, durability: Durability): Scenario {
  const { name, subscribers, publishers, pipeline, bar, isShort } = fanOut;
  return {
    name: `redis/publish/${name}/${durability}`,
    peer: "redis",
    settings: { durability },
    unit: "deliveries",
    ...(bar === undefined ? {} : { bar: { throughput: bar } }),
    ...(isShort === true ? { isShort } : {}),
    drive: (run) => publish(run, { subscribers, publishers, pipeline, perSecond: fanOut.perSecond }),
  };
}

function pacedScenario(halfLoad: NonNullable<Scenario["halfLoad"]>): Scenario {
  const isOwn = halfLoad === "of its own";
  return {
    name: `redis/publish/50-subscribers/${isOwn ? "half-load" : "same-load"}/none`,
    peer: "redis",
    settings: { durability: "none" },
    unit: "deliveries",
    ...(isOwn ? { bar: { p99Ms: 20 } } : {}),
    halfLoad,
    drive: (run) =>
      publish(run, {
        subscribers: pacedSubscribers,
        publishers: 4,
        pipeline: 128,
        perSecond: run.ratePerSecond ?? pacedPerSecond,
      }),
  };
}

interface Publishing {
  readonly subscribers: number;
  readonly publishers: number;
  readonly pipeline: number;
  readonly perSecond: number;
}

function publish(run: Run, { perSecond, ...load }: Publishing) {
  const { ratePerSecond } = run;
  const options: RedisPublishOptions = {
    port: run.server.ports.redis!,
    channel: run.id,
    payloadBytes,
    ...load,
    messages: Math.ceil((perSecond * run.secondsWanted) / load.subscribers),
    ...(ratePerSecond === undefined
      ? {}
      : { pace: { ratePerSecond: ratePerSecond / load.subscribers, burst: pacedBurst } }),
  };
  return run.generate("redis-publish", { ...options });
}

export function pubSubScenarios(durability: Durability): Scenario[] {
  const chosen = fanOuts.filter(({ durabilities }) => durabilities.includes(durability));
  const paced = durability === "none" ? [pacedScenario("of its own"), pacedScenario("of the slower")] : [];
  return [...chosen.map((fanOut) => fanOutScenario(fanOut, durability)), ...paced];
}
