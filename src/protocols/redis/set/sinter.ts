/** SINTER key [key ...]      SINTERSTORE destination key [key ...]      SINTERCARD numkeys key [key ...] [LIMIT limit] */
import { finishNow, type Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { countedKeys, keyRange, oneKey, type CommandRow } from "../core/command-spec.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { intersect, isShort, type SetKeys } from "./algebra.ts";
import { storeResult } from "./results.ts";
import { answerMembers } from "./set-reply.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const sinterCommands: readonly CommandRow[] = [
  {
    name: "sinter",
    arity: -2,
    flags: ["readonly"],
    keys: [keyRange(1, -1, 1, "RO", "access")],
    tips: ["nondeterministic_output_order"],
    since: "1.0.0",
    complexity: "O(N*M), N members of the smallest set, M sets",
    summary: "Gives the members that all sets have.",
    run: sinter,
  },
  {
    name: "sintercard",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    keys: [countedKeys(1, "RO", "access")],
    since: "7.0.0",
    complexity: "O(N*M), N members of the smallest set, M sets",
    summary: "Counts the members that all sets have.",
    run: sintercard,
  },
  {
    name: "sinterstore",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "RW", "update"), keyRange(2, -1, 1, "RO", "access")],
    since: "1.0.0",
    complexity: "O(N*M), N members of the smallest set, M sets",
    summary: "Stores the members that all sets have.",
    run: sinterstore,
  },
];

function sinter(context: CommandContext): void {
  const keys: SetKeys = { first: 1, count: context.request.argumentCount - 1 };
  answerMembers(context, isShort(context, keys, "intersect"), () => writeIntersection(context, keys));
}

function* writeIntersection(context: CommandContext, keys: SetKeys): Job<number> {
  const { reply } = context;
  let count = 0;
  yield* intersect(context, keys, (batch) => {
    batch.each((bytes, start, end) => reply.bulk(bytes, start, end));
    count += batch.count;
    return true;
  });
  return count;
}

function sinterstore(context: CommandContext): void {
  const keys: SetKeys = { first: 2, count: context.request.argumentCount - 2 };
  storeResult(context, keyEvents.sinterstore, isShort(context, keys, "intersect"), (build) =>
    intersect(context, keys, (batch) => {
      batch.each((bytes, start, end) => build.add(bytes, start, end));
      build.pause();
      return true;
    }),
  );
}

function sintercard(context: CommandContext): void {
  const { keys, limit } = parse(context);
  const job = (): Job<void> => replyCount(context, keys, limit);
  if (isShort(context, keys, "intersect")) finishNow(job());
  else answerInSlices(context, job);
}

function* replyCount(context: CommandContext, keys: SetKeys, limit: number): Job<void> {
  let count = 0;
  yield* intersect(context, keys, (batch) => {
    count += batch.count;
    return count < limit;
  });
  context.reply.integer(Math.min(count, limit));
}

/** A limit of 0 is none. */
function parse({ request }: CommandContext): { keys: SetKeys; limit: number } {
  const { argumentCount } = request;
  const count = request.integer(1);
  if (!(count > 0)) throw new RedisError("ERR numkeys should be greater than 0");
  if (count > argumentCount - 2)
    throw new RedisError("ERR Number of keys can't be greater than number of args");
  let limit = 0;
  for (let index = 2 + count; index < argumentCount; index += 2) {
    if (!request.is(index, "LIMIT") || index + 1 === argumentCount) throw syntaxError();
    limit = request.integer(index + 1);
    if (!(limit >= 0)) throw new RedisError("ERR LIMIT can't be negative");
  }
  return { keys: { first: 2, count }, limit: limit === 0 ? Infinity : limit };
}
