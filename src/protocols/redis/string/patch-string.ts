/** Overwriting a part of the string in argument 1: what SETRANGE, SETBIT and BITFIELD share. */
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { putValue } from "../keys/key-access.ts";

const nothing = Buffer.alloc(0);

/**
 * Puts `source[start, end)` at `offset` of the string whose entry `findString` found; it grows if needed, with zeros before, and
 * a key that has nothing becomes a string. Returns the entry, which may be another one.
 */
export function patchString(
  context: CommandContext,
  database: Database,
  entry: number,
  offset: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  let place = entry;
  if (place === 0) {
    const { buffer, starts, ends } = context.request;
    putValue(context, database, 1, nothing, 0, 0, 0);
    place = database.find(buffer, starts[1]!, ends[1]!);
  }
  return database.patch(place, offset, source, start, end);
}
