/** SELECT index */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { databaseCount } from "../../../keyspace/keyspace.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const selectCommand: CommandRow = {
  name: "select",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Chooses the database of this connection.",
  run: select,
};

function select(context: CommandContext): void {
  const index = context.request.integer(1);
  if (Number.isNaN(index) || Math.abs(index) >= 2 ** 31) throw new RedisError(errorTexts.notInteger);
  if (index !== 0 && context.server.cluster !== null)
    throw new RedisError("ERR SELECT is not allowed in cluster mode");
  if (index < 0 || index >= databaseCount) throw new RedisError("ERR DB index is out of range");
  context.database = index;
  context.reply.ok();
}
