/**
 * The properties of an AMQP message as the JSON of RabbitMQ's management API has them.
 *
 *     {"delivery_mode": 2, "headers": {"n": 1, "list": ["a"]}, "message_id": "m1"}
 *
 * Not here: properties that JSON gives (protocols/amqp/direct/json-form.ts).
 */
import { ByteReader } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";
import { type AmqpProperties, readProperties } from "../../message/amqp/properties.ts";
import type { FieldTable } from "../../message/amqp/table.ts";
import { displayText } from "../../message/amqp/text.ts";
import { plainArguments } from "../exchange/routing/plain-arguments.ts";

type PropertyKind = "text" | "octet" | "timestamp" | "table";

/** In the order in which RabbitMQ shows them. */
export const jsonProperties: readonly (readonly [
  json: string,
  property: keyof AmqpProperties,
  kind: PropertyKind,
])[] = [
  ["cluster_id", "clusterId", "text"],
  ["app_id", "appId", "text"],
  ["user_id", "userId", "text"],
  ["type", "type", "text"],
  ["timestamp", "timestamp", "timestamp"],
  ["message_id", "messageId", "text"],
  ["expiration", "expiration", "text"],
  ["reply_to", "replyTo", "text"],
  ["correlation_id", "correlationId", "text"],
  ["priority", "priority", "octet"],
  ["delivery_mode", "deliveryMode", "octet"],
  ["headers", "headers", "table"],
  ["content_encoding", "contentEncoding", "text"],
  ["content_type", "contentType", "text"],
];

export function propertiesAsJson(given: AmqpProperties): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, property, kind] of jsonProperties) {
    const value = given[property];
    if (value === undefined) continue;
    if (kind === "table") shown[name] = plainArguments(value as FieldTable);
    else if (kind === "text") shown[name] = displayText(value as string);
    else shown[name] = Number(value);
  }
  return shown;
}

/** Null: what the client wrote cannot be read. */
export function propertyBytesAsJson(bytes: Buffer): Record<string, unknown> | null {
  try {
    return propertiesAsJson(readProperties(new ByteReader(bytes, 0, bytes.length)));
  } catch (error) {
    if (error instanceof BrokerError) return null;
    throw error;
  }
}
