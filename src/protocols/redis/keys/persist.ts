/** PERSIST key */
import type { CommandContext } from "../core/context.ts";
import { findEntry, writableKeysOf } from "./key-access.ts";

export function persist(context: CommandContext): void {
  const database = writableKeysOf(context);
  const entry = findEntry(context, database, 1);
  if (entry === 0 || database.table.expiry(entry) === 0) return context.reply.integer(0);
  database.setExpiry(entry, 0);
  context.reply.integer(1);
}
