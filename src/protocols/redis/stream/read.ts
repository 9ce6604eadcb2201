/**
 * What XREAD and XREADGROUP read, parsed once: a blocked read is served from this again when entries come.
 *
 * Not here: waiting (blocked-read.ts), what a group's reader gets (groups/group-read.ts). Invariant: `serve` either answers, in
 * slices where that is long, and returns true, or writes nothing.
 */
import { traceRead } from "./groups/traced.ts";
import type { Job } from "../../../base/turn-work.ts";
import { LogReader } from "../../../storage/logs.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { groupOf, serveGroup } from "./groups/group-read.ts";
import { assertConsumerName, meaninglessId } from "./groups/groups.ts";
import { idleArgument } from "./groups/idle-claims.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { strictIdArgument } from "./id.ts";
import { answerInSlices, directBytesMax, directItemsMax } from "../core/sliced-reply.ts";
import { type EntryRange, writeRange } from "./entries.ts";
import { countPresent, seal, spendForEntries, workBytes, writeEntry, idBeforeLast } from "./stream.ts";
import { openStream, writeStreamHeader, writeStreamsHeader } from "./stream-lists.ts";
import { lookUp } from "./find.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { hasReadAgain, lookedUp } from "../notifications/lookups.ts";

/** The entries that a reader that has waited gets of a stream if it asked for no COUNT, as in Redis. */
const blockedCountUsual = 1000;
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
      assertConsumerName(context, at + 2);
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
  hasReadStreams(context, read);
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

/** Redis looks each of the streams up once to check its id, and once more to read it. */
function hasReadStreams(context: CommandContext, { streams }: StreamRead): void {
  for (const { key, keyIndex } of streams)
    hasReadAgain(context, keyIndex, context.database, lookUp(context, key) !== undefined);
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
  lookedUp(context, keyIndex, context.database, queue !== undefined);
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
  for (const { key, id } of streams) {
    const queue = lookUp(context, key);
    if (queue === undefined) continue;
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
  for (const { queue, from, count } of found)
    if (queue.trace !== null) traceRead(context, queue, from, count);
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
