/** TYPE key */
import { typeNameOf } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { findEntry, keysOf, streamAt } from "./key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const typeCommand: CommandRow = {
  name: "type",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Tells what kind of value a key holds.",
  run: type,
};

function type(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findEntry(context, database, 1);
  if (entry !== 0) context.reply.simple(typeNameOf(database.table.type(entry)));
  else context.reply.simple(streamAt(context, 1) === undefined ? "none" : "stream");
}
