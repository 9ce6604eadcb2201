/** HLEN key */
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findHash, hashesOf } from "./hash-key.ts";

export function hlen(context: CommandContext): void {
  const database = keysOf(context);
  const entry = findHash(context, database);
  context.reply.integer(entry === 0 ? 0 : hashesOf(context).count(database.content, entry));
}
