/**
 * Taking members from an end of a sorted set: what ZPOPMIN, ZPOPMAX, ZMPOP and their blocking forms share.
 *
 * Not here: the head of the reply, which differs.
 */
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import type { CommandContext } from "../core/context.ts";
import { replyTooLarge } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, directItemsMax, unitsOfBytes } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { RangeWalk } from "./range-walk.ts";
import { sortedSetsOf } from "./sorted-set-key.ts";
import type { ReplyWriter } from "../wire/reply-writer.ts";
import { keyEvents } from "../notifications/key-events.ts";

export type End = "min" | "max";

const membersAtOnce = 64;
const unitsOfRemoval = 2;

export interface Pop {
  /** The argument of the key. */
  readonly index: number;
  readonly end: End;
  readonly count: number;
  /** Each member with its score is an array. */
  readonly isPaired: boolean;
  /** Writes what stands before so many members. There may be none in the end, where the set was gone before its turn came. */
  readonly writeHead: (reply: ReplyWriter, popped: number) => void;
}

/** Pops up to `count` members of the sorted set of `entry`, one at least, and replies with them. Many go in slices. */
export function replyPopped(context: CommandContext, database: Database, entry: number, pop: Pop): void {
  const sets = sortedSetsOf(context);
  const count = Math.min(pop.count, sets.count(database.content, entry));
  if (count > directItemsMax) {
    const large = sets.largeOf(database.content, entry)!;
    // Before anything is taken: it would be lost.
    if ((large.liveBytes / large.count) * count > limits.redisReplyBytesMax) throw replyTooLarge();
    const walk = new RangeWalk(sets, database.content, entry);
    return answerInSlices(context, (parts) => popInSlices(context, parts, walk, pop), { isWhole: true });
  }
  pop.writeHead(context.reply, count);
  popSome(context, database, entry, count, pop);
  notifyPopped(context, pop);
  if (database.sortedSet.isGone) context.notify(keyEvents.del, pop.index);
}

function notifyPopped(context: CommandContext, { end, index }: Pop): void {
  context.notify(end === "min" ? keyEvents.zpopmin : keyEvents.zpopmax, index);
}

function popSome(
  context: CommandContext,
  database: Database,
  entry: number,
  count: number,
  { end, isPaired }: Pop,
): void {
  const sets = sortedSetsOf(context);
  const { reply } = context;
  const changes = database.sortedSet;
  const isReverse = end === "max";
  let left = isReverse ? sets.count(database.content, entry) : 1;
  changes.open(entry);
  try {
    for (let i = 0; i < count; i++) {
      sets.seek(database.content, changes.entry, left - 1, isReverse);
      sets.next();
      if (isPaired) reply.array(2);
      reply.bulk(sets.bytes, sets.start, sets.end);
      reply.double(sets.score);
      changes.removeFound();
      if (isReverse) left--;
    }
  } finally {
    changes.close();
  }
}

function* popInSlices(context: CommandContext, parts: PartedReply, walk: RangeWalk, pop: Pop): Job<void> {
  const sets = sortedSetsOf(context);
  const head = parts.openList();
  let popped = 0;
  while (popped < pop.count) {
    const database = keysOf(context);
    const entry = walk.entryIn(database.content);
    if (entry === 0) break;
    const count = Math.min(pop.count - popped, membersAtOnce, sets.count(database.content, entry));
    const before = parts.bytes;
    popSome(context, database, entry, count, pop);
    if (popped === 0) notifyPopped(context, pop);
    popped += count;
    if (database.sortedSet.isGone) context.notify(keyEvents.del, pop.index);
    yield count * unitsOfRemoval + unitsOfBytes(parts.bytes - before);
  }
  parts.fill(head, (reply) => pop.writeHead(reply, popped));
}
