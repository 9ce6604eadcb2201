/** Settles the options of a subcommand from this process's arguments, environment and files. */
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { resolveConfig } from "../src/base/config.ts";
import type { Config } from "../src/base/config.ts";
import { optionNames } from "../src/base/config-options.ts";
import { commands } from "./commands.ts";
import type { CommandName } from "./commands.ts";

export async function settle(command: CommandName, argv: readonly string[]): Promise<Config> {
  const accepted = commands[command].options;
  return await resolveConfig({
    argv,
    environment: process.env,
    readFile: async (path) => await readFile(path, "utf8"),
    memoryBytesTotal: memoryBytesTotal(),
    accepted: accepted === "all" ? optionNames : accepted,
  });
}

/** The memory this process may have: the machine's, or the container's where that is less. */
function memoryBytesTotal(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}
