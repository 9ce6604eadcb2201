/**
 * What an operation writes on a message that it moves, so that an undo finds it, whatever the broker remembers:
 *
 *     x-troika-operation = the operation's id
 *     x-troika-from      = table of `queue`, `exchange`, `routing-key`: where the dead letter lay, and how it had come there
 *
 * Not here: moving (move.ts), what is written on records of Kafka's groups (kafka-letters.ts). Pure.
 */
import { limits } from "../../../base/limits.ts";
import type { AmqpProperties } from "../../../message/amqp/properties.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import type { RecordRoute } from "../../../message/amqp/record-copy.ts";
import { type Field, type FieldTable, type FieldValue, findField } from "../../../message/amqp/table.ts";
import { propertiesOfParts } from "../../exchange/routing/message-headers.ts";
import { nameOfText, textOfName } from "../../names.ts";

export const operationHeader = "x-troika-operation";
export const fromHeader = "x-troika-from";

/** Headers that say what became of a message: an edit may not set them. */
export function isBrokersHeader(name: string): boolean {
  return name === "x-death" || name.startsWith("x-first-death-") || name.startsWith("x-troika-");
}

export function withoutMark(headers: FieldTable): FieldTable {
  return headers.filter(({ name }) => name !== operationHeader && name !== fromHeader);
}

export function withMark(
  headers: FieldTable,
  operation: string,
  queue: string,
  from: RecordRoute,
): FieldTable {
  const place: Field[] = [
    { name: "queue", field: text(queue) },
    { name: "exchange", field: text(from.exchange) },
    { name: "routing-key", field: text(from.key) },
  ];
  return [
    ...withoutMark(headers),
    { name: operationHeader, field: { type: "S", value: operation } },
    { name: fromHeader, field: { type: "F", value: place } },
  ];
}

function text(name: string): FieldValue {
  return { type: "S", value: textOfName(name) };
}

/** Whether the headers may have the mark of that operation: looked for before they are read. */
export function mayHaveMark(
  { buffer, propertiesStart, headerEnd }: AmqpRecordParts,
  operation: Buffer,
): boolean {
  return buffer.subarray(propertiesStart, headerEnd).includes(operation);
}

/**
 * The message's properties and the route by which it came to the queue; null: that operation has not moved it. A client that publishes the
 * message again may have changed the mark: one with a route that no message can have is not the broker's.
 */
export function markOf(
  parts: AmqpRecordParts,
  operation: string,
): { readonly properties: AmqpProperties; readonly from: RecordRoute } | null {
  const properties = propertiesOfParts(parts);
  const headers = properties.headers ?? [];
  const mark = findField(headers, operationHeader);
  if (mark?.type !== "S" || mark.value !== operation) return null;
  const place = findField(headers, fromHeader);
  const fields = place?.type === "F" ? place.value : [];
  const from = { exchange: nameIn(fields, "exchange"), key: nameIn(fields, "routing-key") };
  const isRoute = Math.max(from.exchange.length, from.key.length) <= limits.nameBytesMax;
  return isRoute ? { properties, from } : null;
}

function nameIn(fields: FieldTable, name: string): string {
  const field = findField(fields, name);
  return field?.type === "S" ? nameOfText(field.value) : "";
}
