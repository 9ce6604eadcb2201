/**
 * From an argument to its HyperLogLog, and back: a string that only differs in what redis allows of it.
 *
 * Not here: what is in a sketch (sketch.ts). Invariant: a sketch that is stored writes the bytes that changed into the journal, as
 * far as they are in one piece.
 */
import type { Database } from "../../../keyspace/database.ts";
import { rawString } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { findString, putValue } from "../keys/key-access.ts";
import { isSketch, type Sketch } from "./sketch.ts";

/** The entry of the sketch in argument `index`, located in `database.table`; 0 for none. Throws WRONGTYPE. */
export function findSketch(context: CommandContext, database: Database, index: number): number {
  const entry = findString(context, database, index);
  if (entry === 0) return 0;
  const { bytes, start, end } = database.table;
  if (!isSketch(bytes, start, end))
    throw new RedisError("WRONGTYPE Key is not a valid HyperLogLog string value.");
  return entry;
}

export function corruptedSketch(): RedisError {
  return new RedisError("INVALIDOBJ Corrupted HLL object detected");
}

/** Stores a sketch in the key of argument `index`, whose entry `findSketch` found; 0 makes it. */
export function storeSketch(
  context: CommandContext,
  database: Database,
  index: number,
  entry: number,
  { bytes, length }: Sketch,
): void {
  if (entry === 0) return putValue(context, database, index, bytes, 0, length, 0, rawString);
  const { table } = database;
  table.locate(entry);
  const { bytes: old, start } = table;
  const size = table.end - start;
  if (length < size) return database.replace(entry, bytes, 0, length, rawString);
  let first = 0;
  while (first < size && old[start + first] === bytes[first]) first++;
  let last = length;
  if (length === size) while (last > first && old[start + last - 1] === bytes[last - 1]) last--;
  // Also with nothing that is new: to redis it is a change.
  database.patch(entry, Math.min(first, last), bytes, Math.min(first, last), last);
}
