/**
 * What a stored message of any envelope has, as AMQP would show it: for those who look at it, and for filters.
 *
 * Not here: which messages are looked at (look.ts). Invariant: nothing that is given back refers to the reader's bytes but `body` of facts.
 */
import { limits } from "../../base/limits.ts";
import type { AmqpRecordParts } from "../../message/amqp/record.ts";
import { AmqpView } from "../../message/convert/as-amqp.ts";
import { envelope } from "../../message/envelope.ts";
import type { StoredRecord } from "../../message/record.ts";
import { EntryReader } from "../../message/redis/entry.ts";
import { propertiesOfParts } from "../exchange/routing/message-headers.ts";
import type { FilterFacts } from "./filter.ts";
import { propertiesAsJson } from "./properties-json.ts";

export interface LookedContent {
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Not more than was asked for. */
  readonly payload: Buffer;
  readonly payloadBytes: number;
}

const view = new AmqpView();
const entry = new EntryReader();
/** Of an entry the first values of so many fields are headers for filters. */
const fieldsMax = 1000;

/** @throws BrokerError where it cannot be read. */
export function contentOf(
  record: StoredRecord,
  payloadBytesMax: number,
): { readonly content: LookedContent; readonly headerBytes: number } {
  const parts = view.show(record);
  return {
    content: contentOfParts(parts, payloadBytesMax),
    headerBytes: parts.headerEnd - parts.propertiesStart,
  };
}

function contentOfParts(parts: AmqpRecordParts, payloadBytesMax: number): LookedContent {
  const { buffer, bodyStart, bodyEnd } = parts;
  return {
    ...placeOf(parts),
    payload: Buffer.from(
      buffer.subarray(bodyStart, bodyStart + Math.min(bodyEnd - bodyStart, payloadBytesMax)),
    ),
    payloadBytes: bodyEnd - bodyStart,
  };
}

/** What filters compare. Valid until the next message is read. @throws BrokerError where it cannot be read. */
export function filterFactsOf(
  record: StoredRecord,
  { time, deliveryCount }: { readonly time: number; readonly deliveryCount: number | null },
): FilterFacts {
  const fields = record.envelope === envelope.redis ? fieldsOf(record) : null;
  const parts = view.show(record);
  const { buffer, bodyStart, bodyEnd } = parts;
  return {
    ...placeOf(parts),
    time,
    deliveryCount,
    fields,
    body: buffer.subarray(bodyStart, Math.min(bodyEnd, bodyStart + limits.filterBodyBytesMax)),
    bodyBytes: bodyEnd - bodyStart,
  };
}

function placeOf(parts: AmqpRecordParts): Pick<LookedContent, "exchange" | "routingKey" | "properties"> {
  const { buffer } = parts;
  return {
    exchange: buffer.utf8Slice(parts.exchangeStart, parts.exchangeEnd),
    routingKey: buffer.utf8Slice(parts.routingKeyStart, parts.routingKeyEnd),
    properties: propertiesAsJson(propertiesOfParts(parts)),
  };
}

function fieldsOf({ buffer, start, end }: StoredRecord): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  entry.open(buffer, start, end);
  while (entry.next() && fields.size < fieldsMax) {
    const name = buffer.utf8Slice(entry.nameStart, entry.nameEnd);
    // A long value is a body rather than a header.
    const valueEnd = Math.min(entry.valueEnd, entry.valueStart + limits.filterBytesMax + 1);
    if (!fields.has(name)) fields.set(name, buffer.utf8Slice(entry.valueStart, valueEnd));
  }
  return fields;
}
