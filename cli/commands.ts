/** The subcommands, described once; help and dispatch derive from this table. */
import type { OptionName } from "../src/base/config-options.ts";

/** Runs a subcommand with the arguments after its name and answers the exit code. */
export type Execute = (argv: readonly string[]) => Promise<number>;

interface Command {
  readonly summary: string;
  /** The options it takes: `all`, or these. */
  readonly options: "all" | readonly OptionName[];
  readonly load: () => Promise<Execute>;
}

export const commands = {
  start: {
    summary: "start the broker (what troikamq does without a command)",
    options: "all",
    load: async () => (await import("./commands/start.ts")).start,
  },
  check: {
    summary: "verify a data directory, say what is wrong where; --repair sets that aside and keeps the rest",
    options: ["dataDir", "config"],
    load: async () => (await import("./commands/check.ts")).check,
  },
  version: {
    summary: "print the version of the broker and of the runtime under it",
    options: [],
    load: async () => (await import("./commands/version.ts")).printVersion,
  },
  help: {
    summary: "print this",
    options: [],
    load: async () => (await import("./commands/help.ts")).printHelp,
  },
} satisfies Record<string, Command>;

export type CommandName = keyof typeof commands;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}
