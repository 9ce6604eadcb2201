/** `troikamq help` and `troikamq COMMAND --help`, from the tables of commands and options. */
import { optionsHelp } from "../../src/base/config-help.ts";
import { optionNames } from "../../src/base/config-options.ts";
import { version } from "../../src/base/version.ts";
import { commands } from "../commands.ts";
import type { CommandName } from "../commands.ts";
import { noArguments } from "../no-arguments.ts";

export async function printHelp(argv: readonly string[]): Promise<number> {
  noArguments("help", argv);
  process.stdout.write(generalHelp());
  return 0;
}

function generalHelp(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return [
    `troikamq ${version}: one message broker for Redis, AMQP 0-9-1 and Kafka clients`,
    "",
    "usage: troikamq [COMMAND] [OPTION…]",
    "",
    ...lines,
    "",
    "troikamq COMMAND --help tells a command's options.",
    "",
  ].join("\n");
}

export function commandHelp(name: CommandName): string {
  const { summary, options } = commands[name];
  const names = options === "all" ? optionNames : options;
  const head = `usage: troikamq ${name}${names.length > 0 ? " [OPTION…]" : ""}\n\n${summary}\n`;
  if (names.length === 0) return head;
  return `${head}
${optionsHelp(names)}

Each is also an environment variable (--redis-port is TROIKAMQ_REDIS_PORT) and a key of the file that --config
names (redis-port). Flags beat the environment, which beats the file, which beats the default in brackets.
`;
}
