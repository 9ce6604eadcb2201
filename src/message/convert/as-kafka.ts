/**
 * Stored records as Kafka sees them: adds any record to a batch that is being built. For records that Kafka wrote and
 * whose whole batch is wanted, copy the batch instead; this is for what other protocols wrote, and for what is left of
 * a batch when some of its records are gone.
 *
 * Properties become headers `amqp.<property>`, typed header values become text. Nothing is left out but types.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { escapePrefix, isReservedInKafka, propertyCode, propertyHeaderNames } from "./names.ts";
import type { MessageParts } from "./parts.ts";
import { PartsReader } from "./read.ts";
import { kafkaFrames } from "./kafka-frame.ts";
import { fieldTag, writeDecimal, writeFieldText } from "./values.ts";
import { envelope } from "../envelope.ts";
import type { KafkaBatchBuilder } from "../kafka/batch-builder.ts";
import type { StoredRecord } from "../record.ts";

const jsonType = Buffer.from("application/json");

export class KafkaView {
  readonly #reader = new PartsReader();
  readonly #scratch = new ByteWriter();

  /** Adds the record, under its offset in the log. */
  append(builder: KafkaBatchBuilder, record: StoredRecord): void {
    if (record.envelope === envelope.kafka) this.#copy(builder, record);
    else {
      const parts = this.#reader.read(record);
      addKafkaParts(builder, parts, this.#scratch);
      builder.record(record.offset, parts.timestamp);
    }
  }

  #copy(builder: KafkaBatchBuilder, record: StoredRecord): void {
    const cursor = kafkaFrames.moveTo(record);
    const buffer = cursor.buffer;
    if (cursor.keyStart >= 0) builder.key(buffer, cursor.keyStart, cursor.keyEnd);
    if (cursor.valueStart >= 0) builder.value(buffer, cursor.valueStart, cursor.valueEnd);
    while (cursor.nextHeader()) {
      const value = cursor.headerValueStart < 0 ? null : buffer;
      builder.headerOfBytes(
        buffer,
        cursor.headerKeyStart,
        cursor.headerKeyEnd,
        value,
        cursor.headerValueStart,
        cursor.headerValueEnd,
      );
    }
    builder.record(record.offset, cursor.timestamp);
  }
}

/** Gives the builder key, value and headers of the message; `builder.record` is to follow. */
export function addKafkaParts(builder: KafkaBatchBuilder, parts: MessageParts, scratch: ByteWriter): void {
  if (parts.keyStart >= 0) builder.key(parts.keyBuffer, parts.keyStart, parts.keyEnd);
  if (parts.bodyStart >= 0) builder.value(parts.bodyBuffer, parts.bodyStart, parts.bodyEnd);
  for (let i = 0; i < parts.headerCount; i++) header(builder, parts, i, scratch);
  if (parts.textCount > 0) {
    for (let code = 0; code < parts.textStarts.length; code++) {
      const start = parts.textStarts[code]!;
      if (start >= 0) property(builder, code, parts.buffer, start, parts.textEnds[code]!);
    }
  }
  if (parts.isJsonObject && parts.textStarts[0]! < 0) {
    property(builder, propertyCode.contentType, jsonType, 0, jsonType.length);
  }
  if (parts.deliveryMode >= 0) number(builder, propertyCode.deliveryMode, parts.deliveryMode, scratch);
  if (parts.priority >= 0) number(builder, propertyCode.priority, parts.priority, scratch);
  // A timestamp that the record's own cannot say.
  if (parts.timestampSeconds >= 0 && parts.timestampSeconds * 1000 !== parts.timestamp) {
    number(builder, propertyCode.timestamp, parts.timestampSeconds, scratch);
  }
  if (parts.routingKeyStart >= 0) {
    property(builder, propertyCode.routingKey, parts.buffer, parts.routingKeyStart, parts.routingKeyEnd);
  }
}

function header(builder: KafkaBatchBuilder, parts: MessageParts, index: number, scratch: ByteWriter): void {
  let name = parts.buffer;
  let nameStart = parts.nameStarts[index]!;
  let nameEnd = parts.nameEnds[index]!;
  let value: Buffer | null = parts.buffer;
  let valueStart = parts.valueStarts[index]!;
  let valueEnd = parts.valueEnds[index]!;
  const tag = parts.valueTags[index];
  const isEscaped = isReservedInKafka(name, nameStart, nameEnd);
  if (isEscaped || (tag !== fieldTag.text && tag !== fieldTag.bytes)) {
    // The builder copies both before the scratch is used again.
    scratch.reset();
    if (isEscaped) scratch.latin1(escapePrefix).bytes(name, nameStart, nameEnd);
    const escapedEnd = scratch.length;
    if (tag === fieldTag.nothing) value = null;
    else if (tag !== fieldTag.text && tag !== fieldTag.bytes) {
      writeFieldText(scratch, parts.buffer, valueStart, valueEnd);
      value = scratch.buffer;
      valueStart = escapedEnd;
      valueEnd = scratch.length;
    }
    if (isEscaped) {
      name = scratch.buffer;
      nameStart = 0;
      nameEnd = escapedEnd;
    }
  }
  builder.headerOfBytes(name, nameStart, nameEnd, value, valueStart, valueEnd);
}

function property(builder: KafkaBatchBuilder, code: number, value: Buffer, start: number, end: number): void {
  const name = propertyHeaderNames[code]!;
  builder.headerOfBytes(name, 0, name.length, value, start, end);
}

function number(builder: KafkaBatchBuilder, code: number, value: number, scratch: ByteWriter): void {
  scratch.reset();
  writeDecimal(scratch, value);
  property(builder, code, scratch.buffer, 0, scratch.length);
}
