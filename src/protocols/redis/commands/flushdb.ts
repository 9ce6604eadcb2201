/** FLUSHDB [ASYNC | SYNC] */
import { assertMayFlush } from "../acl/key-rights.ts";
import type { CommandContext } from "../context.ts";
import { assertFlushOption, flushDatabase } from "../flush-keys.ts";

export function flushdb(context: CommandContext): void {
  assertFlushOption(context);
  assertMayFlush(context, context.database);
  flushDatabase(context, context.database);
  context.reply.ok();
}
