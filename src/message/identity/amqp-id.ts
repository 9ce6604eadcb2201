/**
 * What a message that came by AMQP is known by: bytes of its properties or its route, in place.
 *
 * The key is header `x-key`, else the routing key, as for the other protocols' readers (convert/read-amqp.ts); but the routing key of the
 * default exchange only names the queue, so it is no key. A header that is no text counts by its text (convert/values.ts).
 */
import { ByteWriter } from "../../base/bytes.ts";
import type { PropertyOffsets } from "../amqp/property-offsets.ts";
import { findFieldAt, skipFieldValue } from "../amqp/table-scan.ts";
import { names } from "../convert/names.ts";
import { fieldTag, writeFieldText } from "../convert/values.ts";
import { type DedupBy, foundId, type FoundId } from "./dedup-by.ts";

const keyHeader = Buffer.from(names.key);
const text = new ByteWriter(64);

/**
 * Null where the message has no such id. The routing key is `keyBuffer[keyStart, keyEnd)`; a start of -1: it came through the default
 * exchange.
 */
export function amqpIdOf(
  by: DedupBy,
  properties: PropertyOffsets,
  keyBuffer: Buffer,
  keyStart: number,
  keyEnd: number,
): FoundId | null {
  if (by.kind === "message-id")
    return foundId(properties.buffer, properties.messageIdStart, properties.messageIdEnd);
  if (by.kind === "header") return headerOf(properties, by.name);
  return headerOf(properties, keyHeader) ?? foundId(keyBuffer, keyStart, keyEnd);
}

function headerOf({ buffer, headersStart, headersEnd }: PropertyOffsets, name: Buffer): FoundId | null {
  if (headersStart < 0) return null;
  const at = findFieldAt(buffer, headersStart, headersEnd, name);
  if (at < 0) return null;
  const tag = buffer[at];
  const end = skipFieldValue(buffer, at, headersEnd);
  if (tag === fieldTag.nothing) return null;
  if (tag === fieldTag.text || tag === fieldTag.bytes) return foundId(buffer, at + 5, end);
  text.reset();
  writeFieldText(text, buffer, at, end);
  return foundId(text.buffer, 0, text.length);
}
