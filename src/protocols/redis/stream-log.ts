/**
 * A stream seen as redis sees it, over a log: first and last entry, ranges, entries in replies.
 *
 * Not here: groups, keys. Readers are shared by all commands, since a command runs to its end before another starts.
 * Invariant: a log is sealed before it is read.
 */
import { limits } from "../../base/limits.ts";
import type { Log, LogReader } from "../../broker/log-entries.ts";
import type { EntryId } from "../../message/entry-id.ts";
import type { Queue } from "../../broker/queue.ts";
import { RedisView } from "../../message/as-redis.ts";
import { kafkaFrames } from "../../message/convert-kafka-frame.ts";
import { envelope } from "../../message/envelope.ts";
import { RedisError } from "./errors.ts";
import { writeStreamId } from "./stream-id.ts";
import type { ReplyWriter } from "./wire/reply-writer.ts";

const view = new RedisView();
/** What had been decompressed when the reply at hand was begun. */
let inflatedBefore = 0;

/** A reply begins, or a transaction of several: it is made in one turn, so it decompresses a bounded part of what is stored. */
export function beginReply(): void {
  inflatedBefore = kafkaFrames.inflatedBytes;
}

export function isInflationSpent(): boolean {
  return kafkaFrames.inflatedBytes - inflatedBefore >= limits.redisReplyInflatedBytesMax;
}

/** Whether the reply has no room for the record's batch. */
export function isInflationSpentFor(record: LogReader): boolean {
  return isInflationSpent() && record.envelope === envelope.kafka && kafkaFrames.inflates(record);
}

/** Makes what was appended in this turn readable, and applies the bounds to it. */
export function seal(queue: Queue): void {
  queue.catchUp();
}

/** Stops a reader at the entry with exactly that id; false when it is not there. */
export function findEntry(reader: LogReader, id: EntryId): boolean {
  reader.seek(reader.log.offsetOfEntryId(id));
  return reader.next() && reader.id.equals(id);
}

/** How many of the offsets in `[from, to)` are there. */
export function countPresent(log: Log, from: number, to: number): number {
  const { removed } = log;
  const start = Math.max(from, removed.first);
  let count = Math.max(to - start, 0);
  if (removed.countAbove > 0)
    for (let offset = start; offset < to; offset++) if (removed.has(offset)) count--;
  return count;
}

/** `[id, [field, value, ...]]` of the record that the reader stopped at. */
export function writeEntry(reply: ReplyWriter, reader: LogReader): void {
  const out = reply.out;
  reply.array(2);
  writeStreamId(out, reader.id);
  writeFields(reply, reader);
}

function writeFields(reply: ReplyWriter, reader: LogReader): void {
  if (reader.envelope === envelope.redis) {
    reply.out.bytes(reader.buffer, reader.start, reader.end);
    return;
  }
  if (isInflationSpentFor(reader)) {
    const most = limits.redisReplyInflatedBytesMax >> 20;
    throw new RedisError(
      `ERR the reply needs more than ${most} MiB of compressed Kafka batches decompressed; ask for fewer entries by COUNT`,
    );
  }
  // What another protocol wrote: its fields are made now.
  const entry = view.entry(reader);
  reply.out.bytes(entry.buffer, entry.start, entry.end);
}
