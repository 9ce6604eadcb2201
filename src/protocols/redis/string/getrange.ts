/** GETRANGE key start end, both inclusive, negative ones from the end. SUBSTR is its old name. */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { findString, keysOf } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const getrangeCommands: readonly CommandRow[] = [
  {
    name: "getrange",
    arity: 4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "2.4.0",
    complexity: "O(N), N bytes returned",
    summary: "Reads a part of a string.",
    run: getrange,
  },
  {
    name: "substr",
    arity: 4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "1.0.0",
    complexity: "O(N), N bytes returned",
    summary: "Reads a part of a string, by its old name.",
    deprecated: { since: "2.0.0", replacedBy: "`GETRANGE`" },
    run: getrange,
  },
];

function getrange(context: CommandContext): void {
  const { request, reply } = context;
  let start = request.integer(2);
  let end = request.integer(3);
  if (Number.isNaN(start) || Number.isNaN(end)) throw new RedisError(errorTexts.notInteger);
  const database = keysOf(context);
  const entry = findString(context, database, 1);
  const size = entry === 0 ? 0 : database.table.valueLength(entry);
  if (size === 0 || (start < 0 && end < 0 && start > end)) return reply.bulkLatin1("");
  start = Math.max(start < 0 ? size + start : start, 0);
  end = Math.min(Math.max(end < 0 ? size + end : end, 0), size - 1);
  if (start > end) return reply.bulkLatin1("");
  const { bytes, start: from } = database.table;
  reply.bulk(bytes, from + start, from + end + 1);
}
