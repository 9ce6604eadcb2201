/** Strings in redis's dumps. A long one is copied first, since it is compressed in slices. */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import type { Payload } from "../dump/payload.ts";
import type { LoadedValue } from "../dump/value-forms.ts";
import type { RdbReader } from "../wire/rdb/reader.ts";
import { rdbType } from "../wire/rdb/types.ts";
import { isLongString, writeString, writeStringSliced } from "../wire/rdb/writer.ts";

export function* dumpString(
  payload: Payload,
  _context: CommandContext,
  { table }: Database,
  entry: number,
): Job<void> {
  payload.out.uint8(rdbType.string);
  table.locate(entry);
  const { bytes, start, end } = table;
  if (!isLongString(end - start)) {
    writeString(payload.out, bytes, start, end);
    return;
  }
  const copy = Buffer.from(bytes.subarray(start, end));
  yield unitsOfBytes(copy.length);
  yield* writeStringSliced(payload, copy, 0, copy.length);
}

export function* loadString(reader: RdbReader): Job<LoadedValue> {
  reader.string();
  const { bytes, start, end } = reader;
  yield unitsOfBytes(end - start);
  return {
    units: 1,
    isOneRecord: true,
    *put(database, key, keyStart, keyEnd, expiry): Job<void> {
      database.put(key, keyStart, keyEnd, bytes, start, end, expiry);
      yield unitsOfBytes(end - start);
    },
  };
}
