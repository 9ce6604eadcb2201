/** Records made of other records: with other properties, and under another route (dead letters, delayed messages). */
import type { ByteWriter } from "../../base/bytes.ts";
import { type AmqpProperties, writeProperties } from "./properties.ts";
import { type AmqpRecordParts, bodySizeBytes } from "./record.ts";
import { writeShortString } from "./text.ts";

/** Latin1 texts of their bytes. */
export interface RecordRoute {
  readonly exchange: string;
  readonly key: string;
}

/** Writes the message with these properties into `writer`; `route` null: its own. Hidden keys are the caller's to write behind it. */
export function writeRecordCopy(
  writer: ByteWriter,
  parts: AmqpRecordParts,
  properties: AmqpProperties,
  route: RecordRoute | null,
): void {
  const { buffer } = parts;
  writer.reset();
  if (route === null) writer.bytes(buffer, parts.routeStart, parts.routeEnd);
  else {
    writeShortString(writer, Buffer.from(route.exchange, "latin1"));
    writeShortString(writer, Buffer.from(route.key, "latin1"));
  }
  const sizeAt = writer.length;
  writer.uint32(0);
  writer.bytes(buffer, parts.headerStart, parts.headerStart + bodySizeBytes);
  writeProperties(writer, properties);
  writer.patchUint32(sizeAt, writer.length - sizeAt - 4);
  writer.bytes(buffer, parts.bodyStart, parts.bodyEnd);
}
