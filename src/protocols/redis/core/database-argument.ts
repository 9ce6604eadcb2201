/** The number of a database as an argument. */
import { databaseCount } from "../../../keyspace/keyspace.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import type { CommandContext } from "./context.ts";
import { errorTexts, RedisError } from "./errors.ts";

const int32Max = 2 ** 31 - 1;
const beyondInt32 = `ERR value is out of range, value must between ${-int32Max - 1} and ${int32Max}`;

/** Throws redis's error for what is none. `notNumber` is the text for what is no number, or one beyond 32 bits. */
export function databaseArgument(context: CommandContext, index: number, notNumber?: string): number {
  const number = context.request.integer(index);
  if (Number.isNaN(number)) throw new RedisError(notNumber ?? errorTexts.notInteger);
  if (number < -int32Max - 1 || number > int32Max) throw new RedisError(notNumber ?? beyondInt32);
  if (number < 0 || number >= databaseCount) throw new RedisError("ERR DB index is out of range");
  return number;
}

/** The same for who only wants to know: undefined for what is none. */
export function databaseNumber(request: RequestArguments, index: number): number | undefined {
  if (index >= request.argumentCount) return undefined;
  const number = request.integer(index);
  return number >= 0 && number < databaseCount ? number : undefined;
}
