/**
 * Settles the options: flags beat the environment, which beats the file, which beats the defaults.
 *
 * Not here: the options themselves (options.ts). Nothing is read but what is passed in.
 * Invariant: it answers a complete Config, or throws a StartError with exit code 2 whose one line names the
 * wrong key or value as its writer wrote it, and the place it came from. Every source is checked in full, also
 * where another source wins. An unknown variable is a warning only: others write into the environment too.
 */
import {
  environmentNameOf,
  environmentPrefix,
  environmentReserved,
  fileKeyOf,
  flagOf,
  optionNames,
  options,
} from "./options.ts";
import type { Config, Machine, OptionName } from "./options.ts";
import { StartError } from "../errors.ts";
import { nearest } from "../text/nearest.ts";

export type { Config, LogLevel } from "./options.ts";

export interface ConfigSources extends Machine {
  /** Arguments after the subcommand. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads the text of the configuration file; its errors become the StartError's reason. */
  readonly readFile: (path: string) => Promise<string>;
  /** The flags that this subcommand takes; all of them by default. */
  readonly accepted?: readonly OptionName[];
  /** Takes a line about what was passed over and may have been meant. */
  readonly warn?: (line: string) => void;
}

/** Where a value was written, to be named in an error. */
interface Given {
  readonly text: string;
  readonly place: string;
}

/** So many names are offered for one that ends them all: the plain port of each protocol. */
const namesMeantMax = 4;

type Layer = Partial<Record<OptionName, Given>>;

export async function resolveConfig(sources: ConfigSources): Promise<Config> {
  const flags = readFlags(sources.argv, sources.accepted ?? optionNames);
  const environment = readEnvironment(sources.environment, sources.warn ?? (() => {}));
  checkLayer(flags, sources);
  checkLayer(environment, sources);
  const path = (flags.config ?? environment.config)?.text;
  const file = path === undefined ? {} : await readConfigFile(path, sources.readFile);
  checkLayer(file, sources);

  const values: Partial<Record<OptionName, unknown>> = {};
  for (const name of optionNames) {
    const given = flags[name] ?? environment[name] ?? file[name];
    const text = given?.text ?? options[name].default;
    values[name] = text === undefined ? undefined : options[name].parse(text, sources);
  }
  return values as Config;
}

/** Redis is started with such a file, and its settings may be flags. */
const redisConfAdvice = "docs/from-redis.md names the options that stand for redis.conf's";

function readFlags(argv: readonly string[], accepted: readonly OptionName[]): Layer {
  const layer: Layer = {};
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (!argument.startsWith("-")) {
      const advice = argument.endsWith(".conf") ? `; ${redisConfAdvice}` : "";
      throw new StartError(2, `unexpected argument ${quote(argument)}; options begin with --${advice}`);
    }
    const equals = argument.indexOf("=");
    const flag = equals === -1 ? argument : argument.slice(0, equals);
    const name = accepted.find((candidate) => flagOf(candidate) === flag);
    if (name === undefined) throw unknown("option", flag, accepted.map(flagOf));
    let text = argument.slice(equals + 1);
    if (equals === -1 && isSwitch(name)) {
      const isTold = argv[i + 1] === "true" || argv[i + 1] === "false";
      text = isTold ? argv[++i]! : "true";
    } else if (equals === -1) {
      const next = argv[++i];
      if (next === undefined || next.startsWith("--")) {
        throw new StartError(2, `${flag} needs a value; give ${options[name].expected}`);
      }
      text = next;
    }
    layer[name] = { text, place: flag };
  }
  return layer;
}

/** The table's rows are of many types; what they may have is the same. */
function isSwitch(name: OptionName): boolean {
  return "isSwitch" in options[name] && options[name].isSwitch;
}

function isSecret(name: OptionName): boolean {
  return "isSecret" in options[name] && options[name].isSecret;
}

function readEnvironment(environment: ConfigSources["environment"], warn: (line: string) => void): Layer {
  const layer: Layer = {};
  const known = new Map(optionNames.map((name) => [environmentNameOf(name), name]));
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(environmentPrefix) || isReserved(variable)) continue;
    if (isServiceLink(variable, text ?? "")) continue;
    const name = known.get(variable);
    if (name === undefined) {
      warn(`unknown environment variable ${quote(variable)} is ignored${meant(variable, [...known.keys()])}`);
      continue;
    }
    // Compose files and shells pass a variable that was not filled in as an empty one: it is not set.
    if (text !== undefined && text !== "") layer[name] = { text, place: variable };
  }
  return layer;
}

