/**
 * The records that wait for their time to enter one stream: a log of their own, in which each stands with its time.
 *
 *     record = a stream entry (message/redis/entry.ts): "due" unix-ms, "envelope" number, "record" bytes ["returned" ""]
 *
 * `record` is as the stream will have it. `returned` is on what a Kafka group has given up (retry/returned-records.ts). The entry's id is the handle by which a client cancels it. Not here: when it is due
 * (timers.ts). Invariant: a record is in this log or in the stream, never in both or none, since it moves in one tick.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { EntryId } from "../../message/entry-id.ts";
import { type Envelope, envelope } from "../../message/envelope.ts";
import { EntryReader, writeEntryHeader, writeEntryPart } from "../../message/redis/entry.ts";
import { LogReader } from "../../storage/index.ts";
import { appendRecord } from "../exchange/outgoing-message.ts";
import type { Queue } from "../queue/queue.ts";

const names = { due: Buffer.from("due"), envelope: Buffer.from("envelope"), record: Buffer.from("record") };
const returnedName = Buffer.from("returned");
const nothing = Buffer.alloc(0);
const scratch = new ByteWriter(256);
const scratchBytesKept = 1 << 20;
const fields = new EntryReader();

/** A scheduled record; the bytes are valid as long as the reader's. */
export interface ScheduledRecord {
  due: number;
  envelope: Envelope;
  start: number;
  end: number;
  /** A group has given it up: not what a client has delayed, whatever its headers say. */
  isReturned: boolean;
}

const shown: ScheduledRecord = { due: 0, envelope: envelope.none, start: 0, end: 0, isReturned: false };

/** The record that the reader is at; valid until the next call. */
export function scheduledRecord({
  buffer,
  start,
  end,
}: Pick<LogReader, "buffer" | "start" | "end">): ScheduledRecord {
  shown.isReturned = fields.open(buffer, start, end) > 3;
  fields.next();
  shown.due = numberIn(buffer, fields.valueStart, fields.valueEnd);
  fields.next();
  shown.envelope = numberIn(buffer, fields.valueStart, fields.valueEnd) as Envelope;
  fields.next();
  shown.start = fields.valueStart;
  shown.end = fields.valueEnd;
  return shown;
}

/** Digits, without a text for each record: a start reads all of them. */
function numberIn(buffer: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + buffer[at]! - 0x30;
  return value;
}

export interface NewRecord {
  readonly due: number;
  readonly envelope: Envelope;
  readonly buffer: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly isReturned?: true;
}

/** Appends a record, and puts its handle into `handle`. Returns its offset in the log. */
export function appendScheduled({ log }: Queue, record: NewRecord, handle: EntryId): number {
  if (scratch.buffer.length > scratchBytesKept) scratch.buffer = Buffer.allocUnsafeSlow(256);
  scratch.reset();
  const isReturned = record.isReturned === true;
  writeEntryHeader(scratch, isReturned ? 4 : 3);
  writeEntryPart(scratch, names.due);
  writeEntryPart(scratch, Buffer.from(String(Math.ceil(record.due))));
  writeEntryPart(scratch, names.envelope);
  writeEntryPart(scratch, Buffer.from(String(record.envelope)));
  writeEntryPart(scratch, names.record);
  writeEntryPart(scratch, record.buffer, record.start, record.end);
  if (isReturned) {
    writeEntryPart(scratch, returnedName);
    writeEntryPart(scratch, nothing);
  }
  appendRecord(log.group, envelope.redis, scratch.buffer, 0, scratch.length);
  log.store.readReservedId(handle);
  return log.store.reservedOffset;
}

/** The offset of the record with that handle; -1 where it is not waiting any more. */
export function offsetOfHandle({ log }: Queue, handle: EntryId): number {
  log.store.seal();
  const reader = new LogReader(log, log.offsetOfEntryId(handle));
  return reader.next() && reader.id.equals(handle) ? reader.offset : -1;
}
