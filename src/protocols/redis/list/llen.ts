/** LLEN key */
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findList, listsOf } from "./list-key.ts";

export const llenCommand: CommandRow = {
  name: "llen",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Counts the elements of a list.",
  run: llen,
};

function llen(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findList(context, database, 1);
  context.reply.integer(entry === 0 ? 0 : listsOf(context).count(database.content, entry));
}
