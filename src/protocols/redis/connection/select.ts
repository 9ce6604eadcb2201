/** SELECT index */
import type { CommandContext } from "../core/context.ts";
import { databaseArgument } from "../core/database-argument.ts";
import { RedisError } from "../core/errors.ts";
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
  const index = databaseArgument(context, 1);
  if (index !== 0 && context.server.cluster !== null)
    throw new RedisError("ERR SELECT is not allowed in cluster mode");
  context.database = index;
  context.reply.ok();
}
