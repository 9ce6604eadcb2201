/** SETRANGE key offset value; zeros fill what lies between the old end and the offset. */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { assertStringSize } from "./string-size.ts";
import { findString, putValue, writableKeysOf } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const setrangeCommand: CommandRow = {
  name: "setrange",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RW", "update")],
  since: "2.2.0",
  complexity: "O(M), M bytes written",
  summary: "Overwrites a part of a string.",
  run: setrange,
};

const nothing = Buffer.alloc(0);

function setrange(context: CommandContext): void {
  const { request, reply } = context;
  const offset = request.integer(2);
  if (Number.isNaN(offset)) throw new RedisError(errorTexts.notInteger);
  if (offset < 0) throw new RedisError("ERR offset is out of range");
  const database = writableKeysOf(context);
  let entry = findString(context, database, 1);
  const size = request.size(3);
  if (size === 0) return reply.integer(entry === 0 ? 0 : database.table.valueLength(entry));
  assertStringSize(offset + size);
  if (entry === 0) {
    const { buffer, starts, ends } = request;
    putValue(context, database, 1, nothing, 0, 0, 0);
    entry = database.find(buffer, starts[1]!, ends[1]!);
  }
  const length = Math.max(database.table.valueLength(entry), offset + size);
  database.patch(entry, offset, request.buffer, request.starts[3]!, request.ends[3]!);
  reply.integer(length);
}
