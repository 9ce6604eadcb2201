/**
 * What XREAD and XREADGROUP read, parsed once: a blocked read is served from this again when entries come.
 *
 * Not here: waiting (blocked-read.ts). Invariants: `serve` either answers, in slices where that is long, and returns true, or
 * writes nothing. A group's entry is written before it is given, and what was given is in the reply: an entry that cannot be
 * read is the error of the command only where no new entry was given before it, else it ends its stream's list.
 */
import { finishNow, type Job } from "../../../base/turn-work.ts";
import { LogReader } from "../../../storage/logs.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { meaninglessId, seenConsumer } from "./groups/groups.ts";
import { type Claiming, claimSliced, idleArgument, idleEntries } from "./groups/idle-claims.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { strictIdArgument, writeStreamId } from "./id.ts";
import { answerInSlices, directBytesMax, directItemsMax, Piece, unitsOfBytes } from "../core/sliced-reply.ts";
import { type EntryRange, writeRange } from "./entries.ts";
import {
  countPresent,
  findEntry,
  seal,
  spendForEntries,
  workBytes,
  writeDelivered,
  writeEntry,
  idBeforeLast,
} from "./stream.ts";
import { openStream, shorten, writeStreamHeader, writeStreamsHeader } from "./stream-lists.ts";
import { lookUp } from "./find.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { keyEvents } from "../notifications/key-events.ts";

/** The entries that a reader that has waited gets of a stream if it asked for no COUNT, as in Redis. */
const blockedCountUsual = 1000;
/** Giving an entry to a consumer, noting that and writing it; looking at one that another consumer holds. */
const unitsOfGiven = 1.5;
const unitsOfLook = 0.1;
const scratchId = new EntryId();
/** The position of a reader that asks for new entries, or of an empty stream. */
const noId = new EntryId();

export interface WantedStream {
  readonly key: string;
  /** The argument of the key. */
  readonly keyIndex: number;
  readonly id: EntryId;
  /** `>`: what the group has not got yet. */
  readonly isNews: boolean;
}

export class StreamRead {
  streams: WantedStream[] = [];
  /** Undefined for XREAD. */
  group: string | undefined = undefined;
  consumer = "";
  /** 0 is no bound. */
  count = 0;
  /** -1 is not to wait, 0 to wait for ever. */
  blockMs = -1;
  isNoAck = false;
  /** CLAIM: also entries that others, or it itself, have had for so long, ms; -1 for none of them. */
  claimIdleMs = -1;

  /** The read has to wait. */
  setBlocked(): void {
    if (this.count === 0) this.count = blockedCountUsual;
  }
}

export function parseRead(context: CommandContext, isGroupRead: boolean): StreamRead {
  const { request } = context;
  const read = new StreamRead();
  let at = 1;
  let first = 0;
  for (; at < request.argumentCount && first === 0; at++) {
    const more = request.argumentCount - 1 - at;
    if (more > 0 && request.is(at, "BLOCK")) {
      if (context.caller.place === "lua") throw notInScripts(request);
      read.blockMs = timeoutArgument(request, ++at);
    } else if (more > 0 && request.is(at, "COUNT")) {
      const count = request.integer(++at);
      if (Number.isNaN(count)) throw new RedisError(errorTexts.notInteger);
      read.count = Math.max(count, 0);
    } else if (more > 0 && request.is(at, "STREAMS")) first = at + 1;
    else if (more > 0 && request.is(at, "CLAIM")) {
      if (!isGroupRead) throw onlyInGroups("CLAIM");
      read.claimIdleMs = idleArgument(request, ++at);
    } else if (more > 1 && request.is(at, "GROUP")) {
      if (!isGroupRead) throw onlyInGroups("GROUP");
      read.group = request.repeatedName(at + 1);
      read.consumer = request.repeatedName(at + 2);
      at += 2;
    } else if (request.is(at, "NOACK")) {
      if (!isGroupRead) throw onlyInGroups("NOACK");
      read.isNoAck = true;
    } else throw syntaxError();
  }
  if (first === 0) throw syntaxError();
  const count = request.argumentCount - first;
  if (count % 2 !== 0) {
    throw new RedisError(
      "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
    );
  }
  if (isGroupRead && read.group === undefined)
    throw new RedisError("ERR Missing GROUP option for XREADGROUP");
  for (let i = first; i < first + count / 2; i++)
    read.streams.push(parseStream(context, read, i, i + count / 2));
  return read;
}

