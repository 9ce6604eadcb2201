/** Arguments of geo commands: positions, distances with their units; and numbers as these commands reply them. */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { formatFixed } from "../wire/numbers.ts";
import { scoreArgument } from "../zset/sorted-set-key.ts";
import { isValid, type Position } from "./coordinates.ts";

const metersOf: Readonly<Record<string, number>> = { m: 1, km: 1000, ft: 0.3048, mi: 1609.34 };

/** Longitude and latitude in that argument and the next. Throws. */
export function positionArgument(context: CommandContext, index: number): Position {
  const longitude = scoreArgument(context, index);
  const latitude = scoreArgument(context, index + 1);
  const position = { longitude, latitude };
  if (!isValid(position))
    throw new RedisError(`ERR invalid longitude,latitude pair ${fixed(longitude)},${fixed(latitude)}`);
  return position;
}

function fixed(degrees: number): string {
  if (!Number.isFinite(degrees)) return degrees > 0 ? "inf" : "-inf";
  return Math.abs(degrees) < 1e21 ? formatFixed(degrees, 6) : `${BigInt(degrees)}.000000`;
}

/** Meters of the unit in that argument. Throws. */
export function unitArgument({ request }: CommandContext, index: number): number {
  const meters = metersOf[request.latin1(index).toLowerCase()];
  if (meters === undefined) throw new RedisError("ERR unsupported unit provided. please use M, KM, FT, MI");
  return meters;
}

/** A number that is a length. Throws. */
export function lengthArgument({ request }: CommandContext, index: number, error: string): number {
  const length = request.float(index);
  if (Number.isNaN(length)) throw new RedisError(`ERR ${error}`);
  return length;
}

/** With four decimals. */
export function replyDistance({ reply }: CommandContext, distance: number): void {
  reply.bulkLatin1(formatFixed(distance, 4));
}

/** Longitude and latitude, as exact as they are. */
export function replyPosition({ reply }: CommandContext, { longitude, latitude }: Position): void {
  reply.array(2);
  reply.doubleText(degreesText(longitude));
  reply.doubleText(degreesText(latitude));
}

function degreesText(degrees: number): string {
  const text = formatFixed(degrees, 17).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}
