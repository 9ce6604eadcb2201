/**
 * What XREADGROUP answers: new entries, which it gives to the consumer; idle ones, which it claims; the consumer's history.
 *
 * Not here: what was asked (../read.ts), waiting (../blocked-read.ts). Invariant: a group's entry is written before it is given, and
 * what was given is in the reply: an entry that cannot be read is the error of the command only where no new entry was given before
 * it, else it ends its stream's list.
 */
import { traceGiven } from "./traced.ts";
import { finishNow, type Job, Piece } from "../../../../base/turn-work.ts";
import { LogReader } from "../../../../storage/logs.ts";
import type { Queue } from "../../../../broker/queue/queue.ts";
import { diesInstead, isExhausted } from "../../../../broker/groups/give-up.ts";
import { unitsOfDeadLetter } from "../../../../broker/groups/retries.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import { envelope } from "../../../../message/envelope.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError } from "../../core/errors.ts";
import { seenConsumer } from "./groups.ts";
import { type Claiming, claimSliced, idleEntries } from "./idle-claims.ts";
import type { PartedReply } from "../../core/parted-reply.ts";
import { writeStreamId } from "../id.ts";
import { answerInSlices, directBytesMax, directItemsMax, unitsOfBytes } from "../../core/sliced-reply.ts";
import {
  countPresent,
  findEntry,
  seal,
  spendForEntries,
  workBytes,
  writeDelivered,
  writeEntry,
} from "../stream.ts";
import { openStream, shorten, writeStreamHeader, writeStreamsHeader } from "../stream-lists.ts";
import { lookUp } from "../find.ts";
import type { StreamRead, WantedStream } from "../read.ts";

/** Giving an entry to a consumer, noting that and writing it; looking at one that another consumer holds. */
const unitsOfGiven = 1.5;
const unitsOfLook = 0.1;
const scratchId = new EntryId();

export function groupOf(queue: Queue | undefined, group: string, key: string): GroupCursor {
  const cursor = queue?.groups.get(group);
  if (cursor !== undefined) return cursor;
  const text = (name: string): string => Buffer.from(name, "latin1").toString();
  throw new RedisError(
    `NOGROUP No such key '${text(key)}' or consumer group '${text(group)}' in XREADGROUP with GROUP option`,
  );
}

interface GroupPart extends Claiming {
  readonly key: string;
  readonly queue: Queue;
  readonly group: string;
  /** Where the consumer's history begins that it asks for; null for news. */
  readonly historyFrom: EntryId | null;
  /** How many entries to give; of history, how many at most, 0 for all. */
  readonly count: number;
}

export function serveGroup(
  context: CommandContext,
  read: StreamRead,
  streams: readonly WantedStream[],
): boolean {
  const now = context.broker.clock.now();
  const parts: GroupPart[] = [];
  // A stream that is named twice has for its second place what the first one leaves.
  const planned = streams.length > 1 ? new Map<GroupCursor, number>() : null;
  let isLong = false;
  for (const { key, keyIndex, id, isNews } of streams) {
    const queue = lookUp(context, key);
    const group = read.group!;
    const cursor = groupOf(queue, group, key);
    seal(queue!);
    const owner = seenConsumer(context, cursor, read.consumer, keyIndex);
    if (isNews && read.claimIdleMs >= 0) {
      const claims = idleEntries(context, cursor, read.claimIdleMs, read.count);
      const isFull = read.count > 0 && claims.length === read.count;
      const count = isFull ? 0 : countNews(cursor, read.count > 0 ? read.count - claims.length : 0);
      isLong = true;
      if (claims.length + count > 0)
        parts.push({ key, queue: queue!, group, cursor, owner, historyFrom: null, claims, count });
    } else if (isNews) {
      const count = countNews(cursor, read.count, planned?.get(cursor) ?? 0);
      planned?.set(cursor, (planned.get(cursor) ?? 0) + count);
      if (count > 1 || streams.length > 1) isLong = isLongToGive(cursor, count) || isLong;
      if (count > 0)
        parts.push({ key, queue: queue!, group, cursor, owner, historyFrom: null, claims: null, count });
    } else {
      const historyFrom = new EntryId().copyFrom(id);
      // The very last id has nothing behind it.
      const isNone = !historyFrom.increment();
      if (!isNone && owner.pending > 0 && cursor.pending.size > directItemsMax) isLong = true;
      const most = isNone ? -1 : read.count;
      parts.push({ key, queue: queue!, group, cursor, owner, historyFrom, claims: null, count: most });
    }
  }
  if (parts.length === 0) return false;
  if (isLong) {
    answerInSlices(context, (out) => writeGroupSliced(context, out, read, parts));
    return true;
  }
  writeStreamsHeader(context, parts.length);
  let given = 0;
  for (const part of parts) {
    if (part.historyFrom === null) {
      given += writeNews(context, part, { isNoAck: read.isNoAck, now, given });
      spendForEntries(context, part.count);
    } else writeHistory(context, part, { now, given });
  }
  return true;
}

