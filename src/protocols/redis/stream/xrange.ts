/** XRANGE key start end [COUNT count], and XREVRANGE key end start [COUNT count] */
import type { Job } from "../../../base/turn-work.ts";
import { LogReader } from "../../../storage/logs.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { rangeEndArgument, rangeStartArgument } from "./id.ts";
import { answerInSlices, directBytesMax, directItemsMax } from "../core/sliced-reply.ts";
import { type EntryRange, firstOf, nextOf, writeRange } from "./entries.ts";
import { countPresent, workBytes, writeEntry, spendForEntries } from "./stream.ts";
import { findStream } from "./find.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const xrangeCommands: readonly CommandRow[] = [
  {
    name: "xrange",
    arity: -4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "5.0.0",
    complexity: "O(N), N entries returned",
    summary: "Reads a range of a stream.",
    run: xrange,
  },
  {
    name: "xrevrange",
    arity: -4,
    flags: ["readonly"],
    keys: [oneKey(1, "RO", "access")],
    since: "5.0.0",
    complexity: "O(N), N entries returned",
    summary: "Reads a range of a stream, newest first.",
    run: xrevrange,
  },
];

const start = new EntryId();
const end = new EntryId();

function xrange(context: CommandContext): void {
  range(context, false);
}

function xrevrange(context: CommandContext): void {
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
  const to = end.increment() ? log.offsetOfEntryId(end) : log.stableEnd;
  const total = countPresent(log, from, to);
  const most = count < 0 ? total : Math.min(total, count);
  const wanted = { queue, from, to, most, isReverse };
  if (most > directItemsMax || !writeAtOnce(context, wanted)) {
    answerInSlices(context, (parts) => writeEntries(context, parts, wanted));
  }
}

interface Wanted extends EntryRange {
  /** How many of the entries to show, which are there now. */
  readonly most: number;
}

/** False, and nothing written, where the entries are too large to be written at once. */
function writeAtOnce(context: CommandContext, wanted: Wanted): boolean {
  const { reply } = context;
  const { out } = reply;
  const before = out.length;
  const workBefore = workBytes(before);
  reply.array(wanted.most);
  const reader = new LogReader(wanted.queue.log);
  let left = wanted.most;
  for (let offset = firstOf(wanted); left > 0; offset = nextOf(wanted, offset), left--) {
    if (workBytes(out.length) - workBefore > directBytesMax) {
      out.length = before;
      return false;
    }
    reader.seek(offset);
    reader.next();
    writeEntry(reply, reader);
  }
  spendForEntries(context, wanted.most);
  return true;
}

function* writeEntries(context: CommandContext, parts: PartedReply, wanted: Wanted): Job<void> {
  const list = parts.openList();
  parts.closeList(list, yield* writeRange(context, parts, wanted, wanted.most));
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
