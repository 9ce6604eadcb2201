/** ZCOUNT key min max, by scores, and ZLEXCOUNT key min max, by names. */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keysOf } from "../keys/key-access.ts";
import { type RangeKind, simpleRange } from "./range.ts";
import { findSortedSet, sortedSetsOf } from "./sorted-set-key.ts";

export const zcountCommands: readonly CommandRow[] = [
  {
    name: "zcount",
    arity: 4,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "2.0.0",
    complexity: "O(log(N)), N members",
    summary: "Counts the members with a score in a range.",
    run: (context) => replyCount(context, "score"),
  },
  {
    name: "zlexcount",
    arity: 4,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "2.8.9",
    complexity: "O(log(N)), N members",
    summary: "Counts the members in a range of names.",
    run: (context) => replyCount(context, "name"),
  },
];

function replyCount(context: CommandContext, kind: RangeKind): void {
  const range = simpleRange(context, kind);
  const database = keysOf(context);
  const entry = findSortedSet(context, database, 1);
  if (entry === 0) return context.reply.integer(0);
  range.resolve(sortedSetsOf(context), database.content, entry);
  context.reply.integer(range.count);
}
