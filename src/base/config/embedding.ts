/**
 * The options of `startBroker()`, from the same table as the command line's: names, values and defaults of a library.
 *
 * Ports stand together under `ports`, by protocol; `config` is the command line's alone. Nothing is read from the
 * environment or from files.
 * Invariant: it answers a complete Config, or throws a StartError whose one line names the wrong key or value: an option
 * that is misspelt never is one that was not given.
 */
import { optionNames, options, portOptions } from "./options.ts";
import type { Accepted, Config, Machine, OptionName, PortSetting } from "./options.ts";
import { type AnyPortName, portNameOf, portNames, portOptionOf, type PortOption } from "./listeners.ts";
import { StartError } from "../errors.ts";
import { nearest } from "../text/nearest.ts";

export type EmbeddedName = Exclude<OptionName, PortOption | "config">;
type SizeName = "diskFreeBytesMin" | "journalBytesMax" | "memoryBytesMax" | "traceBytes" | "redisMaxmemory";

/** What the table's `accepts` says, as types; a test holds bin/embed.d.ts to them. */
export type StartOptions = {
  [Name in EmbeddedName]?: NonNullable<Config[Name]> | (Name extends SizeName ? string : never) | undefined;
} & { ports?: { [Name in AnyPortName]?: PortSetting | undefined } | undefined };

/**
 * Defaults of the library that differ from those of the command: it leaves no files, logs little, and its ports meet no other
 * program.
 */
export const embeddedDefaults: Readonly<Partial<Record<OptionName, string>>> = {
  dataDir: "memory",
  logLevel: "warn",
  ...Object.fromEntries(portNames.map((name) => [portOptionOf(name), "0"])),
};

export const embeddedNames = optionNames.filter(
  (name): name is EmbeddedName => name !== "config" && !(portOptions as readonly string[]).includes(name),
);

/** @throws StartError */
export function embeddedConfig(given: unknown, machine: Machine): Config {
  const { ports, ...settings } = objectIn("the argument", given);
  const byPort = objectIn("ports", ports);
  const values: Partial<Record<OptionName, unknown>> = {};
  for (const name of optionNames) {
    const text = embeddedDefaults[name] ?? options[name].default;
    values[name] = text === undefined ? undefined : options[name].parse(text, machine);
  }
  for (const [key, value] of Object.entries(settings)) {
    const name = embeddedNames.find((each) => each === key);
    if (name === undefined) throw unknown(key, false);
    if (value !== undefined) values[name] = valueOf(name, key, value, machine);
  }
  for (const [key, value] of Object.entries(byPort)) {
    const name = portOptions.find((each) => portNameOf(each) === key);
    if (name === undefined) throw unknown(key, true);
    if (value !== undefined) values[name] = valueOf(name, `ports.${key}`, value, machine);
  }
  return values as Config;
}

function objectIn(what: string, given: unknown): Record<string, unknown> {
  if (given === undefined) return {};
  if (typeof given === "object" && given !== null && !Array.isArray(given))
    return given as Record<string, unknown>;
  throw new StartError(2, `startBroker: ${what} is no object; give { name: value }`);
}

function valueOf(name: OptionName, shownName: string, value: unknown, machine: Machine): unknown {
  const { accepts, expected, parse } = options[name];
  const parsed = isOfType(accepts, value) ? parse(String(value), machine) : undefined;
  if (parsed !== undefined) return parsed;
  const shown = "isSecret" in options[name] ? "what is there" : shownValue(value);
  throw new StartError(
    2,
    `startBroker: ${shownName}: ${shown} is not a valid value; give ${expected} (${typeText(accepts)})`,
  );
}

function shownValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  const isPlain = typeof value === "number" || typeof value === "boolean" || value === null;
  return isPlain ? String(value) : `a value of type ${typeof value}`;
}

function isOfType({ types, words = [] }: Accepted, value: unknown): boolean {
  return types.some((type) => typeof value === type) || words.some((word) => word === value);
}

/** As TypeScript writes it. */
export function typeText({ types, words = [] }: Accepted): string {
  return [...types, ...words.map((word) => JSON.stringify(word))].join(" | ");
}

/** For names under which a user may look for an option: `redisPort` and `redis` are `ports.redis`. */
function unknown(key: string, isPort: boolean): StartError {
  const known = new Map<string, string>();
  for (const option of portOptions) {
    known.set(portNameOf(option), `ports.${portNameOf(option)}`);
    known.set(option, `ports.${portNameOf(option)}`);
  }
  if (!isPort) for (const name of ["ports", ...embeddedNames]) known.set(name, name);
  const close = nearest(key, [...known.keys()]);
  const advice = close === undefined ? "; see docs/embedding.md" : `; did you mean ${known.get(close)}?`;
  return new StartError(2, `startBroker: unknown option ${isPort ? "ports." : ""}${key}${advice}`);
}
