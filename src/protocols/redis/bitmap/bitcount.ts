/**
 * BITCOUNT key [start end [BYTE | BIT]], both inclusive, negative ones from the end. A long string is counted in slices.
 *
 * As in Redis 7.4 wrong arguments are an error whether the key is there or not.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { findString, keysOf } from "../keys/key-access.ts";
import { countBits, countBitsBetween } from "./bits.ts";
import { isOfBits, sliceBytes, unitsOfSlice } from "./bit-range.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const bitcountCommand: CommandRow = {
  name: "bitcount",
  arity: -2,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  since: "2.6.0",
  complexity: "O(N), N bytes looked at",
  summary: "Counts the bits that are set.",
  run: bitcount,
};

function bitcount(context: CommandContext): void {
  const { request, reply } = context;
  const { argumentCount } = request;
  const hasRange = argumentCount !== 2;
  if (hasRange && argumentCount !== 4 && argumentCount !== 5) throw syntaxError();
  let from = hasRange ? request.integer(2) : 0;
  let to = hasRange ? request.integer(3) : 0;
  if (Number.isNaN(from) || Number.isNaN(to)) throw new RedisError(errorTexts.notInteger);
  const unit = argumentCount === 5 && isOfBits(request, 4) ? 1 : 8;
  const database = keysOf(context);
  const entry = findString(context, database, 1);
  if (entry === 0) return reply.integer(0);
  const bits = (database.table.end - database.table.start) * 8;
  let first = 0;
  let last = bits - 1;
  if (hasRange) {
    if (from < 0 && to < 0 && from > to) return reply.integer(0);
    const total = bits / unit;
    from = Math.max(from < 0 ? total + from : from, 0);
    to = Math.min(Math.max(to < 0 ? total + to : to, 0), total - 1);
    first = from * unit;
    last = to * unit + unit - 1;
  }
  if (first > last) return reply.integer(0);
  if (last - first >= sliceBytes * 8)
    return answerInSlices(context, () => countInSlices(context, first, last));
  reply.integer(countBitsBetween(database.table.bytes, database.table.start, first, last));
}

/** Counts what is there when it is come to: the string may change or shrink between slices. */
function* countInSlices(context: CommandContext, first: number, last: number): Job<void> {
  const database = keysOf(context);
  let count = 0;
  for (let at = first; at <= last;) {
    if (findString(context, database, 1) === 0) break;
    const { bytes, start, end } = database.table;
    const size = (end - start) * 8;
    if (at >= size) break;
    const until = Math.min(at - (at & 7) + sliceBytes * 8 - 1, last, size - 1);
    // Whole bytes, but for the ends of the range.
    const isWhole = (at & 7) === 0 && (until & 7) === 7;
    count += isWhole
      ? countBits(bytes, start + at / 8, start + (until + 1) / 8)
      : countBitsBetween(bytes, start, at, until);
    at = until + 1;
    yield unitsOfSlice;
  }
  context.reply.integer(count);
}
