/** GET key */
import type { CommandContext } from "../context.ts";
import { findString, keysOf, replyString } from "../key-access.ts";

export function get(context: CommandContext): void {
  const database = keysOf(context);
  replyString(context, database, findString(context, database, 1));
}
