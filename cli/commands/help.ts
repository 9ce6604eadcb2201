/** `troikamq help` and `troikamq COMMAND --help`, from the tables of commands and options. */
import { optionsHelp } from "../../src/base/config/help.ts";
import { optionNames } from "../../src/base/config/options.ts";
import { version } from "../../src/base/version.ts";
import { commandNamed, commands, isClientCommand } from "../commands.ts";
import type { CommandName } from "../commands.ts";
import { noArguments } from "../no-arguments.ts";

export async function printHelp(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  noArguments("help", rest);
  const command = name === undefined ? null : commandNamed(name);
  if (command !== null && isClientCommand(command)) return await (await commands[command].load())(["--help"]);
  process.stdout.write(command === null ? generalHelp() : commandHelp(command));
  return 0;
}

function generalHelp(): string {
  const names = (Object.keys(commands) as CommandName[]).filter((name) => !name.includes(" "));
  const linesOf = (shown: readonly CommandName[]): string[] =>
    shown.map((name) => `  ${name.padEnd(11)} ${commands[name].summary}`);
  return [
    `troikamq ${version}: one message broker for Redis, AMQP 0-9-1 and Kafka clients`,
    "",
    "usage: troikamq [COMMAND] [OPTION…]",
    "",
    ...linesOf(names.filter((name) => !isClientCommand(name))),
    "",
    "of a running broker, on this machine or where --url or --context says:",
    "",
    ...linesOf(names.filter(isClientCommand)),
    "",
    "troikamq COMMAND --help tells a command's options, with examples.",
    "",
  ].join("\n");
}

export function commandHelp(name: CommandName): string {
  const { summary, options, words, flags = {} } = commands[name];
  const names = options === "all" ? optionNames : options;
  const own = Object.entries(flags);
  const takes = name === "help" ? " [COMMAND]" : names.length + own.length > 0 ? " [OPTION…]" : "";
  const head = `usage: troikamq ${name}${words === undefined ? "" : ` ${words}`}${takes}\n\n${summary}\n`;
  const shown = own.map(
    ([flag, { value, help }]) => [value === undefined ? flag : `${flag} ${value}`, help] as const,
  );
  const width = Math.max(...shown.map(([flag]) => flag.length));
  const ownLines = shown.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}\n`).join("");
  if (names.length === 0) return ownLines === "" ? head : `${head}\n${ownLines}`;
  const except = own.map(([flag]) => ` but ${flag}`).join("");
  return `${head}
${ownLines === "" ? "" : `${ownLines}\n`}${optionsHelp(names)}

Each${except} is also an environment variable (--data-dir is TROIKAMQ_DATA_DIR) and a key of the file that --config
names (data-dir). Flags beat the environment, which beats the file, which beats the default in brackets.
`;
}
