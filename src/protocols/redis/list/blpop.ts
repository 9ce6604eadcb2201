/**
 * BLPOP and BRPOP key [key ...] timeout, BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]: from the first list that has
 * something, or from the first that gets something.
 *
 * Not here: waiting (blocking/blocked-pop.ts).
 */
import { valueType } from "../../../keyspace/value-type.ts";
import { takeOrWait } from "../blocking/blocked-pop.ts";
import { secondsArgument } from "../blocking/timeout-argument.ts";
import { countedKeys, keyRange, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { parseManyPop, popOfKey } from "./lmpop.ts";
import { type Pop, replyPopped } from "./pop.ts";

export const blpopCommands: readonly CommandRow[] = [
  {
    name: "blmpop",
    arity: -5,
    flags: ["write", "blocking", "movablekeys"],
    keys: [countedKeys(2, "RW", "access", "delete")],
    since: "7.0.0",
    complexity: "O(N+M), N keys, M elements returned",
    summary: "Takes elements from the first list that has any, waiting for one.",
    run: blmpop,
  },
  {
    name: "blpop",
    arity: -3,
    flags: ["write", "noscript", "blocking"],
    keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
    since: "2.0.0",
    complexity: "O(N), N keys",
    summary: "Takes the first element of the first list that has one, waiting for it.",
    run: (context) => blpop(context, true),
  },
  {
    name: "brpop",
    arity: -3,
    flags: ["write", "noscript", "blocking"],
    keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
    since: "2.0.0",
    complexity: "O(N), N keys",
    summary: "Takes the last element of the first list that has one, waiting for it.",
    run: (context) => blpop(context, false),
  },
];

function blpop(context: CommandContext, isLeft: boolean): void {
  const { argumentCount } = context.request;
  const timeoutMs = secondsArgument(context, argumentCount - 1);
  const popOf = (again: CommandContext, index: number): Pop => ({
    index,
    isLeft,
    count: 1,
    writeHead: (reply) => {
      reply.array(2);
      reply.bulk(again.request.view(index));
    },
    writeNone: (reply) => reply.nullArray(),
  });
  takeOrWait(context, {
    type: valueType.list,
    firstKey: 1,
    keyCount: argumentCount - 2,
    timeoutMs,
    take: (again, database, entry, index) => replyPopped(again, database, entry, popOf(again, index)),
  });
}

function blmpop(context: CommandContext): void {
  const wanted = parseManyPop(context, 2);
  const timeoutMs = secondsArgument(context, 1);
  const { firstKey, keyCount } = wanted;
  takeOrWait(context, {
    type: valueType.list,
    firstKey,
    keyCount,
    timeoutMs,
    take: (again, database, entry, index) =>
      replyPopped(again, database, entry, popOfKey(again, index, wanted)),
  });
}
