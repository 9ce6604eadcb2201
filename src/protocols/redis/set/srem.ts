/** SREM key member [member ...]: a set without members is gone. */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findSet } from "./set-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const sremCommand: CommandRow = {
  name: "srem",
  arity: -3,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "delete")],
  since: "1.0.0",
  complexity: "O(N), N members",
  summary: "Removes members of a set.",
  run: srem,
};

function srem(context: CommandContext): void {
  const { buffer, starts, ends, argumentCount } = context.request;
  const database = writableKeysOf(context);
  const entry = findSet(context, database, 1);
  if (entry === 0) return context.reply.integer(0);
  let removed = 0;
  database.set.open(entry);
  try {
    for (let i = 2; i < argumentCount; i++) if (database.set.remove(buffer, starts[i]!, ends[i]!)) removed++;
  } finally {
    database.set.close();
  }
  if (removed > 0) context.notifyTaken(keyEvents.srem, 1, database.set.isGone);
  context.reply.integer(removed);
}
