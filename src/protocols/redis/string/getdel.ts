/** GETDEL key */
import type { CommandContext } from "../core/context.ts";
import { findString, replyString, writableKeysOf } from "../keys/key-access.ts";

export function getdel(context: CommandContext): void {
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  replyString(context, database, entry);
  if (entry !== 0) database.remove(entry);
}
