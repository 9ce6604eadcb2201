/**
 * Stored records as AMQP sees them. What AMQP wrote is shown where it lies; what others wrote is made into a record in
 * this view's buffer, with the default exchange, the key as routing key where it can be one (at most 255 bytes of UTF-8)
 * and always in header `x-key`, so that a client that publishes it on to a queue keeps it.
 *
 * What AMQP cannot carry is left out: header names over 255 bytes, and headers beyond `headerBytesMax`, for a content
 * header is one frame. Invariant: `show` gives parts that are valid until its next call.
 */
import { ByteWriter, copyBytes } from "../../base/bytes.ts";
import { limits } from "../../base/limits.ts";
import { AmqpRecordParts, bodySizeBytes, readAmqpRecord } from "../amqp/record.ts";
import { propertyFlag } from "../amqp/properties.ts";
import { fieldCountMax } from "../amqp/table.ts";
import { shortStringBytesMax } from "../amqp/text.ts";
import { escapePrefix, isReservedInAmqp, names } from "./names.ts";
import type { MessageParts } from "./parts.ts";
import { PartsReader } from "./read.ts";
import { fieldTag, isUtf8 } from "./values.ts";
import { envelope } from "../envelope.ts";
import type { StoredRecord } from "../record.ts";

const scratchBytesKept = 1 << 20;
const jsonType = "application/json";
const trueTag = 0x74;

/** Room for the other properties: twelve short strings at their longest, and the frame around them. */
const otherPropertiesBytes = 4096;
/** What the headers of a message from another protocol may take, so that they fit the server's largest frame. */
export const headerBytesMax: number = limits.amqpFrameBytesMax - otherPropertiesBytes;

export class AmqpView {
  readonly #reader = new PartsReader();
  readonly #shown = new AmqpRecordParts();
  #writer = new ByteWriter();

