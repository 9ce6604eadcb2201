/**
 * A stream seen as redis sees it, over a log: first and last entry, ranges, entries in replies.
 *
 * Not here: groups, keys. Readers are shared by all commands, since a command runs to its end before another starts.
 * Invariant: a log is sealed before it is read.
 */
import { type Log, LogReader } from "../../../storage/logs.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { RedisView } from "../../../message/convert/as-redis.ts";
import { kafkaFrames } from "../../../message/convert/kafka-frame.ts";
import { envelope } from "../../../message/envelope.ts";
import type { CommandContext } from "../core/context.ts";
import { writeStreamId } from "./id.ts";
import type { ReplyWriter } from "../wire/reply-writer.ts";

const view = new RedisView();

/** Makes what was appended in this turn readable, and applies the bounds to it. */
export function seal(queue: Queue): void {
  queue.catchUp();
}

/** Stops a reader at the entry with exactly that id; false when it is not there. */
export function findEntry(reader: LogReader, id: EntryId): boolean {
  reader.seek(reader.log.offsetOfEntryId(id));
  return reader.next() && reader.id.equals(id);
}

/** The id below that of the last entry that is there, so that this one comes next; 0-0 without entries. */
export function idBeforeLast(queue: Queue | undefined): EntryId {
  const id = new EntryId();
  if (queue === undefined) return id;
  seal(queue);
  const { log } = queue;
  if (log.length === 0) return id;
  const reader = new LogReader(log, log.removed.previousPresent(log.stableEnd - 1));
  if (reader.next()) id.copyFrom(reader.id).decrement();
  return id;
}

/** How many of the offsets in `[from, to)` are there. */
export function countPresent(log: Log, from: number, to: number): number {
  const start = Math.max(from, log.removed.first);
  return start >= to ? 0 : to - start - log.removed.countIn(start, to);
}

/**
 * What writing entries has cost when `written` bytes of a reply are there: a small entry may be of a compressed batch that
 * is large. Only differences mean something.
 */
export function workBytes(written: number): number {
  return written + kafkaFrames.inflatedBytes;
}

/** What many small entries cost the turn that were written at once, beside their bytes. */
export function spendForEntries({ broker }: CommandContext, count: number): void {
  if (count > 3) broker.work.spend(count >> 2);
}

/** `[id, [field, value, ...]]` of the record that the reader stopped at. */
export function writeEntry(reply: ReplyWriter, reader: LogReader): void {
  const out = reply.out;
  reply.array(2);
  writeStreamId(out, reader.id);
  writeFields(reply, reader);
}

/** The same with how long a consumer had it, and how often it had been given out (XREADGROUP CLAIM). */
export function writeDelivered(reply: ReplyWriter, reader: LogReader, idleMs: number, count: number): void {
  reply.array(4);
  writeStreamId(reply.out, reader.id);
  writeFields(reply, reader);
  reply.integer(idleMs);
  reply.integer(count);
}

function writeFields(reply: ReplyWriter, reader: LogReader): void {
  if (reader.envelope === envelope.redis) {
    reply.out.bytes(reader.buffer, reader.start, reader.end);
    return;
  }
  // What another protocol wrote: its fields are made now.
  const entry = view.entry(reader);
  reply.out.bytes(entry.buffer, entry.start, entry.end);
}
