/** SETRANGE key offset value; zeros fill what lies between the old end and the offset. */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { assertStringSize } from "./string-size.ts";
import { findString, writableKeysOf } from "../keys/key-access.ts";
import { patchString } from "./patch-string.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const setrangeCommand: CommandRow = {
  name: "setrange",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RW", "update")],
  since: "2.2.0",
  complexity: "O(M), M bytes written",
  summary: "Overwrites a part of a string.",
  makesValues: true,
  run: setrange,
};

function setrange(context: CommandContext): void {
  const { request, reply } = context;
  const offset = request.integer(2);
  if (Number.isNaN(offset)) throw new RedisError(errorTexts.notInteger);
  if (offset < 0) throw new RedisError("ERR offset is out of range");
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  const size = request.size(3);
  if (size === 0) return reply.integer(entry === 0 ? 0 : database.table.valueLength(entry));
  assertStringSize(offset + size);
  const place = patchString(
    context,
    database,
    entry,
    offset,
    request.buffer,
    request.starts[3]!,
    request.ends[3]!,
  );
  context.notify(keyEvents.setrange, 1);
  reply.integer(database.table.valueLength(place));
}
