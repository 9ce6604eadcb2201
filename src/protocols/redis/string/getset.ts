/** GETSET key value */
import type { CommandContext } from "../core/context.ts";
import { findString, replyString, setString, writableKeysOf } from "../keys/key-access.ts";

export function getset(context: CommandContext): void {
  const database = writableKeysOf(context);
  replyString(context, database, findString(context, database, 1));
  setString(context, database, 1, 2, 0);
}