function notInScripts(request: RequestArguments): RedisError {
  return new RedisError(`ERR ${request.utf8(0)} command is not allowed with BLOCK option from scripts`);
}

function onlyInGroups(option: string): RedisError {
  return new RedisError(
    `ERR The ${option} option is only supported by XREADGROUP. You called XREAD instead.`,
  );
}

function timeoutArgument(request: RequestArguments, index: number): number {
  const timeout = request.integer(index);
  if (Number.isNaN(timeout)) throw new RedisError("ERR timeout is not an integer or out of range");
  if (timeout < 0) throw new RedisError("ERR timeout is negative");
  return timeout;
}

function parseStream(
  context: CommandContext,
  read: StreamRead,
  keyIndex: number,
  idAt: number,
): WantedStream {
  const { request } = context;
  const key = request.repeatedName(keyIndex);
  const queue = lookUp(context, key);
  if (queue === undefined) context.notify(keyEvents.missed, keyIndex);
  if (read.group !== undefined) groupOf(queue, read.group, key);
  if (request.is(idAt, "$")) {
    if (read.group !== undefined) throw meaninglessId("$");
    if (queue !== undefined) seal(queue);
    // The log's own goes on as it grows.
    const id = new EntryId();
    return { key, keyIndex, id: queue?.log.readStableId(id) ?? id.copyFrom(noId), isNews: false };
  }
  // Of redis 7.4.
  if (request.is(idAt, "+")) {
    if (read.group !== undefined) throw meaninglessId("+");
    return { key, keyIndex, id: idBeforeLast(queue), isNews: false };
  }
  if (request.is(idAt, ">")) {
    if (read.group === undefined) {
      throw new RedisError(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
      );
    }
    return { key, keyIndex, id: noId, isNews: true };
  }
  const id = strictIdArgument(request, idAt, new EntryId());
  // Redis notes `>` as the last id of all, so a group that is asked for what is behind that one gets its news.
  return { key, keyIndex, id, isNews: read.group !== undefined && id.isMax };
}

function groupOf(queue: Queue | undefined, group: string, key: string): GroupCursor {
  const cursor = queue?.groups.get(group);
  if (cursor !== undefined) return cursor;
  const text = (name: string): string => Buffer.from(name, "latin1").toString();
  throw new RedisError(
    `NOGROUP No such key '${text(key)}' or consumer group '${text(group)}' in XREADGROUP with GROUP option`,
  );
}

/** Replies with what there is to read in those of its streams. False, and nothing written, when there is nothing. Throws NOGROUP, WRONGTYPE. */
export function serve(context: CommandContext, read: StreamRead, streams: readonly WantedStream[]): boolean {
  return read.group === undefined ? servePlain(context, read, streams) : serveGroup(context, read, streams);
}

interface PlainPart extends EntryRange {
  readonly key: string;
  readonly count: number;
}

function servePlain(context: CommandContext, read: StreamRead, streams: readonly WantedStream[]): boolean {
  const found: PlainPart[] = [];
  let total = 0;
  for (const { key, keyIndex, id } of streams) {
    const queue = lookUp(context, key);
    if (queue === undefined) {
      context.notify(keyEvents.missed, keyIndex);
      continue;
    }
    seal(queue);
    const { log } = queue;
    if (!scratchId.copyFrom(id).increment()) continue;
    const from = log.offsetOfEntryId(scratchId);
    const to = log.stableEnd;
    const present = from < to ? countPresent(log, from, to) : 0;
    if (present === 0) continue;
    const count = read.count > 0 ? Math.min(present, read.count) : present;
    found.push({ key, queue, from, to, isReverse: false, count });
    total += count;
  }
  if (found.length === 0) return false;
  if (total > directItemsMax || !writePlain(context, found)) {
    answerInSlices(context, (parts) => writePlainSliced(context, parts, found));
  }
  return true;
}

