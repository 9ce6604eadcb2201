/**
 * Commands on values: strings that count, hashes, lists, sets, sorted sets and scripts, at full speed and at half load.
 *
 * A collection has 100,000 elements, so that it is a large one on both sides; a hash of 20 fields is a small one.
 */
import type { Bar, Durability, Run, Scenario } from "../contract.ts";
import type { RedisRequestsOptions } from "../generators/redis-requests.ts";
import type { Fill } from "../generators/redis/fill.ts";
import {
  bothPipelines,
  connections,
  emptyServer,
  keyspace,
  type Pipeline,
  randomKey,
  type RedisCommand,
  value,
} from "./redis-command.ts";

const elements = 100_000;
const random = "__rand_int__";
/** Of lists: as redis-benchmark's own are. */
const shortValue = "xxx";

const hash: Fill = {
  command: ["HSET", "bench:hash"],
  item: ["field:__item__", value],
  items: elements,
  size: ["HLEN", "bench:hash"],
};
const smallHash: Fill = {
  command: ["HSET", "bench:small"],
  item: ["field:__item__", "a value of 20 bytes."],
  items: 20,
  size: ["HLEN", "bench:small"],
};
const set: Fill = {
  command: ["SADD", "bench:set"],
  item: ["member:__item__"],
  items: elements,
  size: ["SCARD", "bench:set"],
};
const sortedSet: Fill = {
  command: ["ZADD", "bench:zset"],
  item: ["__item__", "member:__item__"],
  items: elements,
  size: ["ZCARD", "bench:zset"],
};
/** Five calls of redis.call, of which two write. */
const script = [
  "local n = redis.call('INCR', KEYS[1])",
  "redis.call('HSET', KEYS[2], 'n', n, 'v', ARGV[1])",
  "redis.call('HGET', KEYS[2], 'v')",
  "redis.call('EXISTS', KEYS[1])",
  "return redis.call('GET', KEYS[1])",
].join("\n");
const evaluation = ["EVAL", script, "2", "bench:counter", "bench:counted"];

const cpuRatio = 0.8;
const bars: Readonly<Record<Pipeline, Bar>> = {
  1: { throughput: 1, cpuRatio },
  16: { throughput: 1.2, cpuRatio },
};

interface Row {
  readonly name: string;
  readonly options: RedisCommand["options"];
  /** About so many a second at pipeline 16. */
  readonly perSecond: number;
  readonly shortName?: string;
}

const rows: readonly Row[] = [
  {
    name: "incr",
    options: () => ({ before: emptyServer, randoms: elements, command: ["INCR", `bench:counter:${random}`] }),
    perSecond: 800_000,
  },
  {
    name: "expire",
    options: () => ({ keyspace, command: ["EXPIRE", randomKey, "3600"] }),
    perSecond: 800_000,
  },
  {
    name: "mget-10",
    options: () => ({ keyspace, command: ["MGET", ...Array<string>(10).fill(randomKey)] }),
    perSecond: 200_000,
  },
  {
    name: "hset",
    options: () => ({
      fill: hash,
      randoms: elements,
      command: ["HSET", "bench:hash", `field:${random}`, value],
      expect: [{ command: ["HLEN", "bench:hash"], reply: elements }],
    }),
    perSecond: 600_000,
    shortName: "pipeline-16/none",
  },
  {
    name: "hgetall-20",
    options: () => ({ fill: smallHash, command: ["HGETALL", "bench:small"] }),
    perSecond: 200_000,
  },
  {
    name: "lpush",
    options: (_, requests) => ({
      before: emptyServer,
      command: ["LPUSH", "bench:list", shortValue],
      expect: [{ command: ["LLEN", "bench:list"], reply: requests }],
      after: [["DEL", "bench:list"]],
    }),
    perSecond: 800_000,
  },
  {
    name: "rpop",
    options: (_, requests) => ({
      fill: {
        command: ["RPUSH", "bench:list"],
        item: [shortValue],
        items: requests,
        size: ["LLEN", "bench:list"],
      },
      command: ["RPOP", "bench:list"],
      expect: [{ command: ["EXISTS", "bench:list"], reply: 0 }],
    }),
    perSecond: 800_000,
  },
  {
    name: "sadd",
    options: () => ({
      before: emptyServer,
      randoms: elements,
      command: ["SADD", "bench:set", `member:${random}`],
    }),
    perSecond: 800_000,
  },
  {
    name: "sismember",
    options: () => ({
      fill: set,
      randoms: elements,
      command: ["SISMEMBER", "bench:set", `member:${random}`],
    }),
    perSecond: 800_000,
  },
  {
    name: "zadd",
    options: () => ({
      fill: sortedSet,
      randoms: elements,
      command: ["ZADD", "bench:zset", random, `member:${random}`],
      expect: [{ command: ["ZCARD", "bench:zset"], reply: elements }],
    }),
    perSecond: 500_000,
  },
  {
    name: "zrange-10",
    options: () => ({ fill: sortedSet, command: ["ZRANGE", "bench:zset", "50000", "50009"] }),
    perSecond: 300_000,
  },
  {
    name: "eval-5",
    options: () => ({ before: emptyServer, command: [...evaluation, value] }),
    perSecond: 100_000,
  },
];