/** How many entries the group has still to get, but for `planned`; at most `most` where that is above 0. */
function countNews(cursor: GroupCursor, most: number, planned = 0): number {
  const { log } = cursor;
  const news = cursor.peekNew() ? countPresent(log, cursor.record.offset, log.stableEnd) : 0;
  const present = news + cursor.countAgain() - planned;
  return most > 0 ? Math.min(present, most) : present;
}

/** Whether giving the next entries takes long. */
function isLongToGive(cursor: GroupCursor, count: number): boolean {
  if (count > directItemsMax) return true;
  const reader = new LogReader(cursor.log, cursor.record.offset);
  let bytes = 0;
  for (let left = count; left > 0 && reader.nextFrame();) {
    left -= reader.frameEnd - reader.offset;
    bytes += reader.recordsEnd - reader.recordsStart;
    // A batch of Kafka's may be compressed: its size says nothing.
    if (bytes > directBytesMax || (reader.envelope === envelope.kafka && count > 1)) return true;
  }
  return false;
}

interface DirectWrite {
  readonly now: number;
  /** New entries of other streams that the reply has. */
  readonly given: number;
}

/** Returns how many entries it gave. */
function writeNews(
  context: CommandContext,
  part: GroupPart,
  { isNoAck, now, given }: DirectWrite & { readonly isNoAck: boolean },
): number {
  const { out } = context.reply;
  const listAt = out.length;
  writeStreamHeader(context, part.key, part.count);
  const entriesAt = out.length;
  part.owner.activeAt = now;
  let count = 0;
  let end = entriesAt;
  try {
    while (count < part.count && giveNext(context, part, isNoAck, now)) {
      count++;
      end = out.length;
    }
  } catch (error) {
    if (given + count === 0) throw error;
  }
  if (count < part.count) shorten(context, part.key, { listAt, entriesAt, end, count });
  return count;
}

/** Writes the next entry and gives it; false when there is none. Where it throws it has not been given. */
function giveNext(context: CommandContext, part: GroupPart, isNoAck: boolean, now: number): boolean {
  const { reply } = context;
  const { cursor, owner } = part;
  if (!cursor.peek()) return false;
  if (part.claims === null) writeEntry(reply, cursor.record);
  else writeDelivered(reply, cursor.record, 0, cursor.givenBefore);
  const { offset } = cursor.record;
  if (isNoAck) cursor.take();
  else cursor.give(owner.id, now);
  if (part.queue.trace !== null) traceGiven(context, cursor, offset, owner.name);
  return true;
}

function writeHistory(context: CommandContext, part: GroupPart, { now, given }: DirectWrite): void {
  const { out } = context.reply;
  const history = finishNow(historyOf(part));
  const listAt = out.length;
  writeStreamHeader(context, part.key, history.length);
  const entriesAt = out.length;
  const reader = new LogReader(part.cursor.log);
  let count = 0;
  let end = entriesAt;
  try {
    for (; count < history.length; count++) {
      writeHistoryEntry(context, part, reader, history[count]!, now);
      end = out.length;
    }
  } catch (error) {
    if (given === 0) throw error;
    shorten(context, part.key, { listAt, entriesAt, end, count });
  }
}

