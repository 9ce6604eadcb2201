/** A message as JSON, with the names that RabbitMQ's API has for its parts. */
import type { AmqpProperties } from "../../../src/message/amqp/properties.ts";
import { type PlainValue, toPlain } from "../../../src/message/amqp/table-plain.ts";
import { displayText, utf8OrUndefined } from "../../../src/message/amqp/text.ts";
import type { Message } from "./amqp-link.ts";
import type { Json } from "./api.ts";

export interface ShownMessage {
  readonly exchange: string;
  readonly routing_key: string;
  readonly redelivered: boolean;
  readonly properties: Json;
  readonly payload: string;
  readonly payload_encoding: "string" | "base64";
  readonly payload_bytes: number;
  /** Of a message that was looked at: its place in the log. */
  readonly offset?: number;
}

function jsonOf(value: PlainValue): unknown {
  if (typeof value === "bigint") return value.toString();
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return (value as readonly PlainValue[]).map(jsonOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item)]));
}

function propertiesOf({ headers, ...others }: AmqpProperties): Json {
  const shown: Record<string, unknown> = {};
  for (const [property, value] of Object.entries(others)) {
    const name = property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    shown[name] =
      typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : displayText(value);
  }
  if (headers !== undefined) shown["headers"] = jsonOf(toPlain(headers));
  return shown;
}

export function shownMessage({ exchange, routingKey, redelivered, properties, body }: Message): ShownMessage {
  const text = utf8OrUndefined(body, 0, body.length);
  return {
    exchange,
    routing_key: routingKey,
    redelivered,
    properties: propertiesOf(properties),
    payload: text ?? body.toString("base64"),
    payload_encoding: text === undefined ? "base64" : "string",
    payload_bytes: body.length,
  };
}
