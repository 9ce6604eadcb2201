/** HSTRLEN key field */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findField, findHash, hashesOf } from "./hash-key.ts";

export function hstrlen(context: CommandContext): void {
  const database = keysOf(context);
  const isFound = findField(context, database, findHash(context, database), 2);
  const { start, end } = hashesOf(context);
  context.reply.integer(isFound ? end - start : 0);
}
