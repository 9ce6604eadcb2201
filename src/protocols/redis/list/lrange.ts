/** LRANGE key start stop. A long range is answered in slices. */
import type { Job } from "../../../base/turn-work.ts";
import { ListCursor } from "../../../keyspace/values/list/list-bytes.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, directBytesMax, directItemsMax } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findList, integerArgument, listsOf } from "./list-key.ts";
import { ListWalk } from "./list-walk.ts";
import { listRange } from "./range.ts";

export const lrangeCommand: CommandRow = {
  name: "lrange",
  arity: 4,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  since: "1.0.0",
  complexity: "O(S+N), S elements to the start, N returned",
  summary: "Reads a range of a list.",
  run: lrange,
};

function lrange(context: CommandContext): void {
  const { reply } = context;
  const start = integerArgument(context, 2);
  const stop = integerArgument(context, 3);
  const database = keysOf(context);
  const entry = findList(context, database, 1);
  if (entry === 0) return reply.array(0);
  const lists = listsOf(context);
  const { content } = database;
  const { from, count } = listRange(start, stop, lists.count(content, entry));
  if (count === 0) return reply.array(0);
  const { out } = reply;
  const before = out.length;
  let isLong = count > directItemsMax;
  if (!isLong) {
    reply.array(count);
    lists.begin(content, entry, from);
    for (let left = count; left > 0 && !isLong; left--) {
      lists.next();
      reply.bulk(lists.bytes, lists.start, lists.end);
      isLong = out.length - before > directBytesMax && left > 1;
    }
  }
  if (!isLong) return;
  out.length = before;
  answerInSlices(context, (parts) => writeRange(context, parts, start, stop));
}

/** The job may begin in a later turn, so it looks for the list itself. */
function* writeRange(context: CommandContext, parts: PartedReply, start: number, stop: number): Job<void> {
  const { reply } = context;
  const { content } = keysOf(context);
  const entry = findList(context, keysOf(context), 1);
  if (entry === 0 || !content.isLarge(entry)) {
    lrange(context);
    return;
  }
  const walk = new ListWalk(content, entry);
  const { list } = walk;
  const { from, count } = listRange(start, stop, list.count);
  const cursor = new ListCursor();
  const head = parts.openList();
  let left = count;
  if (count > 0)
    yield* walk.go(from, false, (at, index) => {
      list.open(at);
      const { bytes, tail } = list;
      let place = cursor.placeOf(bytes, list.head, tail, list.ring.countAt(at), index);
      for (; left > 0 && place < tail; left--) {
        cursor.read(bytes, place);
        reply.bulk(bytes, cursor.start, cursor.end);
        place = cursor.until;
      }
      return left > 0;
    });
  parts.closeList(head, count - left);
}
