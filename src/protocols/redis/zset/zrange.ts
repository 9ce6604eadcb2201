/**
 * ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES], and the older commands whose names say what its
 * options do: ZRANGEBYSCORE, ZRANGEBYLEX, ZREVRANGE, ZREVRANGEBYSCORE, ZREVRANGEBYLEX. Many members are answered in slices.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, directBytesMax, directItemsMax } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { RangeWalk } from "./range-walk.ts";
import { parseRange, type RangeSyntax } from "./range.ts";
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
  const { content } = database;
  range.resolve(sortedSetsOf(context), content, entry);
  replyMembers(context, entry, range);
}

/** Which members, as `SortedRange.resolve` finds them. */
export interface MemberRange {
  readonly first: number;
  readonly count: number;
  readonly isReverse: boolean;
  readonly withScores: boolean;
}

function replyMembers(context: CommandContext, entry: number, range: MemberRange): void {
  const { first, count, isReverse, withScores } = range;
  const { reply } = context;
  const { out } = reply;
  const before = out.length;
  const sets = sortedSetsOf(context);
  const { content } = keysOf(context);
  let isLong = count > directItemsMax;
  if (!isLong) {
    reply.array(listLength(context, count, withScores));
    sets.seek(content, entry, first, isReverse);
    for (let left = count; left > 0 && !isLong; left--) {
      sets.next();
      replyFound(context, withScores);
      isLong = out.length - before > directBytesMax;
    }
  }
  if (!isLong) return;
  out.length = before;
  const walk = new RangeWalk(sets, content, entry);
  answerInSlices(context, (parts) =>
    writeInSlices(context, parts, walk, { first, count, isReverse, withScores }),
  );
}

function* writeInSlices(
  context: CommandContext,
  parts: PartedReply,
  walk: RangeWalk,
  { first, count, isReverse, withScores }: MemberRange,
): Job<void> {
  const list = parts.openList();
  let written = 0;
  yield* walk.go(first, count, isReverse, () => {
    replyFound(context, withScores);
    written++;
  });
  parts.closeList(list, listLength(context, written, withScores));
}
