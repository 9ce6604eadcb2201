/** SELECT index */
import type { CommandContext } from "../core/context.ts";
import { databaseArgument } from "../core/database-argument.ts";
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
  context.database = databaseArgument(context, 1);
  context.reply.ok();
}
