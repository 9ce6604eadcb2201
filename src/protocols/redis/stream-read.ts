/**
 * What XREAD and XREADGROUP read, parsed once: a blocked read is served from this again when entries come.
 *
 * Not here: waiting (blocking.ts). Invariant: `serve` either writes one whole reply and returns true, or writes nothing.
 */
import { LogReader } from "../../broker/log-entries.ts";
import type { Queue } from "../../broker/queue.ts";
import type { CursorOwner, SharedCursor } from "../../broker/shared-cursor.ts";
import { EntryId } from "../../message/entry-id.ts";
import type { CommandContext } from "./context.ts";
import { errorTexts, RedisError, syntaxError } from "./errors.ts";
import { seenConsumer } from "./groups.ts";
import { strictIdArgument, writeStreamId } from "./stream-id.ts";
import { countPresent, findEntry, seal, writeEntry } from "./stream-log.ts";
import { lookUp } from "./streams.ts";
import type { RequestArguments } from "./wire/request-arguments.ts";

/** Redis's bound on what a blocked reader gets that asked for no COUNT. */
const blockedCountMax = 1000;
const scratchId = new EntryId();
/** The position of who asks for news, or of an empty stream. */
const noId = new EntryId();

interface WantedStream {
  readonly key: string;
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

  /** The read waits: from now on its bound is that of blocked readers. */
  setBlocked(): void {
    if (this.count === 0) this.count = blockedCountMax;
  }
}

