/** HGET key field */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findField, findHash, replyField } from "./hash-key.ts";

export function hget(context: CommandContext): void {
  const database = keysOf(context);
  replyField(context, findField(context, database, findHash(context, database), 2));
}
