/**
 * Taking elements off one end of a list, with the reply.
 *
 * Few elements are written as they are taken. Many are taken at once, which costs no more than there are blocks of them, and are written in
 * slices: nobody else gets them, and other clients do not wait. Not here: which list it is.
 */
import { limits } from "../../../base/limits.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import type { BlockList } from "../../../keyspace/values/list/block-list.ts";
import { ListCursor } from "../../../keyspace/values/list/list-bytes.ts";
import type { CommandContext } from "../core/context.ts";
import { replyTooLarge } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices, directBytesMax, directItemsMax, unitsOfBytes } from "../core/sliced-reply.ts";
import type { ReplyWriter } from "../wire/reply-writer.ts";
import { findList, listsOf } from "./list-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

const unitsOfElement = 0.1;

/** What is taken, of which list, and what the reply says of it first. */
export interface Pop {
  /** The argument of the key. */
  readonly index: number;
  readonly isLeft: boolean;
  readonly count: number;
  readonly writeHead: (reply: ReplyWriter, popped: number) => void;
  /** Where the list is gone by the time at which the command has its turn. */
  readonly writeNone: (reply: ReplyWriter) => void;
}

/** Takes one element of the list in argument 1, and writes it. */
export function replyOne(context: CommandContext, database: Database, entry: number, isLeft: boolean): void {
  const { content, list } = database;
  const lists = listsOf(context);
  lists.getEnd(content, entry, isLeft);
  context.reply.bulk(lists.bytes, lists.start, lists.end);
  list.open(entry);
  try {
    list.drop(isLeft, 1);
  } finally {
    list.close();
  }
  notifyPopped(context, database, 1, isLeft);
}

/** Takes up to `count` elements of the list of `entry`, and writes the reply. */
export function replyPopped(context: CommandContext, database: Database, entry: number, pop: Pop): void {
  const { content, list } = database;
  const lists = listsOf(context);
  const size = lists.count(content, entry);
  const count = Math.min(pop.count, size);
  const large = lists.largeOf(content, entry);
  if (large !== null && (count > directItemsMax || bytesAtEnd(large, pop.isLeft, count) > directBytesMax))
    return answerInSlices(context, (parts) => popMany(context, parts, pop));
  pop.writeHead(context.reply, count);
  lists.begin(content, entry, pop.isLeft ? 0 : size - 1, !pop.isLeft);
  for (let left = count; left > 0 && lists.next(); left--)
    context.reply.bulk(lists.bytes, lists.start, lists.end);
  list.open(entry);
  try {
    list.drop(pop.isLeft, count);
  } finally {
    list.close();
  }
  notifyPopped(context, database, pop.index, pop.isLeft);
}

/** Elements were taken off the list in that argument, which is closed. */
export function notifyPopped(
  context: CommandContext,
  { list }: Database,
  index: number,
  isLeft: boolean,
): void {
  context.notifyTaken(isLeft ? keyEvents.lpop : keyEvents.rpop, index, list.isGone);
}

/** Bytes of the blocks that have so many elements at one end. */
function bytesAtEnd(large: BlockList, isLeft: boolean, count: number): number {
  const { ring } = large;
  let bytes = 0;
  for (let left = count, i = 0; left > 0; i++) {
    const at = isLeft ? i : ring.length - 1 - i;
    bytes += large.usedBytes(at);
    left -= ring.countAt(at);
  }
  return bytes;
}

/** The job may begin in a later turn, so it looks for the list itself. */
function* popMany(context: CommandContext, parts: PartedReply, pop: Pop): Job<void> {
  const database = context.server.keyspace.databases[context.database]!;
  const { content, list } = database;
  const entry = findList(context, database, pop.index);
  if (entry === 0) {
    pop.writeNone(context.reply);
    return;
  }
  const large = listsOf(context).largeOf(content, entry);
  if (large === null) {
    replyPopped(context, database, entry, pop);
    return;
  }
  const count = Math.min(pop.count, large.count);
  // Before anything is taken: it would be lost.
  if (bytesAtEnd(large, pop.isLeft, count) > limits.redisReplyBytesMax) throw replyTooLarge();
  list.open(entry);
  let taken: BlockList;
  try {
    taken = list.detach(pop.isLeft, count);
  } finally {
    list.close();
  }
  notifyPopped(context, database, pop.index, pop.isLeft);
  try {
    pop.writeHead(context.reply, count);
    yield* writeAll(context, parts, taken, pop.isLeft);
  } finally {
    content.bury(taken);
  }
}

/** The elements of a list that nobody else has, from one end to the other. */
function* writeAll(
  context: CommandContext,
  parts: PartedReply,
  taken: BlockList,
  isLeft: boolean,
): Job<void> {
  const cursor = new ListCursor();
  const piece = new Piece();
  const { ring } = taken;
  for (let i = 0; i < ring.length; i++) {
    const at = isLeft ? i : ring.length - 1 - i;
    taken.open(at);
    const { bytes, head, tail } = taken;
    const before = parts.bytes;
    for (let left = ring.countAt(at), place = isLeft ? head : tail; left > 0; left--) {
      if (isLeft) cursor.read(bytes, place);
      else cursor.readBack(bytes, place);
      place = isLeft ? cursor.until : cursor.from;
      context.reply.bulk(bytes, cursor.start, cursor.end);
    }
    const due = piece.add(ring.countAt(at) * unitsOfElement + unitsOfBytes(parts.bytes - before));
    if (due > 0) yield due;
  }
}
