/**
 * A copy of a message with one more header, for deliveries that carry x-stream-offset or x-delivery-count.
 *
 *   header  = bodySize:u64 flags:u16 [contentType] [contentEncoding] [headers:table] *property
 *   field   = name:shortstr "l" value:i64
 *
 * The field goes first in the table, where a field of the same name that the publisher sent cannot hide it.
 * Not here: changing or removing fields (broker/queue/dead-letter.ts decodes for that).
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { propertyFlag } from "../../../message/amqp/properties.ts";
import { AmqpRecordParts, bodySizeBytes, readAmqpRecord } from "../../../message/amqp/record.ts";

const writer = new ByteWriter(4096);
const copy = new AmqpRecordParts();
const keptBytesMax = 1 << 20;

export interface HeaderNumber {
  readonly name: string;
  readonly value: number;
}

/** The parts of the copy; valid until the next call. `second` is for a message with two more headers. */
export function withHeaderField(
  parts: AmqpRecordParts,
  name: string,
  value: number,
  second: HeaderNumber | null = null,
): AmqpRecordParts {
  const { buffer } = parts;
  if (writer.buffer.length > keptBytesMax) writer.buffer = Buffer.allocUnsafeSlow(4096);
  writer.reset();
  writer.bytes(buffer, parts.routeStart, parts.routeEnd);
  const headerSizeAt = writer.length;
  writer.uint32(0);
  const flagsAt = parts.headerStart + bodySizeBytes;
  const flags = buffer.readUInt16BE(flagsAt);
  let at = flagsAt + 2;
  if (flags & propertyFlag.contentType) at += 1 + buffer[at]!;
  if (flags & propertyFlag.contentEncoding) at += 1 + buffer[at]!;
  writer.bytes(buffer, parts.headerStart, flagsAt).uint16(flags | propertyFlag.headers);
  writer.bytes(buffer, flagsAt + 2, at);
  let fieldsSize = 0;
  if (flags & propertyFlag.headers) {
    fieldsSize = buffer.readUInt32BE(at);
    at += 4;
  }
  const secondSize = second === null ? 0 : fieldSize(second.name);
  writer.uint32(fieldsSize + fieldSize(name) + secondSize);
  writeField(name, value);
  if (second !== null) writeField(second.name, second.value);
  writer.bytes(buffer, at, parts.headerEnd);
  writer.patchUint32(headerSizeAt, writer.length - headerSizeAt - 4);
  writer.bytes(buffer, parts.bodyStart, parts.bodyEnd);
  return readAmqpRecord(writer.buffer, 0, writer.length, copy);
}

function fieldSize(name: string): number {
  return 1 + name.length + 9;
}

function writeField(name: string, value: number): void {
  writer.uint8(name.length).latin1(name).latin1("l").int64(value);
}
