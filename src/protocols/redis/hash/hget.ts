/** HGET key field */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findField, findHash, replyField } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const hgetCommand: CommandRow = {
  name: "hget",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO", "access")],
  since: "2.0.0",
  complexity: "O(1)",
  summary: "Reads one field of a hash.",
  run: hget,
};

function hget(context: CommandContext): void {
  const database = keysOf(context);
  replyField(context, findField(context, database, findHash(context, database), 2));
}
