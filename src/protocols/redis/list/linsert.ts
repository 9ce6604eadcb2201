/** LINSERT key BEFORE|AFTER pivot element. A large list is searched in slices. */
import type { Job } from "../../../base/turn-work.ts";
import { ListCursor } from "../../../keyspace/values/list/list-bytes.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { syntaxError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf, writableKeysOf } from "../keys/key-access.ts";
import { findList, listsOf } from "./list-key.ts";
import { ListWalk } from "./list-walk.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const linsertCommand: CommandRow = {
  name: "linsert",
  arity: 5,
  flags: ["write", "denyoom"],
  keys: [oneKey(1, "RW", "insert")],
  since: "2.2.0",
  complexity: "O(N), N elements before the pivot",
  summary: "Inserts an element before or after another.",
  run: linsert,
};

function linsert(context: CommandContext): void {
  const { request, reply } = context;
  const isAfter = request.is(2, "AFTER");
  if (!isAfter && !request.is(2, "BEFORE")) throw syntaxError();
  const database = writableKeysOf(context);
  const { content, list } = database;
  const entry = findList(context, database, 1);
  if (entry === 0) return reply.integer(0);
  if (content.isLarge(entry)) return answerInSlices(context, () => insertInLarge(context));
  const { buffer, starts, ends } = request;
  const lists = listsOf(context);
  let index = isAfter ? 1 : 0;
  lists.begin(content, entry, 0);
  let isFound = false;
  while (!isFound && lists.next()) {
    isFound = lists.equals(buffer, starts[3]!, ends[3]!);
    if (!isFound) index++;
  }
  if (!isFound) return reply.integer(-1);
  list.open(entry);
  try {
    list.insert(index, buffer, starts[4]!, ends[4]!);
    reply.integer(list.count);
  } finally {
    list.close();
  }
  context.notify(keyEvents.linsert, 1);
}

/** The job may begin in a later turn, so it looks for the list itself. */
function* insertInLarge(context: CommandContext): Job<void> {
  const database = keysOf(context);
  const { content, list } = database;
  const entry = findList(context, database, 1);
  if (entry === 0 || !content.isLarge(entry)) {
    linsert(context);
    return;
  }
  const { buffer, starts, ends } = context.request;
  const shift = context.request.is(2, "AFTER") ? 1 : 0;
  const walk = new ListWalk(content, entry);
  const large = walk.list;
  const cursor = new ListCursor();
  let size = -1;
  yield* walk.go(0, false, (at) => {
    large.open(at);
    const { bytes } = large;
    const count = large.ring.countAt(at);
    let place = large.head;
    for (let index = 0; index < count; index++) {
      cursor.read(bytes, place);
      place = cursor.until;
      if (!cursor.equals(bytes, buffer, starts[3]!, ends[3]!)) continue;
      list.open(walk.entry);
      try {
        list.insertInBlock(large, at, index + shift, buffer, starts[4]!, ends[4]!);
      } finally {
        list.close();
      }
      size = large.count;
      return false;
    }
    return true;
  });
  if (size > 0) context.notify(keyEvents.linsert, 1);
  context.reply.integer(size);
}
