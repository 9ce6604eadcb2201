/** HLEN key */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findHash, hashesOf } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const hlenCommand: CommandRow = {
  name: "hlen",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "2.0.0",
  complexity: "O(1)",
  summary: "Counts the fields of a hash.",
  run: hlen,
};

function hlen(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findHash(context, database);
  context.reply.integer(entry === 0 ? 0 : hashesOf(context).count(database.content, entry));
}
