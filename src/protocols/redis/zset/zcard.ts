/** ZCARD key */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keysOf } from "../keys/key-access.ts";
import { findSortedSet, sortedSetsOf } from "./sorted-set-key.ts";

export const zcardCommand: CommandRow = {
  name: "zcard",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "1.2.0",
  complexity: "O(1)",
  summary: "Counts the members of a sorted set.",
  run: zcard,
};

function zcard(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findSortedSet(context, database, 1);
  context.reply.integer(entry === 0 ? 0 : sortedSetsOf(context).count(database.content, entry));
}
