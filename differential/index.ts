/**
 * `npm run differential -- [--redis] [--seed S] [--runs N] [--steps N] [--minutes M] [--profile P] [--quick] [--verbose]`: TroikaMQ
 * beside a real RabbitMQ, or with `--redis` beside a real redis-server, by random requests. A profile (amqp/pool.ts) says what all runs are about; `--quick`, for CI, is
 * one run of each profile with seeds that stay the same, and two with a seed that is printed. Exit code 1 for a difference;
 * what was skipped is said.
 *
 * Redis has more comparisons among the tests (test/clients/*-real.test.ts), since redis-server starts in no time.
 */
import { parseArgs } from "node:util";
import { compareAmqp, type PlannedRun } from "./amqp/index.ts";
import { profiles } from "./amqp/pool.ts";
import { compareRedis } from "./redis/index.ts";
import { profiles as redisProfiles } from "./redis/pool.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    runs: { type: "string", default: "20" },
    steps: { type: "string", default: "120" },
    minutes: { type: "string", default: "10" },
    profile: { type: "string" },
    redis: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const quickMinutesMax = 1;
const quickRandomRuns = 2;
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
console.log(`differential, seed ${seed}`);

if (values.redis) {
  const differences = await compareRedis({
    seed,
    runs: Number(values.runs),
    steps: Number(values.steps),
    minutes: Number(values.minutes),
    profile: redisProfiles.find((known) => known === values.profile),
    isVerbose: values.verbose,
  });
  process.exit(differences > 0 ? 1 : 0);
}

const profile = profiles.find((known) => known === values.profile);
const fromSeed = (count: number): PlannedRun[] =>
  Array.from({ length: count }, (_, at) => ({ seed: seed + at, profile }));
const quick = profiles.map((each, at): PlannedRun => ({ seed: at + 1, profile: each }));
const differences = await compareAmqp({
  plan: values.quick ? [...quick, ...fromSeed(quickRandomRuns)] : fromSeed(Number(values.runs)),
  steps: Number(values.steps),
  minutes: values.quick ? quickMinutesMax : Number(values.minutes),
  isVerbose: values.verbose,
});
process.exit(differences > 0 ? 1 : 0);
