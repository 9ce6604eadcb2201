/** FLUSHALL [ASYNC | SYNC] */
import { databaseCount } from "../../../keyspace/keyspace.ts";
import { assertMayFlush } from "../acl/key-rights.ts";
import type { CommandContext } from "../context.ts";
import { assertFlushOption, flushDatabase } from "../flush-keys.ts";

export function flushall(context: CommandContext): void {
  assertFlushOption(context);
  for (let number = 0; number < databaseCount; number++) assertMayFlush(context, number);
  for (let number = 0; number < databaseCount; number++) flushDatabase(context, number);
  context.reply.ok();
}
