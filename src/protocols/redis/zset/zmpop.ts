/** ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]: from the first of the keys that has a member. */
import type { CommandContext } from "../core/context.ts";
import { countedKeys, type CommandRow } from "../core/command-spec.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { type End, type Pop, replyPopped } from "./pop.ts";
import { findSortedSet } from "./sorted-set-key.ts";

export const zmpopCommand: CommandRow = {
  name: "zmpop",
  arity: -4,
  flags: ["write", "movablekeys"],
  keys: [countedKeys(1, "RW", "access", "delete")],
  since: "7.0.0",
  complexity: "O(K)+O(M*log(N)), K keys, M members taken of N",
  summary: "Takes members by score from the first sorted set that has any.",
  run: zmpop,
};

export interface ManyPop {
  readonly firstKey: number;
  readonly keyCount: number;
  readonly end: End;
  readonly count: number;
}

/** From the argument of the number of keys on. Throws. */
export function parseManyPop({ request }: CommandContext, numberIndex: number): ManyPop {
  const keyCount = request.integer(numberIndex);
  if (Number.isNaN(keyCount) || keyCount < 1) throw new RedisError("ERR numkeys should be greater than 0");
  const where = numberIndex + 1 + keyCount;
  if (where >= request.argumentCount) throw syntaxError();
  if (!request.is(where, "MIN") && !request.is(where, "MAX")) throw syntaxError();
  let count = -1;
  for (let index = where + 1; index < request.argumentCount; index += 2) {
    if (count >= 0 || !request.is(index, "COUNT") || index + 1 === request.argumentCount) throw syntaxError();
    count = request.integer(index + 1);
    if (Number.isNaN(count) || count < 1) throw new RedisError("ERR count should be greater than 0");
  }
  return {
    firstKey: numberIndex + 1,
    keyCount,
    end: request.is(where, "MIN") ? "min" : "max",
    count: Math.max(count, 1),
  };
}

function zmpop(context: CommandContext): void {
  const wanted = parseManyPop(context, 1);
  const database = writableKeysOf(context);
  for (let i = 0; i < wanted.keyCount; i++) {
    const index = wanted.firstKey + i;
    const entry = findSortedSet(context, database, index);
    if (entry !== 0) return replyPopped(context, database, entry, popOfKey(context, index, wanted));
  }
  context.reply.nullArray();
}

/** What comes of the key in that argument: its name, and a list of pairs. */
export function popOfKey(context: CommandContext, index: number, { end, count }: ManyPop): Pop {
  return {
    index,
    end,
    count,
    isPaired: true,
    writeHead: (reply, popped) => {
      if (popped === 0) return reply.nullArray();
      reply.array(2);
      reply.bulk(context.request.view(index));
      reply.array(popped);
    },
  };
}
