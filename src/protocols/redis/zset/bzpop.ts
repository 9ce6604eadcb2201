/**
 * BZPOPMIN and BZPOPMAX key [key ...] timeout, and BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]: as ZPOPMIN, ZPOPMAX
 * and ZMPOP, but that they wait while none of the keys has a sorted set.
 */
import { valueType } from "../../../keyspace/value-type.ts";
import { takeOrWait } from "../blocking/blocked-pop.ts";
import { secondsArgument } from "../blocking/timeout-argument.ts";
import type { CommandContext } from "../core/context.ts";
import { countedKeys, keyRange, type CommandRow } from "../core/command-spec.ts";
import { type End, type Pop, replyPopped } from "./pop.ts";
import { parseManyPop, popOfKey } from "./zmpop.ts";

export const bzpopCommands: readonly CommandRow[] = [
  {
    name: "bzmpop",
    arity: -5,
    flags: ["write", "blocking", "movablekeys"],
    keys: [countedKeys(2, "RW", "access", "delete")],
    since: "7.0.0",
    complexity: "O(K)+O(M*log(N)), K keys, M members taken of N",
    summary: "Takes members by score from the first sorted set that has any, waiting for one.",
    run: bzmpop,
  },
  {
    name: "bzpopmax",
    arity: -3,
    flags: ["write", "noscript", "blocking", "fast"],
    keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
    since: "5.0.0",
    complexity: "O(log(N)), N members",
    summary: "Takes the member with the highest score, waiting for one.",
    run: (context) => bzpop(context, "max"),
  },
  {
    name: "bzpopmin",
    arity: -3,
    flags: ["write", "noscript", "blocking", "fast"],
    keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
    since: "5.0.0",
    complexity: "O(log(N)), N members",
    summary: "Takes the member with the lowest score, waiting for one.",
    run: (context) => bzpop(context, "min"),
  },
];

function bzpop(context: CommandContext, end: End): void {
  const { argumentCount } = context.request;
  const timeoutMs = secondsArgument(context, argumentCount - 1);
  const popOf = (again: CommandContext, index: number): Pop => ({
    index,
    end,
    count: 1,
    isPaired: false,
    writeHead: (reply) => {
      reply.array(3);
      reply.bulk(again.request.view(index));
    },
  });
  takeOrWait(context, {
    type: valueType.sortedSet,
    firstKey: 1,
    keyCount: argumentCount - 2,
    timeoutMs,
    take: (again, database, entry, index) => replyPopped(again, database, entry, popOf(again, index)),
  });
}

function bzmpop(context: CommandContext): void {
  const wanted = parseManyPop(context, 2);
  const timeoutMs = secondsArgument(context, 1);
  const { firstKey, keyCount } = wanted;
  takeOrWait(context, {
    type: valueType.sortedSet,
    firstKey,
    keyCount,
    timeoutMs,
    take: (again, database, entry, index) =>
      replyPopped(again, database, entry, popOfKey(again, index, wanted)),
  });
}
