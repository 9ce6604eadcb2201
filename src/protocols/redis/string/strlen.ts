/** STRLEN key */
import type { CommandContext } from "../core/context.ts";
import { findString, keysOf } from "../keys/key-access.ts";

export function strlen(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findString(context, database, 1);
  context.reply.integer(entry === 0 ? 0 : database.table.valueLength(entry));
}
