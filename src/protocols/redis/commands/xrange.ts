/** XRANGE key start end [COUNT count], and XREVRANGE key end start [COUNT count] */
import { LogReader } from "../../../broker/log-entries.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../context.ts";
import { errorTexts, RedisError, syntaxError } from "../errors.ts";
import { rangeEndArgument, rangeStartArgument } from "../stream-id.ts";
import { countPresent, writeEntry } from "../stream-log.ts";
import { findStream } from "../streams.ts";

const start = new EntryId();
const end = new EntryId();

export function xrange(context: CommandContext): void {
  range(context, false);
}

export function xrevrange(context: CommandContext): void {
  range(context, true);
}

function range(context: CommandContext, isReverse: boolean): void {
  const { request, reply } = context;
  rangeStartArgument(request, isReverse ? 3 : 2, start);
  rangeEndArgument(request, isReverse ? 2 : 3, end);
  const count = countArgument(context);
  const queue = findStream(context, 1);
  if (queue === undefined) return reply.array(0);
  if (count === 0) return reply.nullArray();
  const { log } = queue;
  const from = log.offsetOfEntryId(start);
  const to = end.increment() ? log.offsetOfEntryId(end) : log.nextOffset;
  const total = countPresent(log, from, to);
  const shown = count < 0 ? total : Math.min(total, count);
  reply.array(shown);
  const reader = new LogReader(log, from);
  if (!isReverse) {
    for (let left = shown; left > 0 && reader.next(); left--) writeEntry(reply, reader);
    return;
  }
  let left = shown;
  for (let offset = to - 1; left > 0; offset--) {
    if (log.removed.has(offset)) continue;
    reader.seek(offset);
    reader.next();
    writeEntry(reply, reader);
    left--;
  }
}

/** COUNT; -1 without one. */
function countArgument(context: CommandContext): number {
  const { request } = context;
  let count = -1;
  for (let at = 4; at < request.argumentCount; at++) {
    if (!request.is(at, "COUNT") || at + 1 >= request.argumentCount) throw syntaxError();
    count = request.integer(++at);
    if (Number.isNaN(count)) throw new RedisError(errorTexts.notInteger);
    if (count < 0) count = 0;
  }
  return count;
}
