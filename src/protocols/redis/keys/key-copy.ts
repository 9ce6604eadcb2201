/** Taking a value to another key: what RENAME, COPY and MOVE share. Streams keep their names: they are logs. */
import type { Database } from "../../../keyspace/database.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { findEntry, keyExists, makeWay, streamAt, writableKeysOf } from "./key-access.ts";

/**
 * Copies the value and expiry of an entry to a key of `target`, the selected database, which it replaces; or takes it there,
 * so that the entry is gone.
 */
export function takeEntry(
  context: CommandContext,
  how: "copy" | "rename",
  source: Database,
  entry: number,
  target: Database,
  keyIndex: number,
): void {
  const { buffer, starts, ends } = context.request;
  // The journal may get the value again, so that RENAME and MOVE too need room, though redis does not count them among such.
  context.broker.storage.assertWritable();
  makeWay(context, keyIndex);
  if (how === "copy") source.copyTo(entry, target, buffer, starts[keyIndex]!, ends[keyIndex]!);
  else source.renameTo(entry, target, buffer, starts[keyIndex]!, ends[keyIndex]!);
}

/** Throws for streams, which cannot be taken elsewhere. */
export function assertNoStream(context: CommandContext, index: number): void {
  if (streamAt(context, index) !== undefined)
    throw new RedisError("ERR streams cannot be renamed, moved or copied: they are logs of the broker");
}

/** Gives the key in argument 1 the name in argument 2; says whether it did. Throws without such a key. */
export function renameKey(context: CommandContext, replaces: boolean): boolean {
  const { buffer, starts, ends } = context.request;
  const database = writableKeysOf(context);
  const entry = findEntry(context, database, 1);
  const isSame =
    buffer.compare(buffer, starts[1], ends[1], starts[2], ends[2]) === 0 && keyExists(context, database, 1);
  if (isSame) return false;
  if (entry === 0) {
    assertNoStream(context, 1);
    throw new RedisError(errorTexts.noSuchKey);
  }
  if (!replaces && keyExists(context, database, 2)) return false;
  assertMayPut(context, context.request.latin1(2), context.database);
  takeEntry(context, "rename", database, entry, database, 2);
  return true;
}
