/**
 * Stored records as Redis sees them: the field array of a stream entry. What Redis wrote is shown where it lies; what
 * others wrote is made into an entry in this view's buffer:
 *
 *     body, key, routing_key where it is not the key, x-tombstone for a null body, headers in their order, amqp.<property>
 *
 * Redis has no null: a header without a value is an empty field. Everything else arrives, as bytes or as text.
 * Invariant: `entry` gives positions that are valid until its next call.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { escapePrefix, isReservedInRedis, names, propertyCode, propertyHeaderNames } from "./names.ts";
import type { MessageParts } from "./parts.ts";
import { PartsReader } from "./read.ts";
import { fieldTag, writeDecimal, writeFieldText } from "./values.ts";
import { envelope } from "../envelope.ts";
import { writeEntryHeader, writeEntryPart } from "../redis/entry.ts";
import type { StoredRecord } from "../record.ts";

/** Where the array of an entry's fields lies, in RESP. */
export interface EntryBytes {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

const scratchBytesKept = 1 << 20;
/** Room before the fields for "*" count CRLF, which is known only after them. */
const headerBytesMax = 16;

const bodyName = Buffer.from(names.redisBody);
const keyName = Buffer.from(names.redisKey);
const routingKeyName = Buffer.from(names.redisRoutingKey);
const tombstoneName = Buffer.from(names.tombstone);
const trueText = Buffer.from("true");
const nothing = Buffer.alloc(0);

export class RedisView implements EntryBytes {
  readonly #reader = new PartsReader();
  readonly #scratch = new ByteWriter();
  #writer = new ByteWriter();
  buffer: Buffer = nothing;
  start = 0;
  end = 0;

  /** The entry's fields. The record itself, or this view. */
  entry(record: StoredRecord): EntryBytes {
    if (record.envelope === envelope.redis) return record;
    if (this.#writer.buffer.length > scratchBytesKept) this.#writer = new ByteWriter();
    const writer = this.#writer;
    writer.reset();
    this.start = writeRedisFromParts(writer, this.#reader.read(record), this.#scratch);
    this.#reader.release();
    this.buffer = writer.buffer;
    this.end = writer.length;
    return this;
  }
}

/** Writes the entry at the end of the writer and gives its start, some bytes behind where the writer stood. */
export function writeRedisFromParts(writer: ByteWriter, parts: MessageParts, scratch: ByteWriter): number {
  const fieldsStart = writer.reserve(headerBytesMax) + headerBytesMax;
  const pairs = fields(writer, parts, scratch);
  scratch.reset();
  writeEntryHeader(scratch, pairs);
  const start = fieldsStart - scratch.length;
  writer.buffer.set(scratch.view(), start);
  return start;
}

function fields(writer: ByteWriter, parts: MessageParts, scratch: ByteWriter): number {
  let pairs = 1;
  writeEntryPart(writer, bodyName);
  if (parts.bodyStart >= 0) writeEntryPart(writer, parts.bodyBuffer, parts.bodyStart, parts.bodyEnd);
  else {
    writeEntryPart(writer, nothing);
    pair(writer, tombstoneName, trueText, 0, trueText.length);
    pairs++;
  }
  if (parts.keyStart >= 0) {
    pair(writer, keyName, parts.keyBuffer, parts.keyStart, parts.keyEnd);
    pairs++;
  }
  if (parts.routingKeyStart >= 0) {
    pair(writer, routingKeyName, parts.buffer, parts.routingKeyStart, parts.routingKeyEnd);
    pairs++;
  }
  for (let i = 0; i < parts.headerCount; i++) header(writer, parts, i, scratch);
  return pairs + parts.headerCount + properties(writer, parts, scratch);
}

function header(writer: ByteWriter, parts: MessageParts, index: number, scratch: ByteWriter): void {
  const buffer = parts.buffer;
  const nameStart = parts.nameStarts[index]!;
  const nameEnd = parts.nameEnds[index]!;
  if (isReservedInRedis(buffer, nameStart, nameEnd)) {
    scratch.reset();
    scratch.latin1(escapePrefix).bytes(buffer, nameStart, nameEnd);
    writeEntryPart(writer, scratch.buffer, 0, scratch.length);
  } else writeEntryPart(writer, buffer, nameStart, nameEnd);
  const tag = parts.valueTags[index];
  if (tag === fieldTag.nothing) writeEntryPart(writer, nothing);
  else if (tag === fieldTag.text || tag === fieldTag.bytes) {
    writeEntryPart(writer, buffer, parts.valueStarts[index], parts.valueEnds[index]);
  } else {
    scratch.reset();
    writeFieldText(scratch, buffer, parts.valueStarts[index]!, parts.valueEnds[index]!);
    writeEntryPart(writer, scratch.buffer, 0, scratch.length);
  }
}

/** Writes what is there of the properties, and gives their number. */
function properties(writer: ByteWriter, parts: MessageParts, scratch: ByteWriter): number {
  let count = parts.textCount;
  if (count > 0) {
    for (let code = 0; code < parts.textStarts.length; code++) {
      const start = parts.textStarts[code]!;
      if (start >= 0) pair(writer, propertyHeaderNames[code]!, parts.buffer, start, parts.textEnds[code]!);
    }
  }
  count += number(writer, propertyCode.deliveryMode, parts.deliveryMode, scratch);
  count += number(writer, propertyCode.priority, parts.priority, scratch);
  // The entry's id tells when the message arrived, not when its publisher says it was made.
  count += number(writer, propertyCode.timestamp, parts.timestampSeconds, scratch);
  return count;
}

function number(writer: ByteWriter, code: number, value: number, scratch: ByteWriter): number {
  if (value < 0) return 0;
  scratch.reset();
  writeDecimal(scratch, value);
  pair(writer, propertyHeaderNames[code]!, scratch.buffer, 0, scratch.length);
  return 1;
}

function pair(writer: ByteWriter, name: Buffer, value: Buffer, start: number, end: number): void {
  writeEntryPart(writer, name);
  writeEntryPart(writer, value, start, end);
}
