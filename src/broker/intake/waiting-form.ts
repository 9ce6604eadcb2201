/**
 * A message as it waits for its time: as the destination's log will have it, in the form in which its client sent it. A header `x-delay` is
 * negated, as delayed exchanges do it, so that whoever publishes the message on does not delay it again.
 *
 * Not here: where it waits. Invariant: nothing else of the message changes.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { writeRecordCopy } from "../../message/amqp/record-copy.ts";
import { envelope } from "../../message/envelope.ts";
import { KafkaBatch } from "../../message/kafka/batch.ts";
import { RecordCursor } from "../../message/kafka/batch-records.ts";
import { writeSingleRecord } from "../../message/kafka/single-record.ts";
import { EntryReader, writeEntryHeader, writeEntryPart } from "../../message/redis/entry.ts";
import type { OutgoingMessage } from "../exchange/outgoing-message.ts";
import { propertiesOfParts } from "../exchange/routing/message-headers.ts";
import type { RecordBytes } from "../schedule/enter-stream.ts";
import { delayHeader, delayName, delayOf, withDelayPast } from "./delay-headers.ts";

const writer = new ByteWriter(1024);
const writerBytesKept = 1 << 20;
const batch = new KafkaBatch();
const cursor = new RecordCursor();
const fields = new EntryReader();

/** Valid until the next call. */
export function waitingForm(message: OutgoingMessage): RecordBytes {
  if (!message.mayHaveHeader(delayName)) return message.asStored();
  const parts = message.asAmqp();
  const properties = propertiesOfParts(parts);
  const delay = delayOf(properties);
  if (delay === 0) return message.asStored();
  if (writer.buffer.length > writerBytesKept) writer.buffer = Buffer.allocUnsafeSlow(1024);
  const past = Buffer.from(String(-delay));
  const stored = message.asStored();
  switch (stored.envelope) {
    case envelope.kafka:
      batch.reset(stored.buffer, stored.start, stored.end).next();
      cursor.open(batch, 0).next();
      writeSingleRecord(writer, cursor, { name: delayName, value: past });
      cursor.close();
      break;
    case envelope.redis:
      writeEntry(stored, past);
      break;
    default: {
      const headers = withDelayPast(properties.headers ?? [], delay);
      writeRecordCopy(writer, parts, { ...properties, headers }, null);
      writer.bytes(parts.buffer, parts.bodyEnd, parts.recordEnd);
    }
  }
  return { envelope: stored.envelope, buffer: writer.buffer, start: 0, end: writer.length };
}

function writeEntry({ buffer, start, end }: RecordBytes, past: Buffer): void {
  writer.reset();
  writeEntryHeader(writer, fields.open(buffer, start, end));
  while (fields.next()) {
    writeEntryPart(writer, buffer, fields.nameStart, fields.nameEnd);
    if (fields.isName(delayHeader)) writeEntryPart(writer, past);
    else writeEntryPart(writer, buffer, fields.valueStart, fields.valueEnd);
  }
}
