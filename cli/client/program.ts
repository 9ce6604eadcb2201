/**
 * The commands that talk to a running broker, for Commander: what each takes stands in commands/, what they share in session.ts.
 *
 * Loaded only for these commands, so that `start` pays nothing for them. Not here: their summaries (cli/commands.ts), which the general
 * help shows too. Invariant: a wrong command line is one line on stderr and exit code 2, as for the other commands.
 */
import { Command, CommanderError } from "commander";
import { nearest } from "../../src/base/text/nearest.ts";
import { type ClientCommandName, clientCommandNames, commands } from "../commands.ts";
import { CliFault } from "./fault.ts";

/** Adds arguments, options and what is to be done. */
export type Define = (command: Command) => void;

const definitions: Readonly<Record<ClientCommandName, () => Promise<Define>>> = {
  status: async () => (await import("./commands/status.ts")).defineStatus,
  ls: async () => (await import("./commands/ls.ts")).defineLs,
  describe: async () => (await import("./commands/describe.ts")).defineDescribe,
  pub: async () => (await import("./commands/pub.ts")).definePub,
  sub: async () => (await import("./commands/sub.ts")).defineSub,
  peek: async () => (await import("./commands/peek.ts")).definePeek,
  delayed: async () => (await import("./commands/delayed.ts")).defineDelayed,
  replay: async () => (await import("./commands/replay.ts")).defineReplay,
  explain: async () => (await import("./commands/explain.ts")).defineExplain,
  unroutable: async () => (await import("./commands/unroutable.ts")).defineUnroutable,
  trace: async () => (await import("./commands/trace.ts")).defineTrace,
  purge: async () => (await import("./commands/purge.ts")).definePurge,
  deadletters: async () => (await import("./commands/deadletters.ts")).defineDeadletters,
  retry: async () => (await import("./commands/retry.ts")).defineRetry,
  undo: async () => (await import("./commands/retry.ts")).defineUndo,
  operations: async () => (await import("./commands/retry.ts")).defineOperations,
  policy: async () => (await import("./commands/policy.ts")).definePolicy,
  user: async () => (await import("./commands/user.ts")).defineUser,
  apply: async () => (await import("./commands/apply.ts")).defineApply,
  diff: async () => (await import("./commands/apply.ts")).defineDiff,
  export: async () => (await import("./commands/export.ts")).defineExport,
  context: async () => (await import("./commands/context.ts")).defineContext,
  completion: async () => (await import("./commands/completion.ts")).defineCompletion,
};

async function defined(name: ClientCommandName): Promise<Command> {
  const command = new Command(name);
  command.description(commands[name].summary).helpOption("-h, --help", "print this");
  const define = await definitions[name]();
  define(command);
  settle(command);
  return command;
}

function settle(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeErr: () => {} })
    .helpCommand(false)
    .showSuggestionAfterError(true);
  for (const each of command.commands) settle(each.helpOption("-h, --help", "print this"));
}

/** All of them, for what is made of the whole tree. */
export async function allDefined(): Promise<readonly Command[]> {
  return await Promise.all(clientCommandNames.map(defined));
}

/** Runs one with the words after its name; resolves to the exit code. @throws CliFault */
export async function runClient(name: ClientCommandName, argv: readonly string[]): Promise<number> {
  const command = await defined(name);
  // Its help says what is to be typed.
  const program = new Command("troikamq").addCommand(command);
  settle(program);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  try {
    await program.parseAsync([name, ...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed" || error.code === "commander.version") return 0;
    throw usageFault(name, error);
  }
  return Number(process.exitCode ?? 0);
}

function usageFault(name: string, { code, message }: CommanderError): CliFault {
  // A command with subcommands was given none.
  if (code === "commander.help")
    return new CliFault("usage", `${name} needs to be told what to do; see troikamq ${name} --help`);
  const [first = "", ...rest] = message
    .replace(/^error: /, "")
    .replace(/\.$/, "")
    .split("\n");
  const advice = rest.join(" ").trim() || meantChoice(first);
  return new CliFault(
    "usage",
    advice === "" ? `${first}; see troikamq ${name} --help` : `${first} ${advice}`,
  );
}

/** Commander names the choices, and not the one that was meant. */
function meantChoice(text: string): string {
  const [, given, choices] = /'([^']*)' is invalid.*Allowed choices are (.*)$/.exec(text) ?? [];
  const close = given === undefined ? undefined : nearest(given, choices!.split(", "));
  return close === undefined ? "" : `(Did you mean ${close}?)`;
}
