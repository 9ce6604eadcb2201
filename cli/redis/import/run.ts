/** Turns the options of `import redis` into an import, and its outcome into lines and an exit code. */
import { compileListGlob } from "../../../src/base/patterns/glob.ts";
import type { importFlags } from "../../transfer-flags.ts";
import { redisAddress } from "../address.ts";
import { databaseOf } from "../database.ts";
import { runTransfer } from "../run-transfer.ts";
import { exitCodes } from "../transfer-error.ts";
import type { Existing } from "./key-import.ts";
import { importFile, type ImportOptions, type ImportResult } from "./import-file.ts";

/** Larger values are taken in parts. */
const wholeMax = { bytes: 16 << 20, expandedBytes: 128 << 20 };

type Given = ReadonlyMap<keyof typeof importFlags, string>;

export async function runImport(path: string, given: Given, environment: NodeJS.ProcessEnv): Promise<number> {
  const options = optionsOf(path, given, environment);
  return await runTransfer(async (progress) => {
    const result = await importFile(options, progress);
    const isComplete = result.missing === 0 && result.counts.modules.size === 0;
    return {
      lines: linesOf(result, options, progress.seconds),
      exitCode: isComplete ? 0 : exitCodes.incomplete,
    };
  });
}

function optionsOf(path: string, given: Given, environment: NodeJS.ProcessEnv): ImportOptions {
  const database = databaseOf(given.get("--database"));
  const pattern = given.get("--match");
  const glob = pattern === undefined ? null : compileListGlob(Buffer.from(pattern));
  const existing: Existing = given.has("--replace")
    ? "replace"
    : given.has("--skip-existing")
      ? "skip"
      : "fail";
  return {
    path,
    address: redisAddress(given.get("--url"), environment),
    existing,
    isDryRun: given.has("--dry-run"),
    takesLibraries: database === undefined && glob === null,
    walk: {
      database,
      matches: (bytes, start, end) => glob === null || glob.matches(bytes, start, end),
      now: () => Date.now(),
      wholeMax,
    },
  };
}

function keys(count: number): string {
  return `${count} ${count === 1 ? "key" : "keys"}`;
}

function linesOf(result: ImportResult, { isDryRun }: ImportOptions, seconds: string): string[] {
  const { counts, taken, skipped, libraries, missing, firstMissing } = result;
  const lines = [
    isDryRun
      ? `${keys(taken)} would be imported; the file is whole (${seconds} s)`
      : `${keys(taken)} imported in ${seconds} s`,
  ];
  if (skipped > 0) lines.push(`${keys(skipped)} skipped: there already`);
  if (counts.expired > 0) lines.push(`${keys(counts.expired)} left out: expired`);
  if (counts.notWanted > 0) lines.push(`${keys(counts.notWanted)} left out: not asked for`);
  if (libraries > 0) lines.push(`${libraries} ${libraries === 1 ? "library" : "libraries"} of functions`);
  for (const [name, count] of counts.modules)
    lines.push(`${keys(count)} left out: of the module type ${name}`);
  for (const name of counts.moduleAux)
    lines.push(`left out: what the module of the type ${name} has written beside keys`);
  if (missing > 0)
    lines.push(`${keys(missing)} not there any more: evicted or deleted meanwhile; ${firstMissing} is one`);
  else if (!isDryRun) lines.push(`verified: all ${taken + skipped} are there`);
  return lines;
}
