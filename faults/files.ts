/**
 * Damage to the files of a stopped broker: it must start with all of the data, or refuse in a line that names
 * `troikamq check`, which explains; after `check --repair` it starts, and what it serves is right.
 *
 * A broker may also start and refuse single records (a segment is looked at when it is read). Invariant: a value that was
 * not stored is never served, before the repair nor after it.
 */
import fs from "node:fs";
import path from "node:path";
import { TestBroker } from "../test/support/broker.ts";
import { troikamqCheck } from "./command.ts";
import { fill, fillLittle, keptText, lossOf, read } from "./dataset.ts";
import type { Case, Outcome } from "./report.ts";

const args = ["--journal-bytes-max", "1MiB"];

interface Bases {
  clean: string;
  killed: string;
  /** With so little in them that there is one journal file and no segment. */
  smallClean: string;
  smallKilled: string;
}

/** Data directories with the whole data set, or hardly any: of brokers that ended, and of ones that were killed. */
async function makeBases(scratch: string): Promise<Bases> {
  const at = (name: string) => path.join(scratch, name);
  const bases = {
    clean: at("clean"),
    killed: at("killed"),
    smallClean: at("small-clean"),
    smallKilled: at("small-killed"),
  };
  for (const [signal, dataDir, put] of [
    ["SIGTERM", bases.clean, fill],
    ["SIGKILL", bases.killed, fill],
    ["SIGTERM", bases.smallClean, fillLittle],
    ["SIGKILL", bases.smallKilled, fillLittle],
  ] as const) {
    const broker = new TestBroker({ dataDir, args });
    await broker.start();
    await put(broker.ports);
    await broker.kill(signal);
  }
  return bases;
}

interface Damage {
  name: string;
  on: keyof Bases;
  /** Does it; returns what was done. */
  hurt: (directory: string) => string;
  /** No start may pass over it, and `check` and its repair must say that something is missing or lost. */
  mustRefuse?: boolean;
  /** What is at the very end after a kill cannot be told from a write that never finished: its loss is no fault. */
  mayLoseSilently?: boolean;
}

export function fileCases(scratch: string, random: () => number): Case[] {
  const damages: Damage[] = [];
  let bases: Promise<Bases> | null = null;
  for (const on of ["clean", "killed"] as const) {
    for (let i = 0; i < 3; i++) {
      damages.push({
        name: "bit flip, journal",
        on,
        hurt: (directory) => flip(pick(directory, "journal", 0), random),
      });
      damages.push({
        name: "bit flip, segment",
        on,
        hurt: (directory) => flip(pick(directory, "segment", random()), random),
      });
      damages.push({
        name: "cut, segment",
        on,
        hurt: (directory) => cut(pick(directory, "segment", random()), random),
      });
      damages.push({
        name: "cut, journal",
        on,
        mayLoseSilently: on === "killed",
        hurt: (directory) => cut(pick(directory, "journal", on === "killed" ? 0 : random()), random),
      });
    }
    damages.push({
      name: "missing segment",
      on,
      hurt: (directory) => remove(pick(directory, "segment", random())),
    });
    damages.push({
      name: "first journal file missing",
      on,
      mustRefuse: true,
      hurt: (directory) => remove(pick(directory, "journal", 0)),
    });
    damages.push({
      name: "middle journal file missing",
      on,
      mustRefuse: true,
      hurt: (directory) => remove(pick(directory, "journal", 0.5)),
    });
    damages.push({
      name: "last journal file missing",
      on,
      mustRefuse: true,
      hurt: (directory) => remove(pick(directory, "journal", 0.999)),
    });
    damages.push({ name: "all journal files missing", on, mustRefuse: true, hurt: removeJournal });
    damages.push({
      name: "the only journal file missing",
      on: on === "clean" ? "smallClean" : "smallKilled",
      mustRefuse: true,
      hurt: removeJournal,
    });
    damages.push({ name: "two segments swapped", on, hurt: (directory) => swap(directory, "segment") });
    damages.push({ name: "two journal files swapped", on, hurt: (directory) => swap(directory, "journal") });
  }
  damages.push({
    name: "CLEAN damaged",
    on: "clean",
    hurt: (directory) => flip(path.join(directory, "journal/CLEAN"), random),
  });
  return damages.map((damage, i) => ({
    name: `${damage.name} (${damage.on})`,
    run: async () => {
      bases ??= makeBases(scratch);
      return await runDamage((await bases)[damage.on], path.join(scratch, `case-${i}`), damage);
    },
  }));
}

function list(directory: string, kind: "journal" | "segment"): string[] {
  const folder = path.join(directory, kind === "journal" ? "journal" : "segments");
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith(`.${kind}`))
    .toSorted()
    .map((name) => path.join(folder, name));
}

