/** LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count] */
import { countedKeys, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findList, isLeftArgument } from "./list-key.ts";
import { type Pop, replyPopped } from "./pop.ts";

export const lmpopCommand: CommandRow = {
  name: "lmpop",
  arity: -4,
  flags: ["write", "movablekeys"],
  keys: [countedKeys(1, "RW", "access", "delete")],
  since: "7.0.0",
  complexity: "O(N+M), N keys, M elements returned",
  summary: "Takes elements from the first list that has any.",
  run: lmpop,
};

/** Which keys are asked, and how much is taken from the first that has something. */
export interface ManyPop {
  readonly firstKey: number;
  readonly keyCount: number;
  readonly isLeft: boolean;
  readonly count: number;
}

/** From the argument of the number of keys on. Throws. */
export function parseManyPop(context: CommandContext, numberIndex: number): ManyPop {
  const { request } = context;
  const { argumentCount } = request;
  const keyCount = request.integer(numberIndex);
  if (!(keyCount >= 1)) throw new RedisError("ERR numkeys should be greater than 0");
  const where = numberIndex + 1 + keyCount;
  if (where >= argumentCount) throw syntaxError();
  const isLeft = isLeftArgument(context, where);
  let count = -1;
  for (let index = where + 1; index < argumentCount; index += 2) {
    if (count >= 0 || !request.is(index, "COUNT") || index + 1 === argumentCount) throw syntaxError();
    count = request.integer(index + 1);
    if (!(count >= 1)) throw new RedisError("ERR count should be greater than 0");
  }
  return { firstKey: numberIndex + 1, keyCount, isLeft, count: Math.max(count, 1) };
}

function lmpop(context: CommandContext): void {
  const wanted = parseManyPop(context, 1);
  const database = writableKeysOf(context);
  for (let i = 0; i < wanted.keyCount; i++) {
    const index = wanted.firstKey + i;
    const entry = findList(context, database, index);
    if (entry !== 0) return replyPopped(context, database, entry, popOfKey(context, index, wanted));
  }
  context.reply.nullArray();
}

/** What comes of the key in that argument: its name, and a list. */
export function popOfKey(context: CommandContext, index: number, { isLeft, count }: ManyPop): Pop {
  return {
    index,
    isLeft,
    count,
    writeHead: (reply, popped) => {
      reply.array(2);
      reply.bulk(context.request.view(index));
      reply.array(popped);
    },
    writeNone: (reply) => reply.nullArray(),
  };
}
