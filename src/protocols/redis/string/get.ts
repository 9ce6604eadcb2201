/** GET key */
import type { CommandContext } from "../core/context.ts";
import { findString, keysOf, replyString } from "../keys/key-access.ts";

export function get(context: CommandContext): void {
  const database = keysOf(context);
  replyString(context, database, findString(context, database, 1));
}
