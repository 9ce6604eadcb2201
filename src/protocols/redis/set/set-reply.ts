/**
 * Replies that are a set of members: at once where that is little work, else in slices.
 *
 * Not here: which members.
 */
import { finishNow, type Job } from "../../../base/turn-work.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import { orderedRefs } from "../../../keyspace/values/set.ts";
import type { CommandContext } from "../core/context.ts";
import { ElementWalk, writeElement } from "../core/element-walk.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import type { ReplyWriter } from "../wire/reply-writer.ts";
import { setsOf } from "./set-key.ts";

/**
 * Replies with what `write` writes, which returns how many members that are. `parts` is null where it is done at once; `isWhole` is for
 * what changes a set (core/sliced-reply.ts).
 */
export function answerMembers(
  context: CommandContext,
  isShort: boolean,
  write: (parts: PartedReply | null) => Job<number>,
  isWhole = false,
): void {
  if (isShort) {
    const { reply } = context;
    const at = reply.out.length;
    return headerBefore(reply, at, finishNow(write(null)));
  }
  answerInSlices(context, (parts) => writeSet(parts, write), { isWhole });
}

function* writeSet(parts: PartedReply, write: (parts: PartedReply) => Job<number>): Job<void> {
  const list = parts.openList();
  const count = yield* write(parts);
  parts.closeList(list, count, "set");
}

/** Puts the header of a set of `count` members before what was written from `at` on. */
function headerBefore(reply: ReplyWriter, at: number, count: number): void {
  const { out } = reply;
  const end = out.length;
  reply.set(count);
  const { buffer, length } = out;
  const header = Buffer.from(buffer.subarray(end, length));
  buffer.copyWithin(at + header.length, at, end);
  header.copy(buffer, at);
}

/** Writes all members of a set, without a header; an intset in its order. Returns how many there are. */
export function* writeMembers(context: CommandContext, content: KeyContent, entry: number): Job<number> {
  const { reply } = context;
  const sets = setsOf(context);
  const table = sets.tableOf(content, entry);
  let count = 0;
  if (table === null) {
    sets.begin(content, entry);
    for (; sets.next(); count++) reply.bulk(sets.bytes, sets.start, sets.end);
    return count;
  }
  const write = (ref: number): void => {
    writeElement(context, table, ref, "fields");
    count++;
  };
  if (sets.isIntset(content, entry)) for (const ref of orderedRefs(table)) write(ref);
  else yield* new ElementWalk(content, entry).go(Infinity, write);
  return count;
}
