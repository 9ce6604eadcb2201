/** LSET key index element */
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findList, integerArgument, listsOf } from "./list-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const lsetCommand: CommandRow = {
  name: "lset",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RW", "update")],
  since: "1.0.0",
  complexity: "O(N), N elements of the list",
  summary: "Replaces an element of a list.",
  run: lset,
};

function lset(context: CommandContext): void {
  const { buffer, starts, ends } = context.request;
  const database = writableKeysOf(context);
  const entry = findList(context, database, 1);
  if (entry === 0) throw new RedisError(errorTexts.noSuchKey);
  const wanted = integerArgument(context, 2);
  const count = listsOf(context).count(database.content, entry);
  const index = wanted < 0 ? wanted + count : wanted;
  if (index < 0 || index >= count) throw new RedisError("ERR index out of range");
  const { list } = database;
  list.open(entry);
  try {
    list.set(index, buffer, starts[3]!, ends[3]!);
  } finally {
    list.close();
  }
  context.notify(keyEvents.lset, 1);
  context.reply.ok();
}
