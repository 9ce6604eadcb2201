/**
 * What the commands on expiries of fields have in common: `FIELDS numfields field [field ...]`, and times.
 *
 * Not here: what happens to the fields. Invariant: a time that is accepted is below 2^46 ms, redis's bound for fields.
 */
import type { CommandContext } from "../../core/context.ts";
import { errorTexts, RedisError, wrongArity } from "../../core/errors.ts";
import type { TimeUnit } from "../../keys/expiry-options.ts";

/** The last time that redis takes, wall time in ms. */
const fieldTimeMax = 2n ** 46n - 1n;

/** Checks `FIELDS numfields field ...`, which begins at argument `index`; returns where the fields begin. */
export function fieldsFrom(context: CommandContext, index: number, badCount: string): number {
  const { request } = context;
  if (!request.is(index, "FIELDS"))
    throw new RedisError("ERR Mandatory argument FIELDS is missing or not at the right position");
  if (index + 1 >= request.argumentCount) throw wrongArity(context.spec.fullName);
  const count = request.integer(index + 1);
  if (!(count > 0)) throw new RedisError(badCount);
  if (count !== request.argumentCount - index - 2)
    throw new RedisError("ERR The `numfields` parameter must match the number of arguments");
  return index + 2;
}

export const badFieldCount = "ERR Number of fields must be a positive integer";

/** Wall time in ms from argument `index`. Throws what redis says of a time that fields cannot have. */
export function fieldTimeArgument(context: CommandContext, index: number, unit: TimeUnit): number {
  const given = context.request.bigInteger(index);
  if (given === undefined) throw new RedisError(errorTexts.notInteger);
  if (given < 0n) throw new RedisError("ERR invalid expire time, must be >= 0");
  const at = (unit.isSeconds ? given * 1000n : given) + (unit.isAbsolute ? 0n : BigInt(context.now));
  if (at > fieldTimeMax)
    throw new RedisError(`ERR invalid expire time in '${context.spec.fullName}' command`);
  return Number(at);
}
