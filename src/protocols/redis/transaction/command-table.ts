/** The transaction commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { execCommand } from "./exec.ts";
import { multiCommands } from "./multi.ts";

export const transactionsCommands: CommandRows = inGroup(
  "transactions",
  ["transaction"],
  [...multiCommands, execCommand],
);
