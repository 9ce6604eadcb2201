/** The number of a database as an argument. */
import { databaseCount } from "../../../keyspace/keyspace.ts";
import type { CommandContext } from "./context.ts";
import { errorTexts, RedisError } from "./errors.ts";

const int32Max = 2 ** 31 - 1;

/** Throws redis's error for what is none. `notInteger` is the text for what is no number at all. */
export function databaseArgument(
  context: CommandContext,
  index: number,
  notInteger: string = errorTexts.notInteger,
): number {
  const number = context.request.integer(index);
  if (Number.isNaN(number) || Math.abs(number) > int32Max) throw new RedisError(notInteger);
  if (number < 0 || number >= databaseCount) throw new RedisError("ERR DB index is out of range");
  return number;
}
