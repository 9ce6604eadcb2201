/** GETDEL key */
import type { CommandContext } from "../core/context.ts";
import { findString, replyString, writableKeysOf } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const getdelCommand: CommandRow = {
  name: "getdel",
  arity: 2,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "access", "delete")],
  since: "6.2.0",
  complexity: "O(1)",
  summary: "Reads a string and removes its key.",
  readsFirst: true,
  run: getdel,
};

function getdel(context: CommandContext): void {
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  replyString(context, database, entry);
  if (entry === 0) return;
  database.remove(entry);
  context.notify(keyEvents.del, 1);
}
