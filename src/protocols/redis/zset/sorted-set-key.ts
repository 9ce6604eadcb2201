/**
 * From an argument to its sorted set: what every command on sorted sets begins with.
 *
 * Not here: what a sorted set is (keyspace/values/sorted/sorted-set.ts).
 */
import type { Database } from "../../../keyspace/database.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import type { SortedSetValues } from "../../../keyspace/values/sorted/sorted-set.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { findTyped, makeWay } from "../keys/key-access.ts";

/** The entry of the sorted set whose key is that argument, or 0 for none. Throws WRONGTYPE. */
export function findSortedSet(context: CommandContext, database: Database, index: number): number {
  return findTyped(context, database, index, valueType.sortedSet);
}

/** The values of all sorted sets: what is found in one is valid until the next call. */
export function sortedSetsOf(context: CommandContext): SortedSetValues {
  return context.server.keyspace.sortedSets;
}

/** Up to half of 64 bits. */
const integersMax = 2 ** 62;

/** Whether redis keeps that score in a listpack as an integer: ZSCAN shows it so, and DUMP has it so. */
export function isListpackInteger(score: number): boolean {
  return Number.isInteger(score) && Math.abs(score) <= integersMax;
}

/** Finds the score of the member in argument `index`; false for none, in a sorted set that is not there either. */
export function findMember(
  context: CommandContext,
  database: Database,
  entry: number,
  index: number,
): boolean {
  if (entry === 0) return false;
  const { buffer, starts, ends } = context.request;
  return sortedSetsOf(context).find(database.content, entry, buffer, starts[index]!, ends[index]!);
}

/**
 * Opens the sorted set in argument 1 for changes (`database.sortedSet`), which `close` ends. `entry` is what `findSortedSet` found; a
 * key that has nothing becomes a sorted set, which must get a member then. Throws WRONGTYPE where the name is an exchange's.
 */
export function openSortedSet(context: CommandContext, database: Database, entry: number): void {
  const { buffer, starts, ends } = context.request;
  let opened = entry;
  if (opened === 0) {
    makeWay(context, 1);
    opened = database.createSortedSet(buffer, starts[1]!, ends[1]!);
  }
  database.sortedSet.open(opened);
}

/** An argument as a score. Throws. */
export function scoreArgument({ request }: CommandContext, index: number): number {
  const whole = request.integer(index);
  const score = Number.isSafeInteger(whole) ? whole : request.float(index);
  if (Number.isNaN(score)) throw new RedisError("ERR value is not a valid float");
  return score;
}

/** The member that was found last, perhaps with its score: in RESP3 a pair is an array of its own. */
export function replyFound(context: CommandContext, withScore: boolean): void {
  const { reply } = context;
  const { bytes, start, end, score } = sortedSetsOf(context);
  if (withScore && reply.version === 3) reply.array(2);
  reply.bulk(bytes, start, end);
  if (withScore) reply.double(score);
}

/** How many elements a list of so many members has, which `replyFound` writes. */
export function listLength({ reply }: CommandContext, members: number, withScores: boolean): number {
  return withScores && reply.version === 2 ? 2 * members : members;
}
