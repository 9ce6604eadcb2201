/** TYPE key */
import { typeNameOf } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { findEntry, keysOf, streamAt } from "./key-access.ts";

export function type(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findEntry(context, database, 1);
  if (entry !== 0) context.reply.simple(typeNameOf(database.table.type(entry)));
  else context.reply.simple(streamAt(context, 1) === undefined ? "none" : "stream");
}
