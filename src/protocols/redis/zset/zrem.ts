/** ZREM key member [member ...]: a sorted set without members is gone. */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findSortedSet } from "./sorted-set-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const zremCommand: CommandRow = {
  name: "zrem",
  arity: -3,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "delete")],
  since: "1.2.0",
  complexity: "O(M*log(N)), M members removed of N",
  summary: "Removes members of a sorted set.",
  run: zrem,
};

function zrem(context: CommandContext): void {
  const { buffer, starts, ends, argumentCount } = context.request;
  const database = writableKeysOf(context);
  const entry = findSortedSet(context, database, 1);
  if (entry === 0) return context.reply.integer(0);
  const changes = database.sortedSet;
  let removed = 0;
  changes.open(entry);
  try {
    for (let i = 2; i < argumentCount; i++) if (changes.remove(buffer, starts[i]!, ends[i]!)) removed++;
  } finally {
    changes.close();
  }
  if (removed > 0) context.notifyTaken(keyEvents.zrem, 1, changes.isGone);
  context.reply.integer(removed);
}
