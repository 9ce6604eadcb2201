/** What versions programs of the machine have. Invariant: a program that is not there has none, and nothing throws. */
import { spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

/** The first two numbers, such as [3, 11], in what it says when asked by `args`; undefined where it cannot be run. */
export function versionOf(program: string, args: readonly string[]): readonly [number, number] | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) return undefined;
  const found = /(\d+)(?:\.(\d+))?/.exec(stripVTControlCharacters(stdout));
  return found === null ? undefined : [Number(found[1]), Number(found[2] ?? 0)];
}

export function isAtLeast(
  version: readonly [number, number],
  [major, minor]: readonly [number, number],
): boolean {
  return version[0] > major || (version[0] === major && version[1] >= minor);
}

/** undefined where the program is there in this version or a later one, else the reason to skip. */
export function missingProgram(options: {
  readonly program: string;
  readonly args: readonly string[];
  readonly least: readonly [number, number];
}): string | undefined {
  const { program, args, least } = options;
  const version = versionOf(program, args);
  const wanted = `${program} ${least.join(".")} or later`;
  if (version === undefined) return `no ${program} here; it needs ${wanted}`;
  return isAtLeast(version, least)
    ? undefined
    : `${program} here is ${version.join(".")}; it needs ${wanted}`;
}

/** Whether the program ends with code 0: for "is this library there". */
export function runsWell(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}
