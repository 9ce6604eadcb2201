/** APPEND key value */
import type { CommandContext } from "../core/context.ts";
import { assertStringSize } from "./string-size.ts";
import { findString, setString, writableKeysOf } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const appendCommand: CommandRow = {
  name: "append",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "insert")],
  since: "2.0.0",
  complexity: "O(1) amortized",
  summary: "Adds text to the end of a string, creating it when missing.",
  makesValues: true,
  run: append,
};

function append(context: CommandContext): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  const added = request.size(2);
  if (entry === 0) {
    setString(context, database, 1, 2, 0);
    context.notify(keyEvents.append, 1);
    return reply.integer(added);
  }
  const before = database.table.valueLength(entry);
  assertStringSize(before + added);
  // Also with nothing to add: to redis that is a change.
  database.patch(entry, before, request.buffer, request.starts[2]!, request.ends[2]!);
  context.notify(keyEvents.append, 1);
  reply.integer(before + added);
}
