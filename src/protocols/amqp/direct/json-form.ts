/**
 * The properties and arguments of AMQP that the JSON of RabbitMQ's management API gives.
 *
 *     {"delivery_mode": 2, "headers": {"n": 1, "list": ["a"]}, "message_id": "m1"}
 *
 * A whole number becomes a long, another number a double, a text a longstr, as `rabbit_misc:to_amqp_table` does it. Not here: JSON's
 * own syntax, properties that are shown (broker/look/properties-json.ts). Invariant: a property that is not what it must be is named.
 */
import { BrokerError } from "../../../base/errors.ts";
import type { AmqpProperties } from "../../../message/amqp/properties.ts";
import type { FieldTable, FieldValue } from "../../../message/amqp/table.ts";
import { jsonProperties } from "../../../broker/look/properties-json.ts";

type Json = Readonly<Record<string, unknown>>;

/** A property that is not of its type: RabbitMQ's reason, such as `["not_int", "priority"]`. */
class PropertyFault extends Error {
  readonly reason: readonly [string, string];

  constructor(fault: string, name: string) {
    super(`${fault}: ${name}`);
    this.reason = [fault, name];
  }
}

/** @throws PropertyFault */
export function propertiesOf(given: Json): AmqpProperties {
  const made: Record<string, unknown> = {};
  for (const [name, property, kind] of jsonProperties) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) continue;
    if (kind === "table") {
      if (!isObject(value)) throw new PropertyFault("not_table", name);
      made[property] = argumentsOf(value);
    } else if (kind === "text") {
      if (typeof value !== "string") throw new PropertyFault("not_string", name);
      made[property] = value;
    } else {
      if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new PropertyFault("not_int", name);
      made[property] = kind === "octet" ? value & 0xff : value;
    }
  }
  return made;
}

/** How deep arguments and headers may nest, with those that a frame holds. */
const depthMax = 32;

export function argumentsOf(given: Json, depth = 1): FieldTable {
  if (depth > depthMax) throw new BrokerError("INVALID", `arguments nest deeper than ${depthMax}`);
  return Object.entries(given).map(([name, value]) => ({ name, field: fieldOf(value, depth) }));
}

function fieldOf(value: unknown, depth: number): FieldValue {
  switch (typeof value) {
    case "string":
      return { type: "S", value };
    case "boolean":
      return { type: "t", value };
    case "number":
      return Number.isSafeInteger(value) ? { type: "l", value } : { type: "d", value };
    default:
  }
  if (value === null || value === undefined) return { type: "V" };
  if (Array.isArray(value)) {
    if (depth > depthMax) throw new BrokerError("INVALID", `arguments nest deeper than ${depthMax}`);
    return { type: "A", value: value.map((item) => fieldOf(item, depth + 1)) };
  }
  return { type: "F", value: argumentsOf(value as Json, depth + 1) };
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
