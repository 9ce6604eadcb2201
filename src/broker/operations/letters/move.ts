/**
 * Moves one message from a queue or stream to another, in one tick: it is appended to the one and removed from the other in the same
 * group of the journal, so that after a kill it is in one of them, never in both or in none.
 *
 * Only what is ready is moved: what a consumer holds is that consumer's. Not here: which message goes where (retry.ts, undo.ts).
 * Invariants: a move makes no queue longer than its bounds allow; whatever the queue does beyond its bounds, nothing is dropped for it.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { type AmqpProperties, writeProperties } from "../../../message/amqp/properties.ts";
import { type AmqpRecordParts } from "../../../message/amqp/record.ts";
import { type RecordRoute, writeRecordCopy } from "../../../message/amqp/record-copy.ts";
import { writeShortString } from "../../../message/amqp/text.ts";
import { envelope } from "../../../message/envelope.ts";
import type { LogReader } from "../../../storage/index.ts";
import { noOwner, requeuedOwner } from "../../cursor/pending-table.ts";
import { appendRecord } from "../../exchange/outgoing-message.ts";
import type { Queue } from "../../queue/queue.ts";

const scratchBytesKept = 1 << 20;

let scratch = new ByteWriter(1024);

export interface MovedMessage {
  readonly parts: AmqpRecordParts;
  readonly properties: AmqpProperties;
  readonly route: RecordRoute;
  /** Instead of the message's own body; null: that one. */
  readonly body: Buffer | null;
}

/** False of a record that was consumed, in the log of a queue that keeps its history. */
export function isInQueue({ cursor }: Queue, offset: number): boolean {
  return cursor === null || cursor.history === null || !cursor.history.has(offset);
}

/** Whether nobody has the record: it is ready, or an entry of a stream. */
export function isReady(queue: Queue, offset: number): boolean {
  const { cursor } = queue;
  if (cursor === null) return true;
  if (!isInQueue(queue, offset)) return false;
  const owner = cursor.pending.ownerOf(offset);
  return owner === noOwner || owner === requeuedOwner;
}

/** The first offset at or above `from` of a record that is there; -1: there is none below `end`. */
export function nextOffset({ log }: Queue, from: number, end: number): number {
  const offset = log.removed.nextPresent(Math.max(from, log.removed.first));
  return offset < end ? offset : -1;
}

/** The reader is at a ready record of `source`, of which `moved` was made. */
export function move(source: Queue, reader: LogReader, target: Queue, moved: MovedMessage): void {
  if (scratch.buffer.length > scratchBytesKept) scratch = new ByteWriter(1024);
  writeMoved(scratch, moved);
  const { length } = scratch;
  appendRecord(target.log.group, envelope.amqp, scratch.buffer, 0, length);
  takeOut(source, reader);
}

function writeMoved(writer: ByteWriter, { parts, properties, route, body }: MovedMessage): void {
  if (body === null) {
    writeRecordCopy(writer, parts, properties, route);
    // The hidden keys, to which it goes if it dies again.
    writer.bytes(parts.buffer, parts.bodyEnd, parts.recordEnd);
    return;
  }
  writer.reset();
  writeShortString(writer, Buffer.from(route.exchange, "latin1"));
  writeShortString(writer, Buffer.from(route.key, "latin1"));
  const sizeAt = writer.length;
  writer.uint32(0).int64(body.length);
  writeProperties(writer, properties);
  writer.patchUint32(sizeAt, writer.length - sizeAt - 4);
  writer.bytes(body);
  writer.bytes(parts.buffer, parts.bodyEnd, parts.recordEnd);
}

/** The record that the reader is at goes on in another log, in the same tick. */
export function takeOut(queue: Queue, { offset, id }: LogReader): void {
  const { log } = queue;
  log.movesOn(offset);
  if (queue.kind === "queue") {
    queue.readyBytes?.removing(offset, offset + 1);
    queue.drop(offset);
    return;
  }
  // As XDEL does it.
  if (id.compare(log.maxDeletedId) > 0) log.maxDeletedId.copyFrom(id);
  queue.removeAt(offset);
  log.metaChanged();
}
