/**
 * The fourteen properties of AMQP's basic class, decoded whole: for conversion, headers exchanges, dead-lettering.
 *
 *   properties = flags:u16 *value          one value for each flag set, highest flag first
 *   flags      = content-type content-encoding headers delivery-mode priority correlation-id reply-to expiration
 *                message-id timestamp type user-id app-id cluster-id 0 0
 *
 * The two low bits are ignored, as RabbitMQ does: bit 0 would announce a second flags word (spec 4.2.6.1), and no
 * class has more than fifteen properties.
 *
 * Not here: reading one property of a message in passing (property-offsets.ts).
 * Invariant: `encode(decode(bytes))` is `bytes`, within the exceptions of table.ts.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";
import {
  type AmqpInteger64,
  type AmqpText,
  readInteger64,
  readShortString,
  writeInteger64,
  writeShortString,
} from "./text.ts";
import { type FieldTable, readFieldTable, writeFieldTable } from "./table.ts";

export interface AmqpProperties {
  contentType?: AmqpText;
  contentEncoding?: AmqpText;
  headers?: FieldTable;
  /** 2 is persistent, all else transient. */
  deliveryMode?: number;
  priority?: number;
  correlationId?: AmqpText;
  replyTo?: AmqpText;
  /** Milliseconds, written as digits. */
  expiration?: AmqpText;
  messageId?: AmqpText;
  /** Seconds since 1970. */
  timestamp?: AmqpInteger64;
  type?: AmqpText;
  userId?: AmqpText;
  appId?: AmqpText;
  clusterId?: AmqpText;
}

/** The flag of each property; also the order of the values, highest first. */
export const propertyFlag = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
  clusterId: 0x0004,
} as const satisfies Record<keyof AmqpProperties, number>;

/** Reads flags and values up to the reader's end, which must be the end of the properties. */
export function readProperties(reader: ByteReader): AmqpProperties {
  const flags = reader.uint16();
  const properties: AmqpProperties = {};
  if (flags & propertyFlag.contentType) properties.contentType = readShortString(reader);
  if (flags & propertyFlag.contentEncoding) properties.contentEncoding = readShortString(reader);
  if (flags & propertyFlag.headers) properties.headers = readFieldTable(reader);
  if (flags & propertyFlag.deliveryMode) properties.deliveryMode = reader.uint8();
  if (flags & propertyFlag.priority) properties.priority = reader.uint8();
  if (flags & propertyFlag.correlationId) properties.correlationId = readShortString(reader);
  if (flags & propertyFlag.replyTo) properties.replyTo = readShortString(reader);
  if (flags & propertyFlag.expiration) properties.expiration = readShortString(reader);
  if (flags & propertyFlag.messageId) properties.messageId = readShortString(reader);
  if (flags & propertyFlag.timestamp) properties.timestamp = readInteger64(reader, false);
  if (flags & propertyFlag.type) properties.type = readShortString(reader);
  if (flags & propertyFlag.userId) properties.userId = readShortString(reader);
  if (flags & propertyFlag.appId) properties.appId = readShortString(reader);
  if (flags & propertyFlag.clusterId) properties.clusterId = readShortString(reader);
  if (reader.remaining > 0) {
    throw new BrokerError("MALFORMED", `${reader.remaining} bytes after the last property; check the flags`);
  }
  return properties;
}

export function writeProperties(writer: ByteWriter, properties: AmqpProperties): void {
  const flagsAt = writer.reserve(2);
  let flags = 0;
  const text = (flag: number, value: AmqpText | undefined): void => {
    if (value === undefined) return;
    flags |= flag;
    writeShortString(writer, value);
  };
  const octet = (flag: number, value: number | undefined): void => {
    if (value === undefined) return;
    flags |= flag;
    writer.uint8(value);
  };
  text(propertyFlag.contentType, properties.contentType);
  text(propertyFlag.contentEncoding, properties.contentEncoding);
  if (properties.headers !== undefined) {
    flags |= propertyFlag.headers;
    writeFieldTable(writer, properties.headers);
  }
  octet(propertyFlag.deliveryMode, properties.deliveryMode);
  octet(propertyFlag.priority, properties.priority);
  text(propertyFlag.correlationId, properties.correlationId);
  text(propertyFlag.replyTo, properties.replyTo);
  text(propertyFlag.expiration, properties.expiration);
  text(propertyFlag.messageId, properties.messageId);
  if (properties.timestamp !== undefined) {
    flags |= propertyFlag.timestamp;
    writeInteger64(writer, properties.timestamp);
  }
  text(propertyFlag.type, properties.type);
  text(propertyFlag.userId, properties.userId);
  text(propertyFlag.appId, properties.appId);
  text(propertyFlag.clusterId, properties.clusterId);
  writer.buffer.writeUInt16BE(flags, flagsAt);
}
