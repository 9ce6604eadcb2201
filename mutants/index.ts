/**
 * `npm run mutants [-- TEXT…] [--list rooms|sim|all] [--quick] [--minutes M]`: plants faults one at a time and runs what has to find each.
 *
 * Faults of the rooms (rooms/) are looked for by the unit tests of their room, then by what their list names beside
 * them; those of sim/mutants.ts by the simulator alone (`npm run sim:mutants`). TEXT is a part of a name or of a file's
 * path. `--quick`: unit tests only. `--minutes`: after that many no further hunt begins, which is said. Exit code 1 where less than
 * `share` of the faults that were looked for is found.
 */
import os from "node:os";
import { parseArgs } from "node:util";
import { simulatorMutants } from "../sim/mutants.ts";
import { failedSeed, failedTest } from "./hunt.ts";
import { Copy, type Mutant, type RoomMutant } from "./mutant.ts";
import { roomMutants, unitTestsOf } from "./rooms/index.ts";

const { values, positionals } = parseArgs({
  options: {
    list: { type: "string", default: "all" },
    quick: { type: "boolean", default: false },
    minutes: { type: "string", default: "Infinity" },
  },
  allowPositionals: true,
});

/**
 * Of the rooms' faults, one in ten may be one that no test is worth. Of the simulator's, rare ones are found by few seeds, which are other
 * ones whenever something new joins the simulated world.
 */
const share = 0.9;
const seedsOfSimulator = 1000;
const seedsOfRooms = 600;

/** Test files by which nothing is to be judged, since they fail without a fault; null where they pass. */
const failedBefore = new Map<string, Promise<string | null>>();

/** Throws where the tests fail in sources that nothing was planted in. */
async function assertSound(beginnings: readonly string[]): Promise<void> {
  const key = beginnings.join(" ");
  let known = failedBefore.get(key);
  if (known === undefined) failedBefore.set(key, (known = soundness(beginnings)));
  const failure = await known;
  if (failure !== null) throw new Error(`the tests ${key} fail without a fault: ${failure}`);
}

async function soundness(beginnings: readonly string[]): Promise<string | null> {
  const copy = new Copy();
  try {
    return (await failedTest(copy.directory, beginnings)) ?? null;
  } finally {
    copy.remove();
  }
}

async function failedIn(directory: string, beginnings: readonly string[]): Promise<string | undefined> {
  await assertSound(beginnings);
  return failedTest(directory, beginnings);
}

type Hunt = (directory: string) => Promise<string | undefined>;

interface Prey {
  readonly mutant: Mutant;
  readonly hunt: Hunt;
}

async function huntInRoom(mutant: RoomMutant, directory: string): Promise<string | undefined> {
  const inUnits = await failedIn(directory, unitTestsOf(mutant));
  if (inUnits !== undefined || values.quick) return inUnits;
  const inOthers = mutant.also === undefined ? undefined : await failedIn(directory, mutant.also);
  if (inOthers !== undefined || mutant.isSimulated !== true) return inOthers;
  return failedSeed(directory, seedsOfRooms);
}

const inRooms = roomMutants.map((mutant): Prey => ({ mutant, hunt: (at) => huntInRoom(mutant, at) }));
const inSimulator = simulatorMutants.map((mutant): Prey => ({
  mutant,
  hunt: (at) => failedSeed(at, seedsOfSimulator),
}));

function isWanted({ mutant: { name, file } }: Prey): boolean {
  return positionals.length === 0 || positionals.some((text) => name.includes(text) || file.includes(text));
}

const endsAt = performance.now() + Number(values.minutes) * 60_000;

/** Returns how many were found, and how many were not looked for. */
async function huntAll(all: readonly Prey[]): Promise<{ caught: number; left: number }> {
  const waiting = [...all];
  let caught = 0;
  await Promise.all(
    Array.from({ length: Math.min(os.availableParallelism(), all.length) }, async () => {
      const copy = new Copy();
      while (performance.now() < endsAt && waiting.length > 0)
        if (await isCaught(waiting.shift()!, copy)) caught++;
      copy.remove();
    }),
  );
  return { caught, left: waiting.length };
}

async function isCaught({ mutant, hunt }: Prey, copy: Copy): Promise<boolean> {
  try {
    copy.plant(mutant);
    const found = await hunt(copy.directory);
    say(`${found === undefined ? "MISSED" : "caught"}: ${mutant.name} (${mutant.file})`);
    if (found !== undefined) say(`        ${found}`);
    return found !== undefined;
  } catch (error) {
    say(`UNDECIDED: ${mutant.name}\n        ${(error as Error).message}`);
    return false;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function judge(title: string, all: readonly Prey[], least: number): Promise<void> {
  const wanted = all.filter(isWanted);
  if (wanted.length === 0) return;
  const { caught, left } = await huntAll(wanted);
  const hunted = wanted.length - left;
  say(`${title}: ${caught} of ${hunted} planted faults caught`);
  if (left > 0) say(`${title}: for ${left} more there was no time`);
  if (caught < hunted * least || hunted === 0) process.exitCode = 1;
}

if (values.list !== "sim") await judge("rooms", inRooms, share);
if (values.list !== "rooms") await judge("simulator", inSimulator, share);
