/** SELECT index */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { databaseCount } from "../../../keyspace/keyspace.ts";

export function select(context: CommandContext): void {
  const index = context.request.integer(1);
  if (Number.isNaN(index) || Math.abs(index) >= 2 ** 31) throw new RedisError(errorTexts.notInteger);
  if (index < 0 || index >= databaseCount) throw new RedisError("ERR DB index is out of range");
  context.database = index;
  context.reply.ok();
}
