/**
 * ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES], and the older commands whose names say what its
 * options do: ZRANGEBYSCORE, ZRANGEBYLEX, ZREVRANGE, ZREVRANGEBYSCORE, ZREVRANGEBYLEX. Many members are answered in slices.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, directBytesMax, directItemsMax } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { eachInRange } from "./range-walk.ts";
import { parseRange, type RangeSyntax, type SortedRange } from "./range.ts";
import { findSortedSet, listLength, replyFound, sortedSetsOf } from "./sorted-set-key.ts";

export const zrangeCommands: readonly CommandRow[] = [
  {
    name: "zrange",
    arity: -4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "1.2.0",
    complexity: "O(log(N)+M), N members, M returned",
    summary: "Reads a range of a sorted set, by rank, score or name.",
    run: ranger(null, null),
  },
  {
    name: "zrangebylex",
    arity: -4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "2.8.9",
    complexity: "O(log(N)+M), N members, M returned",
    summary: "Reads the members in a range of names.",
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `BYLEX` argument" },
    run: ranger("name", false),
  },
  {
    name: "zrangebyscore",
    arity: -4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "1.0.5",
    complexity: "O(log(N)+M), N members, M returned",
    summary: "Reads the members with a score in a range.",
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `BYSCORE` argument" },
    run: ranger("score", false),
  },
  {
    name: "zrevrange",
    arity: -4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "1.2.0",
    complexity: "O(log(N)+M), N members, M returned",
    summary: "Reads a range of ranks, highest score first.",
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` argument" },
    run: ranger("rank", true),
  },
  {
    name: "zrevrangebylex",
    arity: -4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "2.8.9",
    complexity: "O(log(N)+M), N members, M returned",
    summary: "Reads the members in a range of names, last name first.",
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` and `BYLEX` arguments" },
    run: ranger("name", true),
  },
  {
    name: "zrevrangebyscore",
    arity: -4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "2.2.0",
    complexity: "O(log(N)+M), N members, M returned",
    summary: "Reads the members with a score in a range, highest first.",
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` and `BYSCORE` arguments" },
    run: ranger("score", true),
  },
];

function ranger(
  kind: RangeSyntax["kind"],
  isReverse: RangeSyntax["isReverse"],
): (context: CommandContext) => void {
  const syntax: RangeSyntax = { keyIndex: 1, kind, isReverse, isStored: false };
  return (context) => replyRange(context, syntax);
}

function replyRange(context: CommandContext, syntax: RangeSyntax): void {
  const range = parseRange(context, syntax);
  const database = keysOf(context);
  const entry = findSortedSet(context, database, 1);
  if (entry === 0) return context.reply.array(0);
  range.resolve(sortedSetsOf(context), database.content, entry);
  if (!replyAtOnce(context, database.content, entry, range))
    answerInSlices(context, (parts) => replyInSlices(context, parts, syntax));
}

/** False, and nothing written, where that is long. */
function replyAtOnce(
  context: CommandContext,
  content: KeyContent,
  entry: number,
  range: SortedRange,
): boolean {
  const { first, count, isReverse, withScores } = range;
  if (count > directItemsMax) return false;
  const { reply } = context;
  const { out } = reply;
  const before = out.length;
  const sets = sortedSetsOf(context);
  reply.array(listLength(context, count, withScores));
  if (count > 0) sets.seek(content, entry, first, isReverse);
  for (let left = count; left > 0; left--) {
    sets.next();
    replyFound(context, withScores);
    if (out.length - before <= directBytesMax) continue;
    out.length = before;
    return false;
  }
  return true;
}

/** The job may begin in a later turn, when ranks are others and the key may be another one's. */
function* replyInSlices(context: CommandContext, parts: PartedReply, syntax: RangeSyntax): Job<void> {
  const list = parts.openList();
  const range = parseRange(context, syntax);
  const { content } = keysOf(context);
  const entry = findSortedSet(context, keysOf(context), 1);
  const { withScores } = range;
  let written = 0;
  if (entry !== 0) {
    range.resolve(sortedSetsOf(context), content, entry);
    yield* eachInRange(sortedSetsOf(context), content, entry, range, () => {
      replyFound(context, withScores);
      written++;
    });
  }
  parts.closeList(list, listLength(context, written, withScores));
}
