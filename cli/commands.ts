/** The subcommands, described once; help and dispatch derive from this table. */
import { StartError } from "../src/base/errors.ts";
import { nearest } from "../src/base/text/nearest.ts";
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

/** What talks to a running broker over its HTTP interface, and has arguments, options and help of its own (client/program.ts). */
const clientSummaries = {
  status: "say whether the broker is ready, and what it has",
  ls: "list queues, streams and topics, or exchanges, connections, users ...",
  describe: "show everything about a queue, stream, topic, group or exchange",
  pub: "publish messages, from the command line or stdin",
  sub: "print messages as they come",
  peek: "show messages and leave them where they are",
  delayed: "show what waits for its time before it enters a queue, stream or topic, and cancel it",
  replay: "copy a range of a history, stream or partition to the same or another place",
  explain: "say where a message would go, and why not elsewhere",
  unroutable: "show the last messages that no queue took, and who published them",
  trace: "show what became of single messages",
  purge: "delete a queue's messages; tells what it would do unless --yes is given",
  deadletters: "list dead letters, by why and where they died",
  retry: "move dead letters back to where they died",
  undo: "take back what a retry moved and nobody has got yet",
  operations: "list retries, undos and replays, and how far they are",
  policy: "list, set and delete policies",
  user: "list, make, change and delete users and their permissions",
  apply: "show what a file of definitions changes, and change it",
  diff: "show what apply would change",
  context: "name the brokers that you work with",
  completion: "print the completion script of bash, zsh or fish",
} as const;

export type ClientCommandName = keyof typeof clientSummaries | "export";

export const clientCommandNames = [...Object.keys(clientSummaries), "export"] as ClientCommandName[];

function client(name: ClientCommandName): () => Promise<Execute> {
  return async () => {
    const { runClient } = await import("./client/program.ts");
    return (argv) => runClient(name, argv);
  };
}

const clientCommands = Object.fromEntries(
  Object.entries(clientSummaries).map(([name, summary]) => [
    name,
    { summary, options: [], load: client(name as ClientCommandName) },
  ]),
) as unknown as Readonly<Record<keyof typeof clientSummaries, Command>>;

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
  ...clientCommands,
  export: {
    summary: "print the broker's definitions; export redis FILE: its keys as an RDB file",
    options: [],
    load: client("export"),
  },
  "export redis": {
    summary: "write what a running broker has to an RDB file that redis loads",
    words: "[FILE]",
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

export function isClientCommand(name: CommandName): name is ClientCommandName {
  return (clientCommandNames as readonly CommandName[]).includes(name);
}

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
