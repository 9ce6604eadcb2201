/**
 * The command line: finds the subcommand and turns its outcome into an exit code.
 *
 * Not here: what a subcommand does (commands/). Each is loaded only when it is asked for, so that `start` pays
 * for nothing else.
 * Invariant: a StartError or CliFault is what stderr says and an exit code; any other error is a bug and keeps its stack.
 */
import { StartError } from "../src/base/errors.ts";
import { CliFault } from "./client/fault.ts";
import { commandNamed, commands, isClientCommand } from "./commands.ts";
import type { CommandName } from "./commands.ts";

async function run(argv: readonly string[]): Promise<number> {
  const { name, rest } = readCommand(argv);
  if (!isClientCommand(name) && (rest.includes("--help") || rest.includes("-h"))) {
    const { commandHelp } = await import("./commands/help.ts");
    process.stdout.write(commandHelp(name));
    return 0;
  }
  const execute = await commands[name].load();
  return await execute(rest);
}

/** What every command that talks to a broker takes, and `start` does not; each has a value. */
const clientOption = /^(?:--url|--context|--vhost|--output|-o)(=.*)?$/s;

/** A command that stands behind its options, as kubectl and docker take it: the options go to its end. Null: it is none. */
function clientBehindOptions(argv: readonly string[]): { name: CommandName; rest: readonly string[] } | null {
  let at = 0;
  for (let match; (match = clientOption.exec(argv[at] ?? "")) !== null;) at += match[1] === undefined ? 2 : 1;
  const word = argv[at];
  if (at === 0 || word === undefined || word.startsWith("-")) return null;
  const name = commandNamed(word);
  if (!isClientCommand(name)) return null;
  const rest = argv.slice(at + 1);
  const end = rest.includes("--") ? rest.indexOf("--") : rest.length;
  return { name, rest: [...rest.slice(0, end), ...argv.slice(0, at), ...rest.slice(end)] };
}

/** No subcommand is `start`; the customary `--version` and `--help` alone are their subcommands. */
function readCommand(argv: readonly string[]): { name: CommandName; rest: readonly string[] } {
  const [first, ...rest] = argv;
  if (first === undefined) return { name: "start", rest };
  if (first === "--version" || first === "-v") return { name: "version", rest };
  if (first === "--help" || first === "-h") return { name: "help", rest };
  if (first.startsWith("-")) return clientBehindOptions(argv) ?? { name: "start", rest: argv };
  const [second, ...others] = rest;
  if (first === "export" && second === "redis") return { name: "export redis", rest: others };
  return { name: commandNamed(first), rest };
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StartError) && !(error instanceof CliFault)) throw error;
  process.stderr.write(`troikamq: ${error.message}\n`);
  // Whatever a failed start has opened must not keep the process.
  process.exit(error.exitCode);
}
