/** SETNX key value */
import type { CommandContext } from "../core/context.ts";
import { keyExists, setString, writableKeysOf } from "../keys/key-access.ts";

export function setnx(context: CommandContext): void {
  const database = writableKeysOf(context);
  if (keyExists(context, database, 1)) return context.reply.integer(0);
  setString(context, database, 1, 2, 0);
  context.reply.integer(1);
}
