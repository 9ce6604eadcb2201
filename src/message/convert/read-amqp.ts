/**
 * Reads a stored AMQP record into `MessageParts`.
 *
 * The key is header `x-key`, else the routing key; an empty routing key without that header is no key, so that what
 * came through a fanout exchange spreads over a Kafka topic's partitions. Beside an `x-key`, the
 * routing key is kept too, unless it only names a queue (default exchange). The broker's own headers leave the list.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { propertyFlag } from "../amqp/properties.ts";
import { AmqpRecordParts, readAmqpRecord } from "../amqp/record.ts";
import { skipFieldValue } from "../amqp/table-scan.ts";
import { BrokerError } from "../../base/errors.ts";
import { isReservedInAmqp, isText, names, unescapedStart } from "./names.ts";
import { type MessageParts, timestampMsMax } from "./parts.ts";
import { fieldTag, writeFieldText } from "./values.ts";
import type { StoredRecord } from "../record.ts";

const booleanTag = 0x74;

/** Flags of the text properties that lie behind priority, and the index of each in `textPropertyNames`. */
const lateTexts: readonly (readonly [flag: number, index: number])[] = [
  [propertyFlag.correlationId, 2],
  [propertyFlag.replyTo, 3],
  [propertyFlag.expiration, 4],
  [propertyFlag.messageId, 5],
];
const lastTexts: readonly (readonly [flag: number, index: number])[] = [
  [propertyFlag.type, 6],
  [propertyFlag.userId, 7],
  [propertyFlag.appId, 8],
  [propertyFlag.clusterId, 9],
];
const flagsBehindPriority = 0x07fc;

export class AmqpPartsReader {
  readonly #record = new AmqpRecordParts();
  /** A key that is a number. */
  readonly #keyText = new ByteWriter(32);

  read(record: StoredRecord, into: MessageParts): void {
    const buffer = record.buffer;
    const parts = readAmqpRecord(buffer, record.start, record.end, this.#record);
    into.clear(buffer);
    into.bodyStart = parts.bodyStart;
    into.bodyEnd = parts.bodyEnd;
    this.#properties(into, parts.propertiesStart, parts.headerEnd);
    const hasKeyHeader = into.keyStart >= 0;
    if (parts.routingKeyEnd > parts.routingKeyStart) {
      if (!hasKeyHeader) {
        into.keyStart = parts.routingKeyStart;
        into.keyEnd = parts.routingKeyEnd;
      } else if (
        parts.exchangeEnd > parts.exchangeStart &&
        !isKey(into, buffer, parts.routingKeyStart, parts.routingKeyEnd)
      ) {
        into.routingKeyStart = parts.routingKeyStart;
        into.routingKeyEnd = parts.routingKeyEnd;
      }
    }
    const timestamp = into.timestampSeconds * 1000;
    into.timestamp = timestamp >= 0 && timestamp <= timestampMsMax ? timestamp : record.timestamp;
  }

  #properties(into: MessageParts, start: number, end: number): void {
    const buffer = into.buffer;
    const flags = (buffer[start]! << 8) | buffer[start + 1]!;
    let at = start + 2;
    if (flags & propertyFlag.contentType) at = text(into, 0, at);
    if (flags & propertyFlag.contentEncoding) at = text(into, 1, at);
    if (flags & propertyFlag.headers) {
      const tableEnd = at + 4 + buffer.readUInt32BE(at);
      if (tableEnd > end) throw new BrokerError("MALFORMED", "AMQP headers reach past the properties");
      this.#headers(into, at + 4, tableEnd);
      at = tableEnd;
    }
    if (flags & propertyFlag.deliveryMode) into.deliveryMode = buffer[at++]!;
    if (flags & propertyFlag.priority) into.priority = buffer[at++]!;
    if (flags & flagsBehindPriority) {
      for (const [flag, index] of lateTexts) if (flags & flag) at = text(into, index, at);
      if (flags & propertyFlag.timestamp) {
        into.timestampSeconds = buffer.readUInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4);
        at += 8;
      }
      for (const [flag, index] of lastTexts) if (flags & flag) at = text(into, index, at);
    }
    if (at !== end) throw new BrokerError("MALFORMED", "AMQP properties do not fill their header");
  }

  #headers(into: MessageParts, start: number, end: number): void {
    const buffer = into.buffer;
    let at = start;
    while (at < end) {
      const nameStart = at + 1;
      const nameEnd = nameStart + buffer[at]!;
      const next = skipFieldValue(buffer, nameEnd, end);
      at = next;
      if (buffer[nameStart] === 0x78 && this.#own(into, nameStart, nameEnd, next)) continue;
      const ownStart = unescapedStart(buffer, nameStart, nameEnd, isReservedInAmqp);
      const tag = buffer[nameEnd]!;
      const isRun = tag === fieldTag.text || tag === fieldTag.bytes;
      into.addHeader(ownStart, nameEnd, tag, isRun ? nameEnd + 5 : nameEnd, next);
    }
  }

  /** Whether the header is one of the broker's own. */
  #own(into: MessageParts, nameStart: number, nameEnd: number, end: number): boolean {
    const buffer = into.buffer;
    const tag = buffer[nameEnd]!;
    if (isText(buffer, nameStart, nameEnd, names.key)) {
      if (into.keyStart >= 0 || tag === fieldTag.nothing) return true;
      if (tag === fieldTag.text || tag === fieldTag.bytes) {
        into.keyStart = nameEnd + 5;
        into.keyEnd = end;
        return true;
      }
      this.#keyText.reset();
      writeFieldText(this.#keyText, buffer, nameEnd, end);
      into.keyBuffer = this.#keyText.buffer;
      into.keyStart = 0;
      into.keyEnd = this.#keyText.length;
      return true;
    }
    if (!isText(buffer, nameStart, nameEnd, names.tombstone)) return false;
    const isTrue =
      tag === booleanTag
        ? buffer[nameEnd + 1] !== 0
        : tag === fieldTag.text && isText(buffer, nameEnd + 5, end, "true");
    if (isTrue && into.bodyStart === into.bodyEnd) into.bodyStart = into.bodyEnd = -1;
    return true;
  }
}

function text(into: MessageParts, index: number, at: number): number {
  const end = at + 1 + into.buffer[at]!;
  into.setText(index, at + 1, end);
  return end;
}

function isKey(parts: MessageParts, buffer: Uint8Array, start: number, end: number): boolean {
  if (end - start !== parts.keyEnd - parts.keyStart) return false;
  for (let i = end - start - 1; i >= 0; i--) {
    if (buffer[start + i] !== parts.keyBuffer[parts.keyStart + i]) return false;
  }
  return true;
}
