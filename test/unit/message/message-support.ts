/** Makes stored records for the tests of conversions, and reads what the views show, without the views' own code. */
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { EntryId } from "../../../src/message/entry-id.ts";
import {
  type AmqpProperties,
  readProperties,
  writeProperties,
} from "../../../src/message/amqp/properties.ts";
import type { AmqpRecordParts } from "../../../src/message/amqp/record.ts";
import { type Envelope, envelope } from "../../../src/message/envelope.ts";
import { KafkaBatchBuilder } from "../../../src/message/kafka/batch-builder.ts";
import { KafkaBatch } from "../../../src/message/kafka/batch.ts";
import { RecordCursor } from "../../../src/message/kafka/batch-records.ts";
import type { StoredRecord } from "../../../src/message/record.ts";
import { EntryReader, writeEntryHeader, writeEntryPart } from "../../../src/message/redis/entry.ts";

export const arrivalMs = 1_700_000_000_123;

/** A record whose bytes do not start at 0, as in a chunk of the store. */
export function storedRecord(
  envelopeOfRecord: Envelope,
  bytes: Uint8Array,
  more: Partial<StoredRecord> = {},
): StoredRecord {
  const margin = 7;
  const buffer = Buffer.alloc(bytes.length + 2 * margin, 0xee);
  buffer.set(bytes, margin);
  return {
    envelope: envelopeOfRecord,
    buffer,
    start: margin,
    end: margin + bytes.length,
    offset: 5,
    timestamp: arrivalMs,
    id: new EntryId().set(arrivalMs, 0),
    indexInFrame: 0,
    ...more,
  };
}

export interface AmqpMessage {
  exchange?: string;
  routingKey?: string | Buffer;
  properties?: AmqpProperties;
  body?: string | Buffer;
}

export function amqpRecord(message: AmqpMessage, more: Partial<StoredRecord> = {}): StoredRecord {
  const body = Buffer.from(message.body ?? "");
  const routingKey = Buffer.from(message.routingKey ?? "");
  const exchange = Buffer.from(message.exchange ?? "");
  const header = new ByteWriter();
  header.int64(body.length);
  writeProperties(header, message.properties ?? {});
  const writer = new ByteWriter();
  writer.uint8(exchange.length).bytes(exchange).uint8(routingKey.length).bytes(routingKey);
  writer.uint32(header.length).bytes(header.view()).bytes(body);
  return storedRecord(envelope.amqp, writer.view(), more);
}

export interface ShownAmqp {
  exchange: string;
  routingKey: string;
  properties: AmqpProperties;
  body: Buffer;
}

export function shownAmqp(parts: AmqpRecordParts): ShownAmqp {
  const { buffer } = parts;
  return {
    exchange: buffer.latin1Slice(parts.exchangeStart, parts.exchangeEnd),
    routingKey: buffer.latin1Slice(parts.routingKeyStart, parts.routingKeyEnd),
    properties: readProperties(new ByteReader(buffer, parts.propertiesStart, parts.headerEnd)),
    body: Buffer.from(buffer.subarray(parts.bodyStart, parts.bodyEnd)),
  };
}

type Bytes = string | Buffer;

export function redisRecord(
  fields: readonly (readonly [Bytes, Bytes])[],
  more: Partial<StoredRecord> = {},
): StoredRecord {
  const writer = new ByteWriter();
  writeEntryHeader(writer, fields.length);
  for (const part of fields.flat()) writeEntryPart(writer, Buffer.from(part));
  return storedRecord(envelope.redis, writer.view(), more);
}

/** Fields as latin1 text, so that any byte can be compared. */
export function shownFields(entry: { buffer: Buffer; start: number; end: number }): [string, string][] {
  const reader = new EntryReader();
  reader.open(entry.buffer, entry.start, entry.end);
  const fields: [string, string][] = [];
  while (reader.next()) {
    fields.push([
      entry.buffer.latin1Slice(reader.nameStart, reader.nameEnd),
      entry.buffer.latin1Slice(reader.valueStart, reader.valueEnd),
    ]);
  }
  if (reader.position !== entry.end) throw new Error("bytes behind the entry");
  return fields;
}

export interface KafkaMessage {
  key?: Bytes | null;
  value?: Bytes | null;
  headers?: readonly (readonly [Bytes, Bytes | null])[];
  timestamp?: number;
}

export function kafkaBatch(messages: readonly KafkaMessage[], codec = 0): Buffer {
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder();
  builder.begin(writer, {
    baseOffset: 0,
    baseTimestamp: messages[0]!.timestamp ?? arrivalMs,
    partitionLeaderEpoch: 0,
    attributes: codec,
  });
  for (const [index, message] of messages.entries()) {
    const bytes = (value: Bytes | null | undefined) =>
      value === null || value === undefined ? null : Buffer.from(value);
    builder.key(bytes(message.key)).value(bytes(message.value));
    for (const [name, value] of message.headers ?? []) {
      const nameBytes = Buffer.from(name);
      const valueBytes = bytes(value);
      builder.headerOfBytes(nameBytes, 0, nameBytes.length, valueBytes, 0, valueBytes?.length ?? 0);
    }
    builder.record(index, message.timestamp ?? arrivalMs);
  }
  builder.finish();
  return writer.copy();
}

export function kafkaRecord(message: KafkaMessage, more: Partial<StoredRecord> = {}): StoredRecord {
  return storedRecord(envelope.kafka, kafkaBatch([message]), more);
}

export interface ShownKafka {
  offset: number;
  timestamp: number;
  key: string | null;
  value: string | null;
  headers: [string, string | null][];
}

/** All records of a batch, bytes as latin1 text. */
export function shownBatch(bytes: Buffer): ShownKafka[] {
  const batch = new KafkaBatch().reset(bytes);
  if (!batch.next() || !batch.hasValidChecksum()) throw new Error("no batch");
  const cursor = new RecordCursor().open(batch, 1 << 20);
  const shown: ShownKafka[] = [];
  const text = (start: number, end: number) => (start < 0 ? null : cursor.buffer.latin1Slice(start, end));
  while (cursor.next()) {
    const record: ShownKafka = {
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: text(cursor.keyStart, cursor.keyEnd),
      value: text(cursor.valueStart, cursor.valueEnd),
      headers: [],
    };
    while (cursor.nextHeader()) {
      record.headers.push([
        text(cursor.headerKeyStart, cursor.headerKeyEnd)!,
        text(cursor.headerValueStart, cursor.headerValueEnd),
      ]);
    }
    shown.push(record);
  }
  return shown;
}