/** False, and nothing written, where the entries are too large to be written at once. */
function writePlain(context: CommandContext, found: readonly PlainPart[]): boolean {
  const { out } = context.reply;
  const before = out.length;
  const workBefore = workBytes(before);
  writeStreamsHeader(context, found.length);
  for (const { key, queue, from, count } of found) {
    writeStreamHeader(context, key, count);
    const reader = new LogReader(queue.log, from);
    for (let left = count; left > 0 && reader.next(); left--) {
      if (workBytes(out.length) - workBefore > directBytesMax) {
        out.length = before;
        return false;
      }
      writeEntry(context.reply, reader);
    }
    spendForEntries(context, count);
  }
  return true;
}

function* writePlainSliced(
  context: CommandContext,
  parts: PartedReply,
  found: readonly PlainPart[],
): Job<void> {
  writeStreamsHeader(context, found.length);
  for (const part of found) {
    const list = openStream(context, parts, part.key);
    parts.closeList(list, yield* writeRange(context, parts, part, part.count));
  }
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

function serveGroup(context: CommandContext, read: StreamRead, streams: readonly WantedStream[]): boolean {
  const now = context.broker.clock.now();
  const parts: GroupPart[] = [];
  let isLong = false;
  for (const { key, keyIndex, id, isNews } of streams) {
    const queue = lookUp(context, key);
    const group = read.group!;
    const cursor = groupOf(queue, group, key);
    seal(queue!);
    const owner = seenConsumer(context, cursor, read.consumer, keyIndex);
    if (isNews && read.claimIdleMs >= 0) {
      const claims = idleEntries(cursor, read.claimIdleMs, read.count, now);
      const isFull = read.count > 0 && claims.length === read.count;
      const count = isFull ? 0 : countNews(cursor, read.count > 0 ? read.count - claims.length : 0);
      isLong = true;
      if (claims.length + count > 0)
        parts.push({ key, queue: queue!, group, cursor, owner, historyFrom: null, claims, count });
    } else if (isNews) {
      const count = countNews(cursor, read.count);
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

/** How many entries the group has still to get, at most `most` where that is above 0. */
function countNews(cursor: GroupCursor, most: number): number {
  const { log } = cursor;
  const news = cursor.peekNew() ? countPresent(log, cursor.record.offset, log.stableEnd) : 0;
  const present = news + cursor.againCount;
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
function giveNext({ reply }: CommandContext, part: GroupPart, isNoAck: boolean, now: number): boolean {
  const { cursor, owner } = part;
  if (!cursor.peek()) return false;
  if (part.claims === null) writeEntry(reply, cursor.record);
  else writeDelivered(reply, cursor.record, 0, 0);
  if (isNoAck) cursor.take();
  else cursor.give(owner.id, now);
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
  while (count < part.count && (cursor.next < end || cursor.againCount > 0)) {
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

/** Offsets of what the consumer holds, from an id on. */
function* historyOf({ cursor, owner, historyFrom, count }: GroupPart): Job<number[]> {
  const offsets: number[] = [];
  const { pending } = cursor;
  if (owner.pending === 0 || count < 0) return offsets;
  const piece = new Piece();
  let offset = pending.atOrAboveId(historyFrom!);
  while (offset >= 0) {
    if (pending.ownerOf(offset) === owner.id) offsets.push(offset);
    if (offsets.length >= owner.pending || (count > 0 && offsets.length >= count)) break;
    const due = piece.add(unitsOfLook);
    if (due > 0) yield due;
    offset = pending.next(offset + 1);
  }
  return offsets;
}

function writeHistoryEntry(
  { reply }: CommandContext,
  { cursor }: GroupPart,
  reader: LogReader,
  offset: number,
  now: number,
): void {
  const { pending } = cursor;
  const id = pending.readId(offset, scratchId);
  if (findEntry(reader, id)) {
    writeEntry(reply, reader);
    cursor.givenAgain(offset, now);
    return;
  }
  // Deleted, but still pending: the id with no fields.
  reply.array(2);
  writeStreamId(reply.out, id);
  reply.nullArray();
}
