/** INCRBYFLOAT key increment, in the 80-bit floats of redis on common machines. */
import { textString } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { findString, putValue, writableKeysOf } from "../keys/key-access.ts";
import { addLongDoubles, formatLongDouble, type LongDouble, parseLongDouble } from "./long-double.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const incrbyfloatCommand: CommandRow = {
  name: "incrbyfloat",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "2.6.0",
  complexity: "O(1)",
  summary: "Adds to a floating-point number, starting at 0.",
  makesValues: true,
  run: incrbyfloat,
};

const notFloat = "ERR value is not a valid float";

function incrbyfloat(context: CommandContext): void {
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  const { table } = database;
  const before = entry === 0 ? "0" : table.bytes.latin1Slice(table.start, table.end);
  const value = float(before);
  const sum = addLongDoubles(value, float(request.latin1(2)));
  if (sum === undefined) throw new RedisError("ERR increment would produce NaN or Infinity");
  const text = Buffer.from(formatLongDouble(sum), "latin1");
  if (entry === 0) putValue(context, database, 1, text, 0, text.length, 0, textString);
  else database.replace(entry, text, 0, text.length, textString);
  context.notify(keyEvents.incrbyfloat, 1);
  reply.bulk(text);
}

function float(text: string): LongDouble {
  const value = parseLongDouble(text);
  if (value === undefined) throw new RedisError(notFloat);
  return value;
}
