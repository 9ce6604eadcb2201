/** HEXISTS key field */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findField, findHash } from "./hash-key.ts";

export function hexists(context: CommandContext): void {
  const database = keysOf(context);
  context.reply.integer(findField(context, database, findHash(context, database), 2) ? 1 : 0);
}
