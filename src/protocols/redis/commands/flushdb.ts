/** FLUSHDB [ASYNC | SYNC] */
import type { CommandContext } from "../context.ts";
import { assertFlushOption, flushDatabase } from "../flush-keys.ts";

export function flushdb(context: CommandContext): void {
  assertFlushOption(context);
  flushDatabase(context, context.database);
  context.reply.ok();
}
