/** HEXISTS key field */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findField, findHash } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const hexistsCommand: CommandRow = {
  name: "hexists",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "2.0.0",
  complexity: "O(1)",
  summary: "Tells whether a hash has a field.",
  run: hexists,
};

function hexists(context: CommandContext): void {
  const database = keysOf(context);
  context.reply.integer(findField(context, database, findHash(context, database), 2) ? 1 : 0);
}
