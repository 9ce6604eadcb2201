/** GETBIT key offset: what lies beyond the string is 0. */
import type { CommandContext } from "../core/context.ts";
import { findString, keysOf } from "../keys/key-access.ts";
import { bitOffset } from "./bit-arguments.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const getbitCommand: CommandRow = {
  name: "getbit",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [oneKey(1, "RO", "access")],
  since: "2.2.0",
  complexity: "O(1)",
  summary: "Reads one bit of a string.",
  run: getbit,
};

function getbit(context: CommandContext): void {
  const offset = bitOffset(context.request, 2);
  const database = keysOf(context);
  const entry = findString(context, database, 1);
  if (entry === 0) return context.reply.integer(0);
  const { bytes, start, end } = database.table;
  const at = start + Math.floor(offset / 8);
  context.reply.integer(at < end ? (bytes[at]! >> (7 - (offset & 7))) & 1 : 0);
}
