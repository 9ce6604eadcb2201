/**
 * The canonical message: one message with names and types, whichever protocol wrote it. For use-cases that look into
 * messages (the HTTP API, the UI, bridges) and for tests; the views (as-*.ts) convert without making it.
 *
 * A message is stored as its writer sent it. Reading gives header types as far as the envelope has them: AMQP all of
 * them; Kafka and Redis text, or bytes where they are not UTF-8, and nothing for Kafka's null.
 *
 * Invariant: `readCanonical` of what an `encode*` wrote gives the same key, body and properties, and the headers as
 * the target carries them (see docs/interop.md).
 */
import { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { type AmqpProperties, writeProperties } from "../amqp/properties.ts";
import { writeRecordHeader } from "../amqp/record.ts";
import { type Field, type FieldTable, type FieldValue, readFieldValue } from "../amqp/table.ts";
import { type AmqpText, shortStringBytesMax, utf8OrUndefined } from "../amqp/text.ts";
import { addKafkaParts } from "./as-kafka.ts";
import { writeRedisFromParts } from "./as-redis.ts";
import { escapePrefix, isReservedInAmqp, names, textPropertyNames } from "./names.ts";
import type { MessageParts } from "./parts.ts";
import { PartsReader } from "./read.ts";
import { fieldTag, isUtf8 } from "./values.ts";
import { EntryId } from "../entry-id.ts";
import { envelope } from "../envelope.ts";
import type { KafkaBatchBuilder } from "../kafka/batch-builder.ts";
import type { StoredRecord } from "../record.ts";

export interface CanonicalMessage {
  readonly key: Buffer | null;
  /** Only where it differs from the key. */
  readonly routingKey: Buffer | null;
  /** Null: a tombstone. */
  readonly body: Buffer | null;
  readonly headers: FieldTable;
  /** Milliseconds: the timestamp that the publisher gave, else the arrival. */
  readonly timestamp: number;
  /** `timestamp` (seconds) only where the publisher gave one. */
  readonly properties: Readonly<Omit<AmqpProperties, "headers">>;
}

const textProperties = [
  "contentType",
  "contentEncoding",
  "correlationId",
  "replyTo",
  "expiration",
  "messageId",
  "type",
  "userId",
  "appId",
  "clusterId",
] as const satisfies { length: (typeof textPropertyNames)["length"] } & readonly (keyof AmqpProperties)[];

const reader = new PartsReader();
const fieldReader = new ByteReader(Buffer.alloc(0));

/** Reads a record of any envelope. The message owns its bytes. */
export function readCanonical(record: StoredRecord): CanonicalMessage {
  const parts = reader.read(record);
  return {
    key: copyOf(parts.keyBuffer, parts.keyStart, parts.keyEnd),
    routingKey: copyOf(parts.buffer, parts.routingKeyStart, parts.routingKeyEnd),
    body: copyOf(parts.bodyBuffer, parts.bodyStart, parts.bodyEnd),
    headers: headersOf(parts),
    timestamp: parts.timestamp,
    properties: propertiesOf(parts),
  };
}

function copyOf(buffer: Buffer, start: number, end: number): Buffer | null {
  return start < 0 ? null : Buffer.from(buffer.subarray(start, end));
}

function textOf(buffer: Buffer, start: number, end: number): AmqpText {
  return utf8OrUndefined(buffer, start, end) ?? Buffer.from(buffer.subarray(start, end));
}

function headersOf(parts: MessageParts): Field[] {
  const headers: Field[] = [];
  for (let i = 0; i < parts.headerCount; i++) {
    const name = textOf(parts.buffer, parts.nameStarts[i]!, parts.nameEnds[i]!);
    headers.push({ name, field: fieldOf(parts, i) });
  }
  return headers;
}

function fieldOf(parts: MessageParts, index: number): FieldValue {
  const start = parts.valueStarts[index]!;
  const end = parts.valueEnds[index]!;
  switch (parts.valueTags[index]) {
    case fieldTag.nothing:
      return { type: "V" };
    case fieldTag.text: {
      const value = textOf(parts.buffer, start, end);
      return { type: "S", value };
    }
    case fieldTag.bytes:
      return { type: "x", value: Buffer.from(parts.buffer.subarray(start, end)) };
    default:
      return readFieldValue(fieldReader.reuse(parts.buffer, start, end));
  }
}

function propertiesOf(parts: MessageParts): AmqpProperties {
  const properties: AmqpProperties = {};
  for (const [index, name] of textProperties.entries()) {
    const start = parts.textStarts[index]!;
    if (start >= 0) properties[name] = textOf(parts.buffer, start, parts.textEnds[index]!);
  }
  if (parts.isJsonObject) properties.contentType ??= "application/json";
  if (parts.deliveryMode >= 0) properties.deliveryMode = parts.deliveryMode;
  if (parts.priority >= 0) properties.priority = parts.priority;
  if (parts.timestampSeconds >= 0) properties.timestamp = parts.timestampSeconds;
  return properties;
}

/**
 * Writes the message as an AMQP record of that route (latin1 strings of the names' bytes). The key goes into header
 * `x-key` unless it is the routing key; a message without timestamp property gets its timestamp in seconds.
 */
export function encodeAmqpRecord(
  message: CanonicalMessage,
  exchange: string,
  routingKey: string,
  writer: ByteWriter,
): void {
  const timestamp = message.properties.timestamp ?? Math.floor(message.timestamp / 1000);
  writeRecord(message, exchange, routingKey, { ...message.properties, timestamp }, writer);
}

function writeRecord(
  message: CanonicalMessage,
  exchange: string,
  routingKey: string,
  properties: AmqpProperties,
  writer: ByteWriter,
): void {
  const { key, body } = message;
  const headers: Field[] = [];
  if (key !== null && (key.length === 0 || key.toString("latin1") !== routingKey)) {
    const type = isUtf8(key, 0, key.length) ? "S" : "x";
    headers.push({ name: names.key, field: { type, value: key } });
  }
  if (body === null) headers.push({ name: names.tombstone, field: { type: "t", value: true } });
  for (const header of message.headers) headers.push({ ...header, name: escapedName(header.name) });
  writer.uint8(exchange.length).latin1(exchange);
  writer.uint8(routingKey.length).latin1(routingKey);
  const bodySize = body === null ? 0 : body.length;
  const header = new ByteWriter();
  header.int64(bodySize);
  writeProperties(header, headers.length > 0 ? { ...properties, headers } : properties);
  writeRecordHeader(writer, header.buffer, 0, header.length);
  if (body !== null) writer.bytes(body);
}

function escapedName(name: AmqpText): AmqpText {
  const bytes = typeof name === "string" ? Buffer.from(name) : name;
  if (!isReservedInAmqp(bytes, 0, bytes.length)) return name;
  return Buffer.concat([Buffer.from(escapePrefix), bytes]);
}

/** Writes the message as the fields of a Redis stream entry. */
export function encodeRedisEntry(message: CanonicalMessage, writer: ByteWriter): void {
  const entry = new ByteWriter();
  const start = writeRedisFromParts(entry, partsOf(message), new ByteWriter());
  writer.bytes(entry.buffer, start, entry.length);
}

/** Adds the message to a batch that is being built, under that offset. */
export function encodeKafkaRecord(
  message: CanonicalMessage,
  offset: number,
  builder: KafkaBatchBuilder,
): void {
  addKafkaParts(builder, partsOf(message), new ByteWriter());
  builder.record(offset, message.timestamp);
}

/** Through an AMQP record, which can hold all that a message has. */
function partsOf(message: CanonicalMessage): MessageParts {
  const writer = new ByteWriter();
  const route = message.routingKey ?? routableKey(message.key);
  // Any exchange but the default one, whose routing keys only name queues.
  writeRecord(message, "canonical", route.toString("latin1"), message.properties, writer);
  return reader.read({
    envelope: envelope.amqp,
    buffer: writer.buffer,
    start: 0,
    end: writer.length,
    offset: 0,
    timestamp: message.timestamp,
    id: new EntryId(),
    indexInFrame: 0,
  });
}

function routableKey(key: Buffer | null): Buffer {
  const isRoutable = key !== null && key.length <= shortStringBytesMax && isUtf8(key, 0, key.length);
  return isRoutable ? key : Buffer.alloc(0);
}
