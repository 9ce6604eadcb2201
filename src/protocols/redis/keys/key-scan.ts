/**
 * One step of SCAN: first the keys of the keyspace in the order of their hashes, then the streams in parts.
 *
 *     cursor = below 2^32: where in the hashes to go on (key-table.ts)
 *              2^32 + 32 * part + m: the streams, whose names are spread over 2^m parts by hash
 *
 * A key that is there throughout is met, as redis promises: neither the order of hashes nor the part of a name changes.
 */
import { sizes } from "../../../base/sizes.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import { typeNameOf } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { keysOf } from "./key-access.ts";

import type { ScanOptions } from "./scan-options.ts";
import { seesString, streamsSeen } from "./visible-streams.ts";

const streamsFrom = 2 ** 32;
const exponentBase = 32;
const exponentMax = 24;
/** So many buckets for each key wanted may be empty before the step ends without it. */
const bucketsForEach = 10;

/** A look at a key or name. */
const unitsOfLook = 0.3;

/** Appends to `names` and returns the next cursor, 0 at the end. */
export function* scanKeys(
  context: CommandContext,
  cursor: number,
  filter: ScanOptions,
  names: string[],
): Job<number> {
  if (cursor >= streamsFrom) return yield* scanStreams(context, cursor - streamsFrom, filter, names);
  const next = yield* scanTable(context, cursor, filter, names);
  if (next !== 0) return next;
  const streams = context.vhost.queues.size;
  if (streams === 0) return 0;
  let exponent = 0;
  // If COUNT does not ask for more: each part costs a pass over all names.
  while (streams / 2 ** exponent > Math.max(sizes.streamsInScanPart, filter.count) && exponent < exponentMax)
    exponent++;
  if (names.length >= filter.count) return streamsFrom + exponent;
  return yield* scanStreams(context, exponent, filter, names);
}

function* scanTable(
  context: CommandContext,
  from: number,
  filter: ScanOptions,
  names: string[],
): Job<number> {
  const database = keysOf(context);
  const piece = new Piece();
  const { glob, type, count } = filter;
  const found: number[] = [];
  let cursor = from;
  let looked = 0;
  let buckets = count * bucketsForEach;
  do {
    const { table } = database;
    found.length = 0;
    cursor = table.scan(cursor, found);
    looked += found.length;
    for (const entry of found) {
      if (type !== null && typeNameOf(table.type(entry)) !== type) continue;
      table.locateKey(entry);
      if (glob !== null && !glob.matches(table.bytes, table.start, table.end)) continue;
      const name = table.bytes.latin1Slice(table.start, table.end);
      if (!database.expireIfDue(entry) && seesString(context, name)) names.push(name);
    }
    const due = piece.add(unitsOfLook * (found.length + 1));
    if (due > 0) yield due;
  } while (cursor !== 0 && looked < count && --buckets > 0);
  return cursor;
}

function* scanStreams(
  context: CommandContext,
  state: number,
  filter: ScanOptions,
  names: string[],
): Job<number> {
  const exponent = state % exponentBase;
  const part = Math.floor(state / exponentBase);
  if (exponent > exponentMax || part >= 2 ** exponent) return 0;
  const { glob, type } = filter;
  if (type === null || type === "stream") {
    const { table } = keysOf(context);
    const piece = new Piece();
    for (const stream of streamsSeen(context)) {
      const due = piece.add(unitsOfLook);
      if (due > 0) yield due;
      if (stream === null) continue;
      const { name } = stream;
      const bytes = Buffer.from(name, "latin1");
      if ((table.hash(bytes, 0, bytes.length) & (2 ** exponent - 1)) !== part) continue;
      if (glob === null || glob.matches(bytes)) names.push(name);
    }
  }
  return part + 1 === 2 ** exponent ? 0 : streamsFrom + (part + 1) * exponentBase + exponent;
}