export function parseRead(context: CommandContext, isGroupRead: boolean): StreamRead {
  const { request } = context;
  const read = new StreamRead();
  let at = 1;
  let first = 0;
  for (; at < request.argumentCount && first === 0; at++) {
    const more = request.argumentCount - 1 - at;
    if (more > 0 && request.is(at, "BLOCK")) read.blockMs = timeoutArgument(request, ++at);
    else if (more > 0 && request.is(at, "COUNT")) {
      const count = request.integer(++at);
      if (Number.isNaN(count)) throw new RedisError(errorTexts.notInteger);
      read.count = Math.max(count, 0);
    } else if (more > 0 && request.is(at, "STREAMS")) first = at + 1;
    else if (more > 1 && request.is(at, "GROUP")) {
      if (!isGroupRead) throw onlyInGroups("GROUP");
      read.group = request.latin1(at + 1);
      read.consumer = request.latin1(at + 2);
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

function parseStream(context: CommandContext, read: StreamRead, keyAt: number, idAt: number): WantedStream {
  const { request } = context;
  const key = request.latin1(keyAt);
  const queue = lookUp(context, key);
  if (read.group !== undefined) groupOf(queue, read.group, key);
  if (request.is(idAt, "$")) {
    if (read.group !== undefined) {
      throw new RedisError(
        "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer " +
          "by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty " +
          "result set.",
      );
    }
    if (queue !== undefined) seal(queue);
    // The log's own goes on as it grows.
    return { key, id: new EntryId().copyFrom(queue?.log.lastId ?? noId), isNews: false };
  }
  if (request.is(idAt, ">")) {
    if (read.group === undefined) {
      throw new RedisError(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
      );
    }
    return { key, id: noId, isNews: true };
  }
  const id = strictIdArgument(request, idAt, new EntryId());
  // Redis notes `>` as the last id of all, so a group that is asked for what is behind that one gets its news.
  return { key, id, isNews: read.group !== undefined && id.isMax };
}

function groupOf(queue: Queue | undefined, group: string, key: string): SharedCursor {
  const cursor = queue?.groups.get(group);
  if (cursor !== undefined) return cursor;
  const text = (name: string): string => Buffer.from(name, "latin1").toString();
  throw new RedisError(
    `NOGROUP No such key '${text(key)}' or consumer group '${text(group)}' in XREADGROUP with GROUP option`,
  );
}

/** Replies with what there is to read. False, and nothing written, when there is nothing. Throws NOGROUP, WRONGTYPE. */
export function serve(context: CommandContext, read: StreamRead): boolean {
  return read.group === undefined ? servePlain(context, read) : serveGroup(context, read);
}

function servePlain(context: CommandContext, read: StreamRead): boolean {
  const { reply } = context;
  const found: { key: string; queue: Queue; from: number; count: number }[] = [];
  for (const { key, id } of read.streams) {
    const queue = lookUp(context, key);
    if (queue === undefined) continue;
    seal(queue);
    const { log } = queue;
    if (!scratchId.copyFrom(id).increment()) continue;
    const from = log.offsetOfEntryId(scratchId);
    const present = from < log.nextOffset ? countPresent(log, from, log.nextOffset) : 0;
    if (present > 0)
      found.push({ key, queue, from, count: read.count > 0 ? Math.min(present, read.count) : present });
  }
  if (found.length === 0) return false;
  writeStreamsHeader(context, found.length);
  for (const { key, queue, from, count } of found) {
    writeStreamHeader(context, key, count);
    const reader = new LogReader(queue.log, from);
    for (let left = count; left > 0 && reader.next(); left--) writeEntry(reply, reader);
  }
  return true;
}

/** In RESP3 a map from stream to entries, in RESP2 a list of pairs. */
function writeStreamsHeader(context: CommandContext, streams: number): void {
  if (context.reply.version === 3) context.reply.map(streams);
  else context.reply.array(streams);
}

function writeStreamHeader(context: CommandContext, key: string, entries: number): void {
  const { reply } = context;
  if (reply.version === 2) reply.array(2);
  reply.bulkLatin1(key);
  reply.array(entries);
}

interface GroupPart {
  readonly key: string;
  readonly queue: Queue;
  readonly cursor: SharedCursor;
  readonly owner: CursorOwner;
  /** Entries of the consumer's history to show; null for news. */
  readonly history: number[] | null;
  readonly count: number;
}

function serveGroup(context: CommandContext, read: StreamRead): boolean {
  const now = context.broker.clock.now();
  const parts: GroupPart[] = [];
  for (const { key, id, isNews } of read.streams) {
    const queue = lookUp(context, key);
    const cursor = groupOf(queue, read.group!, key);
    seal(queue!);
    const owner = seenConsumer(cursor, read.consumer, now);
    if (isNews) {
      const count = countNews(cursor, read.count);
      if (count > 1 || read.streams.length > 1) assertReadable(cursor, count);
      if (count > 0) parts.push({ key, queue: queue!, cursor, owner, history: null, count });
    } else {
      const history = scratchId.copyFrom(id).increment()
        ? historyOf(cursor, owner, scratchId, read.count)
        : [];
      parts.push({ key, queue: queue!, cursor, owner, history, count: history.length });
    }
  }
  if (parts.length === 0) return false;
  writeStreamsHeader(context, parts.length);
  for (const part of parts) {
    writeStreamHeader(context, part.key, part.count);
    if (part.history === null) writeNews(context, part, read.isNoAck, now);
    else writeHistory(context, part, part.history, now);
  }
  return true;
}

/** How many entries the group has still to get, at most `most` where that is above 0. */
function countNews(cursor: SharedCursor, most: number): number {
  if (!cursor.peek()) return 0;
  const { log } = cursor;
  const from = cursor.record.offset;
  if (log.removed.countAbove === 0 || most === 0) {
    const present = countPresent(log, from, log.nextOffset);
    return most > 0 ? Math.min(present, most) : present;
  }
  let count = 0;
  for (let offset = from; count < most && offset < log.nextOffset; offset++)
    if (!log.removed.has(offset)) count++;
  return count;
}

/**
 * Throws what reading the next entries would throw, before any of them is given: an error half-way would leave some that
 * are given to a consumer which never got them.
 */
function assertReadable(cursor: SharedCursor, count: number): void {
  if (count === 0) return;
  const reader = new LogReader(cursor.log, cursor.record.offset);
  for (let left = count; left > 0 && reader.nextFrame();) left -= reader.frameEnd - reader.offset;
}

function writeNews(context: CommandContext, part: GroupPart, isNoAck: boolean, now: number): void {
  const { cursor, owner } = part;
  owner.activeAt = now;
  for (let left = part.count; left > 0; left--) {
    if (!(isNoAck ? cursor.take() : cursor.acquire(owner.id, now))) return;
    writeEntry(context.reply, cursor.record);
  }
}

/** Offsets of what the consumer holds, from an id on. */
function historyOf(cursor: SharedCursor, owner: CursorOwner, from: EntryId, most: number): number[] {
  const offsets: number[] = [];
  const { pending } = cursor;
  if (owner.pending === 0) return offsets;
  const first = pending.atOrAboveId(from);
  if (first < 0) return offsets;
  pending.visit(first, Infinity, (offset) => {
    if (pending.ownerOf(offset) === owner.id) offsets.push(offset);
    return offsets.length < owner.pending && (most === 0 || offsets.length < most);
  });
  return offsets;
}

function writeHistory(context: CommandContext, part: GroupPart, offsets: number[], now: number): void {
  const { reply } = context;
  const { cursor } = part;
  const { pending } = cursor;
  const reader = new LogReader(cursor.log);
  for (const offset of offsets) {
    const id = pending.readId(offset, scratchId);
    if (findEntry(reader, id)) {
      cursor.givenAgain(offset, now);
      writeEntry(reply, reader);
    } else {
      // Deleted, but still pending: the id with no fields.
      reply.array(2);
      writeStreamId(reply.out, id);
      reply.nullArray();
    }
  }
}
