/** STRLEN key */
import type { CommandContext } from "../core/context.ts";
import { findString, keysOf } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const strlenCommand: CommandRow = {
  name: "strlen",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "2.2.0",
  complexity: "O(1)",
  summary: "Tells how long a string is.",
  run: strlen,
};

function strlen(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findString(context, database, 1);
  context.reply.integer(entry === 0 ? 0 : database.table.valueLength(entry));
}