function pick(directory: string, kind: "journal" | "segment", share: number): string {
  const files = list(directory, kind);
  return files[Math.floor(share * files.length)]!;
}

function flip(file: string, random: () => number): string {
  const bytes = fs.readFileSync(file);
  const at = Math.floor(random() * bytes.length);
  bytes[at]! ^= 1 << Math.floor(random() * 8);
  fs.writeFileSync(file, bytes);
  return `${path.basename(file)} byte ${at}`;
}

function cut(file: string, random: () => number): string {
  const size = Math.floor(random() * fs.statSync(file).size);
  fs.truncateSync(file, size);
  return `${path.basename(file)} to ${size} bytes`;
}

function remove(file: string): string {
  fs.rmSync(file);
  return path.basename(file);
}

function removeJournal(directory: string): string {
  const files = list(directory, "journal");
  for (const file of files) fs.rmSync(file);
  return `${files.length} files`;
}

function swap(directory: string, kind: "journal" | "segment"): string {
  const [one, other] = list(directory, kind) as [string, string];
  const passing = `${one}.passing`;
  fs.renameSync(one, passing);
  fs.renameSync(other, one);
  fs.renameSync(passing, other);
  return `${path.basename(one)}, ${path.basename(other)}`;
}

async function runDamage(base: string, directory: string, damage: Damage): Promise<Outcome> {
  fs.cpSync(base, directory, { recursive: true });
  const wrong: string[] = [];
  const outcome: Outcome = { done: damage.hurt(directory), broker: "", wrong };
  const first = await startAndRead(directory, wrong);
  outcome.broker = first.said;
  const checked = troikamqCheck(directory);
  outcome.check =
    checked.code === 0 ? "ok" : `${checked.lines.length - 1} lines, ${shorten(checked.lines[0]!, directory)}`;
  if (checked.code === 0 && (first.isRefused || first.loss.length > 0) && damage.mayLoseSilently !== true)
    wrong.push(`check finds nothing, but: ${first.said}`);
  if (first.isRefused && !first.said.includes("troikamq check"))
    wrong.push("the refusal does not name troikamq check");
  if (damage.mustRefuse === true) {
    if (!first.isRefused) wrong.push("it starts");
    if (!tellsLoss(checked.lines)) wrong.push("check does not say that something is missing");
  }
  if (checked.code !== 0) await repairAndRead(directory, damage, outcome, wrong);
  fs.rmSync(directory, { recursive: true, force: true });
  return outcome;
}

function tellsLoss(lines: readonly string[]): boolean {
  return lines.some((line) => /missing|lost|nothing is left/.test(line));
}

async function repairAndRead(
  directory: string,
  { mustRefuse }: Damage,
  outcome: Outcome,
  wrong: string[],
): Promise<void> {
  const repaired = troikamqCheck(directory, "--repair");
  if (repaired.code !== 0) {
    outcome.repair = shorten(repaired.lines.at(-1)!, directory);
    // With no journal there is nothing that names the logs: only a backup helps, and that must be said.
    if (!outcome.repair.includes("backup")) wrong.push("it cannot be repaired");
    return;
  }
  const said = repaired.lines.filter((line) => line.startsWith("repair: "));
  if (mustRefuse === true && !tellsLoss(said)) wrong.push("the repair does not say that something is lost");
  const second = await startAndRead(directory, wrong);
  if (second.isRefused) wrong.push(`after the repair: ${second.said}`);
  const aside = path.join(directory, "set-aside");
  const kept = fs.existsSync(aside)
    ? fs.readdirSync(path.join(aside, fs.readdirSync(aside)[0]!)).length - 1
    : 0;
  outcome.repair = `kept ${second.kept}; ${kept} files set aside`;
  if (troikamqCheck(directory).code !== 0) wrong.push("check finds fault after the repair");
}

interface Started {
  isRefused: boolean;
  said: string;
  kept: string;
  loss: string[];
}

async function startAndRead(directory: string, wrong: string[]): Promise<Started> {
  const broker = new TestBroker({ dataDir: directory, args });
  try {
    await broker.start();
  } catch {
    const said = shorten(broker.log.trim().split("\n").at(-1) ?? "", directory);
    return { isRefused: true, said: `refused: ${said}`, kept: "", loss: [] };
  }
  const result = await read(broker.ports);
  wrong.push(...result.wrong);
  const code = await broker.kill("SIGTERM");
  if (code !== 0) wrong.push(`it ended with code ${code}`);
  const loss = lossOf(result);
  const said = loss.length === 0 ? "started, all is there" : `started; ${loss.join(", ")}`;
  return { isRefused: false, said, kept: keptText(result), loss };
}

function shorten(line: string, directory: string): string {
  return line.replaceAll(`${directory}/`, "").replaceAll(directory, ".").slice(0, 260);
}
