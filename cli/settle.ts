/** Settles the options of a subcommand from this process's arguments, environment and files. */
import { readFile } from "node:fs/promises";
import { resolveConfig } from "../src/base/config/config.ts";
import type { Config } from "../src/base/config/config.ts";
import { optionNames } from "../src/base/config/options.ts";
import { thisMachine } from "../src/base/machine.ts";
import { commands } from "./commands.ts";
import type { CommandName } from "./commands.ts";

export async function settle(command: CommandName, argv: readonly string[]): Promise<Config> {
  const accepted = commands[command].options;
  const warnings: string[] = [];
  const config = await resolveConfig({
    argv,
    environment: process.env,
    readFile: async (path) => await readFile(path, "utf8"),
    ...thisMachine(),
    accepted: accepted === "all" ? optionNames : accepted,
    warn: (line) => warnings.push(line),
  });
  // Until the level is known nothing may be logged; a mistake ends with its own line anyway.
  const isShown = config.logLevel !== "error" && config.logLevel !== "silent";
  if (isShown) for (const line of warnings) process.stderr.write(`troikamq: ${line}\n`);
  return config;
}
