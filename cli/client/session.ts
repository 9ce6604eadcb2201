/**
 * What the commands that talk to a broker share: how the broker is named, how they print, what their help shows.
 *
 * Not here: the commands (commands/), and how one is run (program.ts).
 */
import { type Command, Option } from "commander";
import { Api } from "./broker/api.ts";
import { readContexts } from "./broker/contexts.ts";
import { type Target, targetOf } from "./broker/target.ts";
import { exitCodes } from "./fault.ts";
import { type Format, formats, Printer } from "./output/printer.ts";

export interface BrokerOptions {
  readonly url?: string;
  readonly context?: string;
  readonly vhost?: string;
  readonly output: Format;
}

export interface Session {
  readonly api: Api;
  readonly target: Target;
  readonly printer: Printer;
}

export function sessionOf(options: BrokerOptions): Session {
  const target = targetOf(options, process.env, readContexts(process.env));
  return { api: new Api(target), target, printer: new Printer(options.output) };
}

export function outputOption(choices: readonly string[] = formats): Option {
  return new Option("-o, --output <format>", "form of the output").choices(choices).default(choices[0]);
}

/** The options of everything that talks to a broker. */
export function withBroker(command: Command, choices?: readonly string[]): Command {
  return command
    .addOption(outputOption(choices))
    .option("--url <url>", "the broker: http://[USER:PASSWORD@]HOST[:PORT], https:// for TLS [TROIKAMQ_URL]")
    .option("--context <name>", "a broker of `troikamq context ls` [TROIKAMQ_CONTEXT]")
    .option("--vhost <name>", "virtual host [that of the context, or /]");
}

/** Shown below the options. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** The command has done what it should, and the answer is no. */
export function answerNo(): void {
  process.exitCode = exitCodes.different;
}
