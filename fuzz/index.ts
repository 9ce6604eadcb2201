/**
 * `npm run fuzz -- [--minutes M] [--target T] [--seed N]`: mutated inputs for every target in turn until time is up.
 *
 * A promise that is broken is told with target, seed and input, and kept under test/vectors/fuzz, where the unit test
 * replays it from then on. Exit code 1 then.
 */
import "../test/support/asserts-on.ts";
import { parseArgs } from "node:util";
import { keep, Runner } from "./runner.ts";
import { targets } from "./targets/index.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    target: { type: "string" },
    seed: { type: "string" },
  },
});
const until = performance.now() + Number(values.minutes) * 60_000;
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) {
  process.stderr.write(
    `no target ${values.target}; there are ${targets.map(({ name }) => name).join(", ")}\n`,
  );
  process.exit(2);
}

const inputsPerRound = 2000;
const arrayBytesMax = 768 << 20;
const failureKinds = new Map<string, number>();
const counts = new Map<string, number>();
const slowest = new Map<string, number>();

for (let seed = firstSeed >>> 0; performance.now() < until; seed = (seed + 1) >>> 0) {
  for (const target of chosen) {
    const runner = new Runner(target, seed);
    const count = Math.max(1, Math.ceil((inputsPerRound * target.weight) / 10));
    const failure = await runner.run(count, () => performance.now() > until);
    runner.close();
    counts.set(target.name, (counts.get(target.name) ?? 0) + runner.inputs);
    slowest.set(target.name, Math.max(slowest.get(target.name) ?? 0, runner.slowestMs));
    // Compressors let go of their memory when the event loop turns.
    await new Promise((resolve) => setImmediate(resolve));
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers > arrayBytesMax) {
      const kind = `${target.name} holds more than ${arrayBytesMax >> 20} MiB of buffers`;
      if (!failureKinds.has(kind)) tell(`FAILED ${kind} after seed ${seed}`);
      failureKinds.set(kind, (failureKinds.get(kind) ?? 0) + 1);
    }
    if (failure === null) continue;
    const kind = `${target.name} ${failure.problem.split("\n", 2).join(" ")}`;
    const seen = failureKinds.get(kind) ?? 0;
    failureKinds.set(kind, seen + 1);
    if (seen > 0) continue;
    tell(`FAILED ${target.name} --target ${target.name} --seed ${seed}\n${failure.problem}`);
    tell(`input ${failure.chain.map((input) => input.toString("hex").slice(0, 4000)).join(" | ")}`);
    tell(`kept as ${keep(failure)}\n`);
  }
}

for (const [name, count] of counts) {
  tell(`${name.padEnd(20)} ${count} inputs, one took ${slowest.get(name)!.toFixed(0)} ms at the most`);
}
for (const [kind, count] of failureKinds) tell(`${count} x ${kind}`);
tell(failureKinds.size === 0 ? "all promises were kept" : `${failureKinds.size} kinds of failure`);
process.exitCode = failureKinds.size === 0 ? 0 : 1;

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
