/** HINCRBYFLOAT key field increment, in the 80-bit floats of redis on common machines. */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { addLongDoubles, formatLongDouble, parseLongDouble } from "../string/long-double.ts";
import { expiryOfField, findField, findHash, hashesOf, setField } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const hincrbyfloatCommand: CommandRow = {
  name: "hincrbyfloat",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "2.6.0",
  complexity: "O(1)",
  summary: "Adds to a floating-point field of a hash.",
  makesValues: true,
  run: hincrbyfloat,
};

function hincrbyfloat(context: CommandContext): void {
  const { request, reply } = context;
  const by = parseLongDouble(request.latin1(3));
  if (by === undefined) throw new RedisError("ERR value is not a valid float");
  if (by.isInfinite) throw new RedisError("ERR value is NaN or Infinity");
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  const isFound = findField(context, database, entry, 2);
  const { bytes, start, end } = hashesOf(context);
  const before = parseLongDouble(isFound ? bytes.latin1Slice(start, end) : "0");
  if (before === undefined) throw new RedisError("ERR hash value is not a float");
  const sum = addLongDoubles(before, by);
  if (sum === undefined) throw new RedisError("ERR increment would produce NaN or Infinity");
  const text = Buffer.from(formatLongDouble(sum), "latin1");
  const expiry = isFound ? expiryOfField(context, database, entry, 2) : 0;
  setField(context, database, entry, 2, text, 0, text.length, expiry);
  context.notify(keyEvents.hincrbyfloat, 1);
  reply.bulk(text);
}
