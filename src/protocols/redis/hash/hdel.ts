/** HDEL key field [field ...]: a hash without fields is gone. */
import type { CommandContext } from "../core/context.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findHash } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const hdelCommand: CommandRow = {
  name: "hdel",
  arity: -3,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "delete")],
  since: "2.0.0",
  complexity: "O(N), N fields",
  summary: "Removes fields of a hash.",
  run: hdel,
};

function hdel(context: CommandContext): void {
  const { buffer, starts, ends, argumentCount } = context.request;
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  if (entry === 0) return context.reply.integer(0);
  let removed = 0;
  database.hash.open(entry);
  try {
    for (let i = 2; i < argumentCount; i++) if (database.hash.remove(buffer, starts[i]!, ends[i]!)) removed++;
  } finally {
    database.hash.close();
  }
  if (removed > 0) context.notifyTaken(keyEvents.hdel, 1, database.hash.isGone);
  context.reply.integer(removed);
}
