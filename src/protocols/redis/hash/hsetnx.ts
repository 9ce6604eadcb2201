/** HSETNX key field value */
import type { CommandContext } from "../core/context.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findField, findHash, setField } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const hsetnxCommand: CommandRow = {
  name: "hsetnx",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "insert")],
  since: "2.0.0",
  complexity: "O(1)",
  summary: "Sets a field of a hash that has no such field yet.",
  makesValues: true,
  run: hsetnx,
};

function hsetnx(context: CommandContext): void {
  const { buffer, starts, ends } = context.request;
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  if (findField(context, database, entry, 2)) return context.reply.integer(0);
  setField(context, database, entry, 2, buffer, starts[3]!, ends[3]!);
  context.notify(keyEvents.hset, 1);
  context.reply.integer(1);
}
