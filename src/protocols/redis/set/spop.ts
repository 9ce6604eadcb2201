/**
 * SPOP key [count]: takes members out at random.
 *
 * A whole set leaves its key at once. Of a part of more than `directItemsMax` members, some are taken in each slice.
 */
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { RedisError, replyTooLarge, syntaxError } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { directBytesMax, directItemsMax, unitsOfBytes } from "../core/sliced-reply.ts";
import { keysOf, writableKeysOf } from "../keys/key-access.ts";
import { hasRead } from "../notifications/lookups.ts";
import { findSet, setsOf } from "./set-key.ts";
import { answerMembers, writeMembers } from "./set-reply.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const spopCommand: CommandRow = {
  name: "spop",
  arity: -2,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "access", "delete")],
  tips: ["nondeterministic_output"],
  since: "1.0.0",
  complexity: "O(N), N members asked for",
  summary: "Takes members of a set at random.",
  run: spop,
};

const remakePart = 5;
const takenInPiece = 32;
const unitsOfTake = 1.5;

function spop(context: CommandContext): void {
  const { request, reply } = context;
  if (request.argumentCount === 2) return popOne(context);
  if (request.argumentCount > 3) throw syntaxError();
  const count = request.integer(2);
  if (!(count >= 0)) throw new RedisError("ERR value is out of range, must be positive");
  const database = writableKeysOf(context);
  const entry = findSet(context, database, 1);
  if (entry === 0 || count === 0) return reply.set(0);
  const sets = setsOf(context);
  const size = sets.count(database.content, entry);
  const bytes = (sets.memberBytes(database.content, entry) / size) * Math.min(count, size);
  if (Math.min(count, size) > directItemsMax || bytes > directBytesMax)
    return answerMembers(context, false, (parts) => popMany(context, parts!, count), true);
  if (count >= size) return answerMembers(context, true, () => popAll(context, database, entry));
  reply.set(count);
  popSome(context, database, entry, count, leavesLittle(size, count));
  context.notifyTaken(keyEvents.spop, 1, database.set.isGone);
}

/** When at most a fifth of what is taken is left, redis makes a new set of it. */
function leavesLittle(size: number, count: number): boolean {
  return (size - count) * remakePart <= count;
}

function popOne(context: CommandContext): void {
  const database = writableKeysOf(context);
  const entry = findSet(context, database, 1);
  if (entry === 0) return context.reply.null();
  popSome(context, database, entry, 1, false);
  context.notifyTaken(keyEvents.spop, 1, database.set.isGone);
}

/** There must be so many. */
function popSome(
  context: CommandContext,
  { set }: Database,
  entry: number,
  count: number,
  isRemade: boolean,
): void {
  const { taken } = set;
  set.open(entry);
  try {
    for (let left = count; left > 0; left--) {
      set.take(context.broker.random);
      context.reply.bulk(taken.bytes, 0, taken.size);
    }
    if (isRemade) set.remake();
  } finally {
    set.close();
  }
}

/** Redis replies with a new set of the same members. */
function* popAll(context: CommandContext, database: Database, entry: number): Job<number> {
  const { aside } = context.server.keyspace;
  // In redis's words this is a union of one set, which is read.
  hasRead(context, 1, database.number, true);
  const place = database.setAside(entry);
  context.notifyTaken(keyEvents.spop, 1, true);
  try {
    setsOf(context).remake(aside, place);
    return yield* writeMembers(context, aside, place);
  } finally {
    aside.remove(place);
  }
}

/** The job may begin in a later turn, so it looks for the set itself; and for where it is in each slice. */
function* popMany(context: CommandContext, parts: PartedReply, wanted: number): Job<number> {
  const sets = setsOf(context);
  let written = 0;
  let remakes = false;
  while (written < wanted) {
    const database = keysOf(context);
    const { content } = database;
    const entry = findSet(context, database, 1);
    if (entry === 0) break;
    const size = sets.count(content, entry);
    if (written === 0) {
      // Before anything is taken: it would be lost.
      if ((sets.memberBytes(content, entry) / size) * Math.min(wanted, size) > limits.redisReplyBytesMax)
        throw replyTooLarge();
      if (size <= wanted) return yield* popAll(context, database, entry);
      remakes = leavesLittle(size, wanted);
    }
    const before = parts.bytes;
    const areLong = sets.memberBytes(content, entry) > (size * directBytesMax) / takenInPiece;
    const count = Math.min(wanted - written, size, areLong ? 1 : takenInPiece);
    written += count;
    if (written === count) context.notify(keyEvents.spop, 1);
    popSome(context, database, entry, count, remakes && written === wanted && count < size);
    if (database.set.isGone) context.notify(keyEvents.del, 1);
    yield count * unitsOfTake + unitsOfBytes(parts.bytes - before);
  }
  return written;
}
