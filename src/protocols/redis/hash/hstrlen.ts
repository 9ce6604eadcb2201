/** HSTRLEN key field */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findField, findHash, hashesOf } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const hstrlenCommand: CommandRow = {
  name: "hstrlen",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "3.2.0",
  complexity: "O(1)",
  summary: "Tells how long a field's value is.",
  run: hstrlen,
};

function hstrlen(context: CommandContext): void {
  const database = keysOf(context);
  const isFound = findField(context, database, findHash(context, database), 2);
  const { start, end } = hashesOf(context);
  context.reply.integer(isFound ? end - start : 0);
}
