/**
 * From an argument to its hash: what every command on hashes begins with.
 *
 * Not here: replies; what a hash is (keyspace/values/hash.ts).
 */
import type { Database } from "../../../keyspace/database.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import type { HashValues } from "../../../keyspace/values/hash.ts";
import type { CommandContext } from "../core/context.ts";
import { findTyped, makeWay } from "../keys/key-access.ts";

/** The entry of the hash whose key is argument 1, or 0 for none; fields that are due are gone. Throws WRONGTYPE. */
export function findHash(context: CommandContext, database: Database): number {
  const entry = findTyped(context, database, 1, valueType.hash);
  return entry === 0 ? 0 : database.freshHash(entry);
}

/** The values of all hashes: what is found in one is valid until the next call. */
export function hashesOf(context: CommandContext): HashValues {
  return context.server.keyspace.hashes;
}

/** Finds the value of the field in argument `index`; false for none, in a hash that is not there either. */
export function findField(
  context: CommandContext,
  database: Database,
  entry: number,
  index: number,
): boolean {
  if (entry === 0) return false;
  const { buffer, starts, ends } = context.request;
  return hashesOf(context).get(database.content, entry, buffer, starts[index]!, ends[index]!);
}

/**
 * Opens the hash in argument 1 for changes (`database.hash`), which `close` ends. `entry` is what `findHash` found; a key that
 * has nothing becomes a hash, which must get a field then. Throws WRONGTYPE where the name is an exchange's.
 */
export function openHash(context: CommandContext, database: Database, entry: number): void {
  const { buffer, starts, ends } = context.request;
  let opened = entry;
  if (opened === 0) {
    makeWay(context, 1);
    opened = database.createHash(buffer, starts[1]!, ends[1]!);
  }
  database.hash.open(opened);
}

/** Sets the field in argument `index` to bytes, to expire at that wall time, ms, or never (0), in a hash that `findHash` found or that is made. */
export function setField(
  context: CommandContext,
  database: Database,
  entry: number,
  index: number,
  value: Uint8Array,
  start: number,
  end: number,
  expiry = 0,
): void {
  const { buffer, starts, ends } = context.request;
  openHash(context, database, entry);
  try {
    database.hash.set(buffer, starts[index]!, ends[index]!, value, start, end, expiry);
  } finally {
    database.hash.close();
  }
}

/** When the field in argument `index` expires, which `findField` found; 0 for never. */
export function expiryOfField(
  context: CommandContext,
  database: Database,
  entry: number,
  index: number,
): number {
  if (entry === 0) return 0;
  const { buffer, starts, ends } = context.request;
  return hashesOf(context).expiryOf(database.content, entry, buffer, starts[index]!, ends[index]!);
}

/** The value that was found last, or null. */
export function replyField(context: CommandContext, isFound: boolean): void {
  const { bytes, start, end } = hashesOf(context);
  if (isFound) context.reply.bulk(bytes, start, end);
  else context.reply.null();
}
