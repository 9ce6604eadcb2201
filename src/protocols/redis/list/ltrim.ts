/** LTRIM key start stop. What is dropped is given back in slices, if it is much. */
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findList, integerArgument, listsOf } from "./list-key.ts";
import { listRange } from "./range.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const ltrimCommand: CommandRow = {
  name: "ltrim",
  arity: 4,
  flags: ["write"],
  keys: [oneKey(1, "RW", "delete")],
  since: "1.0.0",
  complexity: "O(N), N elements removed",
  summary: "Keeps only a range of a list.",
  run: ltrim,
};

function ltrim(context: CommandContext): void {
  const start = integerArgument(context, 2);
  const stop = integerArgument(context, 3);
  const database = writableKeysOf(context);
  const entry = findList(context, database, 1);
  if (entry !== 0) {
    const size = listsOf(context).count(database.content, entry);
    const { from, count } = listRange(start, stop, size);
    const { list } = database;
    list.open(entry);
    try {
      // To redis it has changed, whatever is dropped.
      list.touch();
      if (count === 0) list.drop(true, size);
      else {
        list.drop(true, from);
        list.drop(false, size - from - count);
      }
    } finally {
      list.close();
    }
    context.notifyTaken(keyEvents.ltrim, 1, list.isGone);
  }
  context.reply.ok();
}
