/**
 * BITPOS key bit [start [end [BYTE | BIT]]]: the first bit that is `bit`, or -1.
 *
 * Without an end a string is followed by zeros for ever, so that a clear bit is always found. A long string is searched in slices. As in
 * Redis 7.4 wrong arguments are an error whether the key is there or not.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { findString, keysOf } from "../keys/key-access.ts";
import { findBit } from "./bits.ts";
import { isOfBits, sliceBytes, unitsOfSlice } from "./bit-range.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const bitposCommand: CommandRow = {
  name: "bitpos",
  arity: -3,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  since: "2.8.7",
  complexity: "O(N), N bytes looked at",
  summary: "Finds the first bit that is set or clear.",
  run: bitpos,
};

interface Range {
  readonly from: number;
  /** NaN where none is given. */
  readonly to: number;
  readonly unit: 1 | 8;
}

interface Search {
  readonly bit: 0 | 1;
  readonly first: number;
  readonly last: number;
  /** What to reply when there is none. */
  readonly otherwise: number;
}

function bitpos(context: CommandContext): void {
  const { request, reply } = context;
  const bit = request.integer(2);
  if (Number.isNaN(bit)) throw new RedisError(errorTexts.notInteger);
  if (bit !== 0 && bit !== 1) throw new RedisError("ERR The bit argument must be 1 or 0.");
  const range = parseRange(context);
  const database = keysOf(context);
  const entry = findString(context, database, 1);
  if (entry === 0) return reply.integer(bit === 1 ? -1 : 0);
  const { table } = database;
  const search = searchIn(range, (table.end - table.start) * 8, bit);
  const { first, last } = search;
  if (first > last) return reply.integer(-1);
  if (last - first >= sliceBytes * 8) return answerInSlices(context, () => searchInSlices(context, search));
  const found = findBit(table.bytes, table.start, first, last, bit);
  reply.integer(found < 0 ? search.otherwise : found);
}

function parseRange({ request }: CommandContext): Range {
  const { argumentCount } = request;
  if (argumentCount > 6) throw syntaxError();
  const from = argumentCount > 3 ? request.integer(3) : 0;
  if (Number.isNaN(from)) throw new RedisError(errorTexts.notInteger);
  const unit = argumentCount === 6 && isOfBits(request, 5) ? 1 : 8;
  const to = argumentCount > 4 ? request.integer(4) : NaN;
  if (argumentCount > 4 && Number.isNaN(to)) throw new RedisError(errorTexts.notInteger);
  return { from, to, unit };
}

function searchIn(range: Range, bits: number, bit: 0 | 1): Search {
  const { unit } = range;
  const total = bits / unit;
  const hasEnd = !Number.isNaN(range.to);
  const from = Math.max(range.from < 0 ? total + range.from : range.from, 0);
  let to = hasEnd ? range.to : total - 1;
  to = Math.min(Math.max(to < 0 ? total + to : to, 0), total - 1);
  return {
    bit,
    first: from * unit,
    last: to * unit + unit - 1,
    otherwise: bit === 0 && !hasEnd ? bits : -1,
  };
}

/** Looks at what is there when it is come to: the string may change or shrink between slices. */
function* searchInSlices(context: CommandContext, { bit, first, last, otherwise }: Search): Job<void> {
  const database = keysOf(context);
  let found = -1;
  for (let at = first; at <= last && found < 0;) {
    if (findString(context, database, 1) === 0) break;
    const { bytes, start, end } = database.table;
    const until = Math.min(at - (at & 7) + sliceBytes * 8 - 1, last, (end - start) * 8 - 1);
    if (at > until) break;
    found = findBit(bytes, start, at, until, bit);
    at = until + 1;
    yield unitsOfSlice;
  }
  context.reply.integer(found < 0 ? otherwise : found);
}