/** At pipeline 1 system calls bound the rate; what is dearer than they are bounds it itself. */
const perSecondWithoutPipeline = 120_000;

export const valueCommands = rows.map(commandOf);

function commandOf({ perSecond, ...row }: Row): RedisCommand {
  return {
    ...row,
    bars,
    perSecond: { 1: Math.min(perSecond, perSecondWithoutPipeline), 16: perSecond },
    pipelines: bothPipelines,
  };
}

/** At half of what each server can do without pipelining: where an answer waits for others, this shows it. */
interface PacedRow {
  readonly name: string;
  readonly fill?: Fill;
  readonly command: readonly string[];
  readonly payloadBytes: number;
}

const pacedRows: readonly PacedRow[] = [
  { name: "set", command: ["SET", "bench:one"], payloadBytes: 100 },
  { name: "get", fill: smallHash, command: ["GET", "bench:none"], payloadBytes: 0 },
  { name: "hset", fill: hash, command: ["HSET", "bench:hash", "field"], payloadBytes: 100 },
  { name: "hgetall-20", fill: smallHash, command: ["HGETALL", "bench:small"], payloadBytes: 0 },
  { name: "lpush", command: ["LPUSH", "bench:list"], payloadBytes: 16 },
  { name: "zadd", fill: sortedSet, command: ["ZADD", "bench:zset", "50000"], payloadBytes: 16 },
  {
    name: "zrange-10",
    fill: sortedSet,
    command: ["ZRANGE", "bench:zset", "50000", "50009"],
    payloadBytes: 0,
  },
  { name: "eval-5", command: evaluation, payloadBytes: 100 },
];

const pacedP99MsMax = 2;

export function pacedValueScenarios(durability: Durability): Scenario[] {
  if (durability === "fsync") return [];
  return pacedRows.map(({ name, ...load }) => ({
    name: `redis/${name}/half-load/${durability}`,
    peer: "redis",
    settings: { durability },
    unit: "requests",
    bar: { p99Ms: pacedP99MsMax },
    halfLoad: "of its own",
    drive: (run) => drivePaced(run, load),
  }));
}

function drivePaced(run: Run, load: Omit<PacedRow, "name">) {
  const { ports, pid: serverPid } = run.server;
  const { ratePerSecond } = run;
  const options: RedisRequestsOptions = {
    port: ports.redis!,
    serverPid,
    connections,
    pipeline: 1,
    requests: Math.round((ratePerSecond ?? perSecondWithoutPipeline) * run.secondsWanted),
    ...(ratePerSecond === undefined ? {} : { pace: { ratePerSecond, burst: 1 } }),
    ...load,
    before: emptyServer,
    expect: [],
    after: emptyServer,
  };
  return run.generate("redis-requests", { ...options });
}
