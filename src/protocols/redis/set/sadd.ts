/** SADD key member [member ...]: all at once, as HSET. */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findSet, openSet } from "./set-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const saddCommand: CommandRow = {
  name: "sadd",
  arity: -3,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "insert")],
  since: "1.0.0",
  complexity: "O(N), N members",
  summary: "Adds members to a set.",
  makesValues: true,
  run: sadd,
};

function sadd(context: CommandContext): void {
  const { buffer, starts, ends, argumentCount } = context.request;
  const database = writableKeysOf(context);
  openSet(context, database, 1, findSet(context, database, 1));
  let added = 0;
  try {
    for (let i = 2; i < argumentCount; i++) if (database.set.add(buffer, starts[i]!, ends[i]!)) added++;
  } finally {
    database.set.close();
  }
  if (added > 0) context.notify(keyEvents.sadd, 1);
  context.reply.integer(added);
}
