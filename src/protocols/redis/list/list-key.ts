/**
 * From an argument to its list: what every command on lists begins with.
 *
 * Not here: replies; what a list is (keyspace/values/list/list.ts).
 */
import type { Database } from "../../../keyspace/database.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import type { ListValues } from "../../../keyspace/values/list/list.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { findTyped, makeWay } from "../keys/key-access.ts";

/** The entry of the list whose key is in that argument, or 0 for none. Throws WRONGTYPE. */
export function findList(context: CommandContext, database: Database, index: number): number {
  return findTyped(context, database, index, valueType.list);
}

/** The values of all lists: what is found in one is valid until the next call. */
export function listsOf(context: CommandContext): ListValues {
  return context.server.keyspace.lists;
}

/**
 * Opens the list in that argument for changes (`database.list`), which `close` ends. `entry` is what `findList` found; a key that
 * has nothing becomes a list, which must get an element then. Throws WRONGTYPE where the name is an exchange's.
 */
export function openList(context: CommandContext, database: Database, index: number, entry: number): void {
  const { buffer, starts, ends } = context.request;
  let opened = entry;
  if (opened === 0) {
    makeWay(context, index);
    opened = database.createList(buffer, starts[index]!, ends[index]!);
  }
  database.list.open(opened);
}

/** An integer, of which what is beyond 2^53 is far beyond every list. Throws. */
export function integerArgument({ request }: CommandContext, index: number): number {
  const value = request.integer(index);
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

/** LEFT or RIGHT. Throws. */
export function isLeftArgument({ request }: CommandContext, index: number): boolean {
  if (request.is(index, "LEFT")) return true;
  if (request.is(index, "RIGHT")) return false;
  throw syntaxError();
}
