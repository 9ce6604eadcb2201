/** How long a command may wait that takes seconds (BZPOPMIN, BLPOP and their kin; XREAD takes milliseconds). */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { parseLongDouble } from "../string/long-double.ts";

/** Of the milliseconds that redis counts in 64 bits. */
const millisecondsEnd = 2 ** 63;

/** The argument in milliseconds, rounded up; 0 is for ever. Throws. */
export function secondsArgument({ request }: CommandContext, index: number): number {
  const seconds = request.float(index);
  if (Number.isNaN(seconds)) return unusualSeconds(request.latin1(index));
  const milliseconds = Math.ceil(seconds * 1000);
  // What has no place in 64 bits is the least of them to redis.
  if (milliseconds < 0 || milliseconds >= millisecondsEnd) throw new RedisError("ERR timeout is negative");
  return milliseconds;
}

/** What a double cannot hold, redis reads as a longer one: it is far too much, or next to nothing. */
function unusualSeconds(text: string): number {
  const value = parseLongDouble(text);
  if (value === undefined) throw new RedisError("ERR timeout is not a float or out of range");
  if (value.exponent > 0) throw new RedisError("ERR timeout is negative");
  return value.isNegative ? 0 : 1;
}
