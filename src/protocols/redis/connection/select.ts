/** SELECT index */
import type { CommandContext } from "../core/context.ts";
import { databaseArgument, databaseNumber } from "../core/database-argument.ts";
import { RedisError } from "../core/errors.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const selectCommand: CommandRow = {
  name: "select",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Chooses the database of this connection.",
  selects: (request) => databaseNumber(request, 1),
  run: select,
};

function select(context: CommandContext): void {
  // Before the range is looked at, as in redis.
  const isElsewhere = Math.abs(context.request.integer(1)) < 2 ** 31 && !context.request.is(1, "0");
  if (isElsewhere && context.server.cluster !== null)
    throw new RedisError("ERR SELECT is not allowed in cluster mode");
  context.database = databaseArgument(context, 1);
  context.reply.ok();
}
