/** ZRANK and ZREVRANK key member [WITHSCORE]. WITHSCORE is of redis 7.2. */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { syntaxError, wrongArity } from "../core/errors.ts";
import { keysOf } from "../keys/key-access.ts";
import { findSortedSet, sortedSetsOf } from "./sorted-set-key.ts";

export const zrankCommands: readonly CommandRow[] = [
  {
    name: "zrank",
    arity: -3,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "2.0.0",
    complexity: "O(log(N)), N members",
    summary: "Tells the rank of a member, lowest score first.",
    run: (context) => replyRank(context, false),
  },
  {
    name: "zrevrank",
    arity: -3,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "2.0.0",
    complexity: "O(log(N)), N members",
    summary: "Tells the rank of a member, highest score first.",
    run: (context) => replyRank(context, true),
  },
];

function replyRank(context: CommandContext, isReverse: boolean): void {
  const { request, reply, spec } = context;
  if (request.argumentCount > 4) throw wrongArity(spec.fullName);
  const withScore = request.argumentCount === 4;
  if (withScore && !request.is(3, "WITHSCORE")) throw syntaxError();
  const database = keysOf(context);
  const entry = findSortedSet(context, database, 1);
  const sets = sortedSetsOf(context);
  const { buffer, starts, ends } = request;
  const rank = entry === 0 ? -1 : sets.rankOf(database.content, entry, buffer, starts[2]!, ends[2]!);
  if (rank < 0) return withScore ? reply.nullArray() : reply.null();
  if (withScore) reply.array(2);
  reply.integer(isReverse ? sets.count(database.content, entry) - 1 - rank : rank);
  if (withScore) reply.double(sets.score);
}
