/** `npm run test:kill -- --rounds N [--seed S]`: as many SIGKILLs under mixed load as you like. */
import { parseArgs } from "node:util";
import { killRounds } from "../test/kill/rounds.ts";
import { startTestBroker } from "../test/support/broker.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "200" }, seed: { type: "string" } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const rounds = Number(values.rounds);
process.stdout.write(`seed ${seed}\n`);
const broker = await startTestBroker({ args: ["--journal-bytes-max", "1MiB"] });
const faults = await killRounds({
  broker,
  rounds,
  seed,
  onRound: (round, told) => process.stdout.write(`round ${round}/${rounds}  ${told}\n`),
});
await broker.stop();
process.stdout.write(
  faults.length === 0 ? "nothing was lost, nothing came back\n" : `${faults.join("\n")}\n`,
);
process.exit(faults.length === 0 ? 0 : 1);
