/** LINDEX key index */
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "../keys/key-access.ts";
import { findList, integerArgument, listsOf } from "./list-key.ts";

export const lindexCommand: CommandRow = {
  name: "lindex",
  arity: 3,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  since: "1.0.0",
  complexity: "O(N), N elements passed",
  summary: "Reads an element of a list by its index.",
  run: lindex,
};

function lindex(context: CommandContext): void {
  const { reply } = context;
  const database = keysOf(context);
  const { content } = database;
  const entry = findList(context, database, 1);
  if (entry === 0) return reply.null();
  const lists = listsOf(context);
  const wanted = integerArgument(context, 2);
  const count = lists.count(content, entry);
  const index = wanted < 0 ? wanted + count : wanted;
  if (index < 0 || index >= count) return reply.null();
  lists.get(content, entry, index);
  reply.bulk(lists.bytes, lists.start, lists.end);
}
