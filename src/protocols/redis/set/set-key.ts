/**
 * From an argument to its set: what every command on sets begins with.
 *
 * Not here: replies; what a set is (keyspace/values/set.ts).
 */
import type { Database } from "../../../keyspace/database.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import type { SetValues } from "../../../keyspace/values/set.ts";
import type { CommandContext } from "../core/context.ts";
import { findTyped, makeWay } from "../keys/key-access.ts";

/** The entry of the set whose key is argument `index`, or 0 for none. Throws WRONGTYPE. */
export function findSet(context: CommandContext, database: Database, index: number): number {
  return findTyped(context, database, index, valueType.set);
}

/** The values of all sets: what is found in one is valid until the next call. */
export function setsOf(context: CommandContext): SetValues {
  return context.server.keyspace.sets;
}

/** Whether the set of an entry that `findSet` found has the member in argument `index`. */
export function hasMember(
  context: CommandContext,
  database: Database,
  entry: number,
  index: number,
): boolean {
  if (entry === 0) return false;
  const { buffer, starts, ends } = context.request;
  return setsOf(context).has(database.content, entry, buffer, starts[index]!, ends[index]!);
}

/**
 * Opens the set in argument `index` for changes (`database.set`), which `close` ends. `entry` is what `findSet` found; a key
 * that has nothing becomes a set, which must get a member then. Throws WRONGTYPE where the name is an exchange's.
 */
export function openSet(context: CommandContext, database: Database, index: number, entry: number): void {
  const { buffer, starts, ends } = context.request;
  let opened = entry;
  if (opened === 0) {
    makeWay(context, index);
    opened = database.createSet(buffer, starts[index]!, ends[index]!);
  }
  database.set.open(opened);
}
