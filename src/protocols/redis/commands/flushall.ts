/** FLUSHALL [ASYNC | SYNC] */
import { databaseCount } from "../../../keyspace/keyspace.ts";
import type { CommandContext } from "../context.ts";
import { assertFlushOption, flushDatabase } from "../flush-keys.ts";

export function flushall(context: CommandContext): void {
  assertFlushOption(context);
  for (let number = 0; number < databaseCount; number++) flushDatabase(context, number);
  context.reply.ok();
}
