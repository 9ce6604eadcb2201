/**
 * What a trace keeps of the message itself: its ids, its key and its headers, never its body.
 *
 * Messages of every protocol are read as AMQP sees them (message/convert/). Headers that take much are left out, since a trace is to
 * be small: `headerBytesMax` together, `valueBytesMax` each.
 */
import type { AmqpRecordParts } from "../../message/amqp/record.ts";
import { names } from "../../message/convert/names.ts";
import { propertiesOfParts } from "../exchange/routing/message-headers.ts";
import { propertiesAsJson } from "../look/properties-json.ts";
import { parseTraceparent, type TraceParent, traceparentHeader } from "./traceparent.ts";

const headerBytesMax = 2048;
const valueBytesMax = 512;

export interface TracedMessage {
  readonly routingKey: string;
  readonly parent: TraceParent | null;
  /** In the form of an event. */
  readonly facts: {
    readonly message_id?: string;
    readonly correlation_id?: string;
    readonly key?: string;
    readonly headers?: Readonly<Record<string, unknown>>;
  };
}

export function tracedMessage(parts: AmqpRecordParts): TracedMessage {
  const properties = propertiesAsJson(propertiesOfParts(parts));
  const headers = (properties["headers"] ?? {}) as Readonly<Record<string, unknown>>;
  const { message_id: messageId, correlation_id: correlationId } = properties;
  const key = headers[names.key];
  const kept = keptHeaders(headers);
  return {
    routingKey: parts.buffer.utf8Slice(parts.routingKeyStart, parts.routingKeyEnd),
    parent: parseTraceparent(headers[traceparentHeader]),
    facts: {
      ...(typeof messageId === "string" ? { message_id: messageId } : {}),
      ...(typeof correlationId === "string" ? { correlation_id: correlationId } : {}),
      ...(typeof key === "string" ? { key } : {}),
      ...(kept === null ? {} : { headers: kept }),
    },
  };
}

/** Without the key, which stands by itself, and the deaths, which are events. */
function keptHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> | null {
  const kept: Record<string, unknown> = {};
  let left = headerBytesMax;
  let count = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (name === names.key || name === "x-death") continue;
    const isPlain = ["string", "number", "boolean"].includes(typeof value);
    const size = name.length + (typeof value === "string" ? value.length : 16);
    if (!isPlain || size > valueBytesMax || size > left) continue;
    left -= size;
    kept[name] = value;
    count++;
  }
  return count === 0 ? null : kept;
}
