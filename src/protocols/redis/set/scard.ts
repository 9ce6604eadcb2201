/** SCARD key */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keysOf } from "../keys/key-access.ts";
import { findSet, setsOf } from "./set-key.ts";

export const scardCommand: CommandRow = {
  name: "scard",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Counts the members of a set.",
  run: scard,
};

function scard(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findSet(context, database, 1);
  context.reply.integer(entry === 0 ? 0 : setsOf(context).count(database.content, entry));
}
