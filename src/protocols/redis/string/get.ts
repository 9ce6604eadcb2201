/** GET key */
import type { CommandContext } from "../core/context.ts";
import { findString, keysOf, replyString } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const getCommand: CommandRow = {
  name: "get",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO", "access")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Reads a string.",
  run: get,
};

function get(context: CommandContext): void {
  const database = keysOf(context);
  replyString(context, database, findString(context, database, 1));
}
