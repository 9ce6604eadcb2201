/**
 * The seldom side of a publish: properties that must hold before it is taken, headers for a headers exchange, and the
 * message as one record. Not on the hot path: here strings and objects are made.
 */
import { ByteReader, ByteWriter } from "../../../base/bytes.ts";
import { factsOfProperties, headerKeys } from "../../../broker/exchange/routing/message-headers.ts";
import type { MessageFacts } from "../../../broker/exchange/routing/router.ts";
import { type AmqpProperties, readProperties, writeProperties } from "../../../message/amqp/properties.ts";
import { expirationMs } from "../../../message/amqp/property-offsets.ts";
import {
  AmqpRecordParts,
  bodySizeBytes,
  encodeHiddenKeys,
  readAmqpRecord,
} from "../../../message/amqp/record.ts";
import { type FieldTable, findField } from "../../../message/amqp/table.ts";
import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { durationMsMax, fieldTypeName } from "../commands/queue-arguments.ts";

/** `user-id` must be the user's own name, unless it has the tag `impersonator`; `expiration` must be a number of milliseconds. */
export function checkProperties(channel: Channel, message: IncomingMessage): void {
  const { properties } = message;
  const { buffer } = properties;
  if (properties.userIdStart >= 0) {
    const userId = buffer.utf8Slice(properties.userIdStart, properties.userIdEnd);
    const { userName, authorization } = channel.session;
    if (userId !== userName && authorization?.isImpersonator !== true) {
      throw new AmqpError(
        "PRECONDITION_FAILED",
        `user_id property set to '${userId}' but authenticated user was '${userName}'`,
      );
    }
  }
  if (properties.expirationStart >= 0) checkExpiration(message);
}

function checkExpiration(message: IncomingMessage): void {
  const { properties } = message;
  const value = expirationMs(properties);
  if (value >= 0 && value <= durationMsMax) return;
  const text = properties.buffer.utf8Slice(properties.expirationStart, properties.expirationEnd);
  const number = parseInt(text, 10);
  let reason = "no_integer";
  if (value > durationMsMax) reason = `{value_too_large,${value}}`;
  else if (number < 0 && String(number) === text) reason = `{value_negative,${number}}`;
  else if (!Number.isNaN(number))
    reason = `{leftover_string,${JSON.stringify(text.slice(String(number).length))}}`;
  throw new AmqpError("PRECONDITION_FAILED", `invalid expiration '${text}': ${reason}`);
}

/** Valid as long as the message. */
export function messageFacts(message: IncomingMessage): MessageFacts {
  return factsOfProperties(() => propertiesOf(message));
}

const record = new ByteWriter(1024);
const parts = new AmqpRecordParts();

/** The message as one stored record would have it; valid until the next call. */
export function recordParts(message: IncomingMessage): AmqpRecordParts {
  writeRecord(record, message);
  return readAmqpRecord(record.buffer, 0, record.length, parts);
}

/** The message as a record of its own bytes. */
export function recordCopy(message: IncomingMessage): Buffer {
  writeRecord(record, message);
  return record.copy();
}

function writeRecord(writer: ByteWriter, message: IncomingMessage): void {
  writer.reset();
  writer.bytes(message.route, 0, message.routeSize);
  writer.uint32(message.headerEnd - message.headerStart);
  writer.bytes(message.headerBuffer, message.headerStart, message.headerEnd);
  writer.bytes(message.bodyBuffer, message.bodyStart, message.bodyEnd);
  writer.bytes(message.hiddenKeys);
}

/**
 * The further routing keys of a message: those in headers CC and BCC, arrays of which only the texts count. BCC is taken
 * out of the headers, so that no consumer sees it (RabbitMQ's sender-selected distribution), and kept in the record.
 */
export function takeRoutingKeys(message: IncomingMessage): string[] {
  const { headers = [] } = propertiesOf(message);
  const keys = routingKeysOf(headers, "CC");
  const hiddenKeys = routingKeysOf(headers, "BCC");
  if (findField(headers, "BCC") !== undefined) {
    message.hiddenKeys = encodeHiddenKeys(hiddenKeys);
    changeProperties(message, { headers: headers.filter(({ name }) => name !== "BCC") });
  }
  return [...keys, ...hiddenKeys];
}

function routingKeysOf(headers: FieldTable, name: "CC" | "BCC"): string[] {
  const found = headerKeys(headers, name);
  if (found !== null) return found;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `invalid message: {unacceptable_type_in_header,"${name}",${fieldTypeName(findField(headers, name)!)}}`,
  );
}

function propertiesOf({ headerBuffer, headerStart, headerEnd }: IncomingMessage): AmqpProperties {
  return readProperties(new ByteReader(headerBuffer, headerStart + bodySizeBytes, headerEnd));
}

/** Replaces the reply-to property. */
export function replaceReplyTo(message: IncomingMessage, replyTo: string): void {
  changeProperties(message, { replyTo });
}

/** The header is written anew. */
function changeProperties(message: IncomingMessage, changed: AmqpProperties): void {
  const properties = propertiesOf(message);
  const writer = new ByteWriter(256);
  writer.bytes(message.headerBuffer, message.headerStart, message.headerStart + bodySizeBytes);
  writeProperties(writer, { ...properties, ...changed });
  message.headerBuffer = writer.buffer;
  message.headerStart = 0;
  message.headerEnd = writer.length;
  message.properties.walk(writer.buffer, bodySizeBytes, writer.length);
}
