/**
 * `npm run differential -- [amqp] [--seed S] [--runs N] [--steps N] [--minutes M] [--profile P] [--verbose]`:
 * TroikaMQ beside the real server, by random requests; a profile (amqp/pool.ts) says what all runs are about. Exit code 1 for a difference; what was skipped is said.
 *
 * Redis has its comparisons among the tests (test/clients/*-real.test.ts), since redis-server starts in no time.
 */
import { parseArgs } from "node:util";
import { compareAmqp } from "./amqp/index.ts";
import { profiles } from "./amqp/pool.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    runs: { type: "string", default: "20" },
    steps: { type: "string", default: "120" },
    minutes: { type: "string", default: "10" },
    profile: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
console.log(`differential, seed ${seed}`);
const differences = await compareAmqp({
  seed,
  runs: Number(values.runs),
  steps: Number(values.steps),
  minutes: Number(values.minutes),
  isVerbose: values.verbose,
  profile: profiles.find((known) => known === values.profile),
});
process.exit(differences > 0 ? 1 : 0);