/**
 * Whether Kubernetes (`enableServiceLinks`) or Docker (`--link`) wrote the variable. For a service named `troikamq` or
 * `troikamq-redis` each container gets, in upper case:
 *
 *     SERVICE_SERVICE_HOST  SERVICE_SERVICE_PORT[_NAME]  SERVICE_PORT=tcp://ADDRESS:PORT
 *     SERVICE_PORT_6379_TCP=tcp://ADDRESS:PORT  SERVICE_PORT_6379_TCP_{PROTO,PORT,ADDR}
 *
 * `TROIKAMQ_REDIS_PORT` is also an option: there the form of the value decides, which is never a port's.
 */
function isServiceLink(variable: string, text: string): boolean {
  if (/^(?:tcp|udp|sctp):\/\//.test(text) && /_PORT(?:_\d+_[A-Z]+)?$/.test(variable)) return true;
  return /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR)$/.test(variable);
}

function isReserved(variable: string): boolean {
  return environmentReserved.some((entry) =>
    entry.endsWith("*") ? variable.startsWith(entry.slice(0, -1)) : variable === entry,
  );
}

async function readConfigFile(path: string, readFile: ConfigSources["readFile"]): Promise<Layer> {
  let text: string;
  try {
    text = await readFile(path);
  } catch (error) {
    const reason = (error as { code?: string }).code ?? firstLine(error);
    throw new StartError(2, `--config ${quote(path)} cannot be read (${reason}); give a YAML file`);
  }
  let content: unknown;
  try {
    // Only who names a file pays for the YAML parser.
    const { parse } = await import("yaml");
    content = parse(text, { prettyErrors: true, logLevel: "error" });
  } catch (error) {
    throw new StartError(2, `${path}: ${firstLine(error)}`);
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== "object" || Array.isArray(content)) {
    const advice = path.endsWith(".conf") ? `; ${redisConfAdvice}` : "";
    throw new StartError(2, `${path}: is not YAML with "option: value" lines${advice}`);
  }
  // A file cannot name a file.
  const known = new Map(
    optionNames.filter((name) => name !== "config").map((name) => [fileKeyOf(name), name]),
  );
  const layer: Layer = {};
  for (const [key, value] of Object.entries(content)) {
    const name = known.get(key);
    if (name === undefined) throw unknown(`key in ${path}:`, key, [...known.keys()]);
    const place = `${path}: ${key}`;
    if (typeof value === "object") {
      throw new StartError(2, `${place}: is not one value; give ${options[name].expected}`);
    }
    // YAML makes another text of 0123 or 1e3: a password that is not the one that was written must not be taken.
    if (isSecret(name) && typeof value !== "string") {
      throw new StartError(2, `${place}: is a number or a word of YAML's own; put it in quotes`);
    }
    layer[name] = { text: String(value), place };
  }
  return layer;
}

function checkLayer(layer: Layer, machine: Machine): void {
  for (const name of optionNames) {
    const given = layer[name];
    if (given === undefined || options[name].parse(given.text, machine) !== undefined) continue;
    const shown = isSecret(name) ? "what is there" : quote(given.text);
    throw new StartError(2, `${given.place}: ${shown} is not a valid value; give ${options[name].expected}`);
  }
}

function unknown(kind: string, name: string, known: readonly string[]): StartError {
  return new StartError(2, `unknown ${kind} ${quote(name)}${meant(name, known)}`);
}

/** Ends the sentence on an unknown name. */
function meant(name: string, known: readonly string[]): string {
  // `--port`, as servers of one protocol have it, is the end of many names, and by letters nearest to `--host`.
  const whole = known.filter((candidate) => candidate.endsWith(`-${name.replace(/^-+/, "")}`));
  const close = nearest(name, known);
  const candidates = whole.length > 0 ? whole.slice(0, namesMeantMax) : close === undefined ? [] : [close];
  return candidates.length === 0 ? "" : `; did you mean ${candidates.join(" or ")}?`;
}

/** Quoted, so that a line feed in what was typed cannot make two lines of the message. */
function quote(text: string): string {
  return /^[\w./:@%+-]+$/.test(text) ? text : JSON.stringify(text);
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split("\n", 1)[0]!;
  return line.endsWith(":") ? line.slice(0, -1) : line;
}
