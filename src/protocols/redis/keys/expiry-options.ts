/**
 * Expiry times as commands give them: seconds or milliseconds, from now or since 1970.
 *
 * Not here: what happens at that time. Invariant: a time that is accepted fits 64 bits in milliseconds; it is rounded
 * beyond 2^53 only, which is 280,000 years away.
 */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const int64Max = 9223372036854775807n;
const int64Min = -9223372036854775808n;

export interface TimeUnit {
  readonly isSeconds: boolean;
  readonly isAbsolute: boolean;
}

export const timeUnits = {
  EX: { isSeconds: true, isAbsolute: false },
  PX: { isSeconds: false, isAbsolute: false },
  EXAT: { isSeconds: true, isAbsolute: true },
  PXAT: { isSeconds: false, isAbsolute: true },
} as const satisfies Record<string, TimeUnit>;

/** The unit that option `index` names, if it is one of EX, PX, EXAT and PXAT. */
export function unitOption(request: RequestArguments, index: number): TimeUnit | undefined {
  if (request.is(index, "EX")) return timeUnits.EX;
  if (request.is(index, "PX")) return timeUnits.PX;
  if (request.is(index, "EXAT")) return timeUnits.EXAT;
  if (request.is(index, "PXAT")) return timeUnits.PXAT;
  return undefined;
}

/** Wall time in ms from argument `index`. Throws what redis says of a time that is no integer or does not fit. */
export function expiryArgument(context: CommandContext, index: number, unit: TimeUnit): number {
  const now = unit.isAbsolute ? 0 : context.now;
  const common = context.request.integer(index) * (unit.isSeconds ? 1000 : 1);
  if (Number.isSafeInteger(common) && Number.isSafeInteger(common + now)) return common + now;
  // No integer, or one beyond 2^53 ms.
  const given = context.request.bigInteger(index);
  if (given === undefined) throw new RedisError(errorTexts.notInteger);
  const scaled = unit.isSeconds ? given * 1000n : given;
  const at = scaled + BigInt(now);
  if (scaled > int64Max || scaled < int64Min || at > int64Max) throw invalidExpiry(context);
  return Number(at);
}

/** The same where only what lies above 0 is a time (SET, SETEX, GETEX). */
export function positiveExpiryArgument(context: CommandContext, index: number, unit: TimeUnit): number {
  const given = context.request.integer(index);
  if (Number.isNaN(given)) throw new RedisError(errorTexts.notInteger);
  if (given <= 0) throw invalidExpiry(context);
  return expiryArgument(context, index, unit);
}

function invalidExpiry(context: CommandContext): RedisError {
  return new RedisError(`ERR invalid expire time in '${context.spec.fullName}' command`);
}

/** A time or what is left of it, as a reply: 64 bits. */
export function replyTime(context: CommandContext, ms: number, isSeconds: boolean): void {
  const value = isSeconds ? Math.floor((ms + 500) / 1000) : ms;
  if (Number.isSafeInteger(value)) context.reply.integer(value);
  else context.reply.bigInteger(BigInt(value) > int64Max ? int64Max : BigInt(value));
}