function* writeGroupSliced(
  context: CommandContext,
  out: PartedReply,
  read: StreamRead,
  parts: readonly GroupPart[],
): Job<void> {
  writeStreamsHeader(context, parts.length);
  let given = 0;
  for (const part of parts) {
    const list = openStream(context, out, part.key);
    if (part.historyFrom === null) {
      const claimed = yield* claimSliced(context, out, part, given);
      const options = { isNoAck: read.isNoAck, given: given + claimed };
      const count = claimed + (isThere(part) ? yield* writeNewsSliced(context, out, part, options) : 0);
      out.closeList(list, count);
      given += count;
    } else out.closeList(list, yield* writeHistorySliced(context, out, part, given));
  }
}

/** Neither the stream nor the group has been deleted meanwhile, nor the consumer. */
function isThere({ queue, group, cursor, owner }: GroupPart): boolean {
  return !queue.isDeleted && queue.groups.get(group) === cursor && cursor.ownerById(owner.id) === owner;
}

/** Gives what was there at first. */
function* writeNewsSliced(
  context: CommandContext,
  out: PartedReply,
  part: GroupPart,
  { isNoAck, given }: { readonly isNoAck: boolean; readonly given: number },
): Job<number> {
  const { cursor, owner } = part;
  const { broker } = context;
  const piece = new Piece();
  const end = cursor.log.stableEnd;
  let count = 0;
  while (count < part.count && (cursor.next < end || cursor.countAgain() > 0)) {
    const before = workBytes(out.bytes);
    const entryAt = out.out.length;
    const now = broker.clock.now();
    owner.activeAt = now;
    try {
      if (!giveNext(context, part, isNoAck, now)) break;
    } catch (error) {
      if (given + count === 0) throw error;
      out.out.length = entryAt;
      break;
    }
    count++;
    const due = piece.add(unitsOfGiven + unitsOfBytes(workBytes(out.bytes) - before));
    if (due === 0) continue;
    yield due;
    if (!isThere(part)) break;
  }
  return count;
}

function* writeHistorySliced(
  context: CommandContext,
  out: PartedReply,
  part: GroupPart,
  given: number,
): Job<number> {
  const piece = new Piece();
  const reader = new LogReader(part.cursor.log);
  let count = 0;
  for (const offset of yield* historyOf(part)) {
    // It may have been acknowledged since, or claimed by another consumer.
    if (part.cursor.pending.ownerOf(offset) !== part.owner.id) continue;
    const before = workBytes(out.bytes);
    const entryAt = out.out.length;
    try {
      writeHistoryEntry(context, part, reader, offset, context.broker.clock.now());
    } catch (error) {
      if (given === 0) throw error;
      out.out.length = entryAt;
      break;
    }
    count++;
    const due = piece.add(unitsOfGiven + unitsOfBytes(workBytes(out.bytes) - before));
    if (due === 0) continue;
    yield due;
    if (!isThere(part)) break;
  }
  return count;
}

/** Offsets of what the consumer holds, from an id on. What it was shown as often as it may be becomes dead letters. */
function* historyOf({ cursor, owner, historyFrom, count }: GroupPart): Job<number[]> {
  const offsets: number[] = [];
  const { pending } = cursor;
  if (owner.pending === 0 || count < 0) return offsets;
  const piece = new Piece();
  let offset = pending.atOrAboveId(historyFrom!);
  while (offset >= 0) {
    let units = unitsOfLook;
    if (pending.ownerOf(offset) === owner.id) {
      if (isExhausted(cursor, offset) && diesInstead(cursor, offset)) units += unitsOfDeadLetter;
      else offsets.push(offset);
    }
    if (offsets.length >= owner.pending || (count > 0 && offsets.length >= count)) break;
    const due = piece.add(units);
    if (due > 0) yield due;
    offset = pending.next(offset + 1);
  }
  return offsets;
}

function writeHistoryEntry(
  context: CommandContext,
  { cursor, owner }: GroupPart,
  reader: LogReader,
  offset: number,
  now: number,
): void {
  const { reply } = context;
  const { pending } = cursor;
  const id = pending.readId(offset, scratchId);
  if (findEntry(reader, id)) {
    writeEntry(reply, reader);
    cursor.givenAgain(offset, now);
    traceGiven(context, cursor, offset, owner.name);
    return;
  }
  // Deleted, but still pending: the id with no fields.
  reply.array(2);
  writeStreamId(reply.out, id);
  reply.nullArray();
}