  /** The parts of a record of any envelope. */
  show(record: StoredRecord): AmqpRecordParts {
    if (record.envelope === envelope.amqp) {
      return readAmqpRecord(record.buffer, record.start, record.end, this.#shown);
    }
    if (this.#writer.buffer.length > scratchBytesKept) this.#writer = new ByteWriter();
    const writer = this.#writer;
    writer.reset();
    writeAmqpFromParts(writer, this.#reader.read(record));
    this.#reader.release();
    return readAmqpRecord(writer.buffer, 0, writer.length, this.#shown);
  }
}

/** Appends the message as an AMQP record. The parts come from another envelope: their header values are runs or nothing. */
function writeAmqpFromParts(writer: ByteWriter, parts: MessageParts): void {
  writer.uint8(0);
  routingKey(writer, parts);
  const headerSizeAt = writer.reserve(4 + bodySizeBytes);
  const bodySize = parts.bodyEnd - parts.bodyStart;
  const flagsAt = writer.reserve(2);
  let flags = propertyFlag.timestamp;
  if (parts.isJsonObject && parts.textStarts[0]! < 0) {
    flags |= propertyFlag.contentType;
    writer.uint8(jsonType.length).latin1(jsonType);
  } else flags |= textProperty(writer, parts, 0, propertyFlag.contentType);
  flags |= textProperty(writer, parts, 1, propertyFlag.contentEncoding);
  if (parts.headerCount > 0 || parts.keyStart >= 0 || parts.bodyStart < 0) {
    flags |= propertyFlag.headers;
    headers(writer, parts);
  }
  if (parts.deliveryMode >= 0) {
    flags |= propertyFlag.deliveryMode;
    writer.uint8(parts.deliveryMode);
  }
  if (parts.priority >= 0) {
    flags |= propertyFlag.priority;
    writer.uint8(parts.priority);
  }
  flags |= textProperty(writer, parts, 2, propertyFlag.correlationId);
  flags |= textProperty(writer, parts, 3, propertyFlag.replyTo);
  flags |= textProperty(writer, parts, 4, propertyFlag.expiration);
  flags |= textProperty(writer, parts, 5, propertyFlag.messageId);
  const hasTimestamp = parts.timestampSeconds >= 0;
  writer.int64(hasTimestamp ? parts.timestampSeconds : Math.floor(parts.timestamp / 1000));
  flags |= textProperty(writer, parts, 6, propertyFlag.type);
  flags |= textProperty(writer, parts, 7, propertyFlag.userId);
  flags |= textProperty(writer, parts, 8, propertyFlag.appId);
  flags |= textProperty(writer, parts, 9, propertyFlag.clusterId);
  const headerStart = headerSizeAt + 4;
  const buffer = writer.buffer;
  buffer[flagsAt] = flags >>> 8;
  buffer[flagsAt + 1] = flags;
  writer.patchUint32(headerSizeAt, writer.length - headerStart);
  writer.patchUint32(headerStart, 0);
  writer.patchUint32(headerStart + 4, bodySize);
  if (bodySize > 0) writer.bytes(parts.bodyBuffer, parts.bodyStart, parts.bodyEnd);
}

function routingKey(writer: ByteWriter, parts: MessageParts): void {
  if (parts.routingKeyStart >= 0) {
    routingKeyFrom(writer, parts.buffer, parts.routingKeyStart, parts.routingKeyEnd);
  } else routingKeyFrom(writer, parts.keyBuffer, parts.keyStart, parts.keyEnd);
}

function routingKeyFrom(writer: ByteWriter, buffer: Buffer, start: number, end: number): void {
  const size = end - start;
  if (size === 0 || size > shortStringBytesMax || !isUtf8(buffer, start, end)) writer.uint8(0);
  else writer.uint8(size).bytes(buffer, start, end);
}

/** Writes a text property if it is there; gives its flag or 0. */
function textProperty(writer: ByteWriter, parts: MessageParts, index: number, flag: number): number {
  const start = parts.textStarts[index]!;
  if (start < 0) return 0;
  const end = parts.textEnds[index]!;
  writer.uint8(end - start).bytes(parts.buffer, start, end);
  return flag;
}

function headers(writer: ByteWriter, parts: MessageParts): void {
  const sizeAt = writer.reserve(4);
  const limit = writer.length + headerBytesMax;
  if (parts.keyStart >= 0 && parts.keyEnd - parts.keyStart < headerBytesMax) {
    writer.uint8(names.key.length).latin1(names.key);
    run(writer, parts.keyBuffer, parts.keyStart, parts.keyEnd);
  }
  if (parts.bodyStart < 0)
    writer
      .uint8(names.tombstone.length)
      .latin1(names.tombstone)
      .uint16((trueTag << 8) | 1);
  const count = Math.min(parts.headerCount, fieldCountMax - 2);
  for (let i = 0; i < count; i++) header(writer, parts, i, limit);
  writer.patchUint32(sizeAt, writer.length - sizeAt - 4);
}

function header(writer: ByteWriter, parts: MessageParts, index: number, limit: number): void {
  const buffer = parts.buffer;
  const start = parts.nameStarts[index]!;
  const end = parts.nameEnds[index]!;
  const valueStart = parts.valueStarts[index]!;
  const valueEnd = parts.valueEnds[index]!;
  const prefix = isReservedInAmqp(buffer, start, end) ? escapePrefix : "";
  const nameSize = prefix.length + end - start;
  if (nameSize > shortStringBytesMax) return;
  if (writer.length + 1 + nameSize + 5 + valueEnd - valueStart > limit) return;
  writer.uint8(nameSize).latin1(prefix).bytes(buffer, start, end);
  if (parts.valueTags[index] === fieldTag.nothing) writer.uint8(fieldTag.nothing);
  else run(writer, buffer, valueStart, valueEnd);
}

/** A string if it is UTF-8, else bytes: clients decode a string's bytes as UTF-8 and would spoil others. */
function run(writer: ByteWriter, buffer: Buffer, start: number, end: number): void {
  const size = end - start;
  const at = writer.reserve(5 + size);
  writer.buffer[at] = isUtf8(buffer, start, end) ? fieldTag.text : fieldTag.bytes;
  writer.patchUint32(at + 1, size);
  copyBytes(writer.buffer, at + 5, buffer, start, end);
}
