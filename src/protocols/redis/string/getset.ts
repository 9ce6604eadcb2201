/** GETSET key value */
import type { CommandContext } from "../core/context.ts";
import { findString, replyString, setString, writableKeysOf } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const getsetCommand: CommandRow = {
  name: "getset",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Sets a string and returns what it was.",
  deprecated: { since: "6.2.0", replacedBy: "`SET` with the `GET` argument" },
  readsFirst: true,
  makesValues: true,
  run: getset,
};

function getset(context: CommandContext): void {
  const database = writableKeysOf(context);
  replyString(context, database, findString(context, database, 1));
  setString(context, database, 1, 2, 0);
  context.notify(keyEvents.set, 1);
}
