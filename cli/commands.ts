/** The subcommands, described once; help and dispatch derive from this table. */
import { StartError } from "../src/base/errors.ts";
import { nearest } from "../src/base/nearest.ts";
import { type Flags } from "./flags.ts";
import { exportFlags, importFlags } from "./transfer-flags.ts";
import type { OptionName } from "../src/base/config/options.ts";

/** Runs a subcommand with the arguments after its name and answers the exit code. */
export type Execute = (argv: readonly string[]) => Promise<number>;

interface Command {
  readonly summary: string;
  /** The options it takes: `all`, or these. */
  readonly options: "all" | readonly OptionName[];
  /** What stands between the options, as the help shows it. */
  readonly words?: string;
  /** Flags of its own: never in the environment or the file. */
  readonly flags?: Flags;
  readonly load: () => Promise<Execute>;
}

const table = {
  start: {
    summary: "start the broker (what troikamq does without a command)",
    options: "all",
    load: async () => (await import("./commands/start.ts")).start,
  },
  check: {
    summary: "verify a data directory that no broker uses, say what is wrong where",
    options: ["dataDir", "config"],
    flags: { "--repair": { help: "set aside what is damaged and keep the rest" } },
    load: async () => (await import("./commands/check.ts")).check,
  },
  import: {
    summary: "fill a running broker from an RDB file of redis, over its Redis port",
    words: "redis FILE",
    options: [],
    flags: importFlags,
    load: async () => (await import("./commands/import.ts")).importCommand,
  },
  export: {
    summary: "write what a running broker has to an RDB file that redis loads",
    words: "redis [FILE]",
    options: [],
    flags: exportFlags,
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  version: {
    summary: "print the version of the broker and of the runtime under it",
    options: [],
    load: async () => (await import("./commands/version.ts")).printVersion,
  },
  help: {
    summary: "print this, or with the name of a command its options",
    options: [],
    load: async () => (await import("./commands/help.ts")).printHelp,
  },
} satisfies Record<string, Command>;

export type CommandName = keyof typeof table;

export const commands: Readonly<Record<CommandName, Command>> = table;

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

/** @throws StartError */
export function commandNamed(name: string): CommandName {
  if (isCommandName(name)) return name;
  const close = nearest(name, Object.keys(commands));
  const advice = close === undefined ? "see troikamq help" : `did you mean ${close}?`;
  throw new StartError(2, `unknown command ${JSON.stringify(name)}; ${advice}`);
}
