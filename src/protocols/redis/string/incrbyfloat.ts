/** INCRBYFLOAT key increment, in the 80-bit floats of redis on common machines. */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { findString, putValue, writableKeysOf } from "../keys/key-access.ts";
import { addLongDoubles, formatLongDouble, type LongDouble, parseLongDouble } from "./long-double.ts";

const notFloat = "ERR value is not a valid float";

export function incrbyfloat(context: CommandContext): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  const { table } = database;
  const before = entry === 0 ? "0" : table.bytes.latin1Slice(table.start, table.end);
  const value = float(before);
  const sum = addLongDoubles(value, float(request.latin1(2)));
  if (sum === undefined) throw new RedisError("ERR increment would produce NaN or Infinity");
  const text = Buffer.from(formatLongDouble(sum), "latin1");
  if (entry === 0) putValue(context, database, 1, text, 0, text.length, 0);
  else database.replace(entry, text, 0, text.length);
  reply.bulk(text);
}

function float(text: string): LongDouble {
  const value = parseLongDouble(text);
  if (value === undefined) throw new RedisError(notFloat);
  return value;
}
