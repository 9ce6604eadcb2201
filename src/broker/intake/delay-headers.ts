/**
 * The headers by which a message says when it is to arrive, for delayed exchanges and for destinations with `delay-allowed`:
 *
 *     x-delay        how long it waits, ms: any number of AMQP, or digits as text
 *     x-deliver-at   when it arrives, unix ms, in the same forms; only for destinations with `delay-allowed`
 *
 * Where both are there and `x-delay` is above 0, that counts. Not here: where messages wait. Invariant: a time that is over, is no number or is
 * further away than `delayMsMax` is no delay, as in RabbitMQ's plugin.
 */
import { ByteReader } from "../../base/bytes.ts";
import type { AmqpProperties } from "../../message/amqp/properties.ts";
import { PropertyOffsets } from "../../message/amqp/property-offsets.ts";
import type { AmqpRecordParts } from "../../message/amqp/record.ts";
import { type FieldTable, type FieldValue, findField, readFieldValue } from "../../message/amqp/table.ts";
import { findFieldAt } from "../../message/amqp/table-scan.ts";
import { displayText } from "../../message/amqp/text.ts";

export const delayHeader = "x-delay";
const deliverAtHeader = "x-deliver-at";
/** The plugin's longest delay: that of Erlang's timers. A message with a longer one does not wait. */
const delayMsMax = 4_294_967_295;
const int32Max = 0x7fff_ffff;

export const delayName: Buffer = Buffer.from(delayHeader);
export const deliverAtName: Buffer = Buffer.from(deliverAtHeader);
const offsets = new PropertyOffsets();

/** How long `x-delay` says that a message waits, ms; 0: it does not. */
export function delayOf({ headers = [] }: AmqpProperties): number {
  return inBounds(numberOf(findField(headers, delayHeader)));
}

/** When the message is to arrive, unix ms; 0: at once. */
export function dueOf({ headers = [] }: AmqpProperties, now: number): number {
  return dueOfFields(findField(headers, delayHeader), findField(headers, deliverAtHeader), now);
}

/** The same of a record, of which nothing but these headers is made into objects. */
export function dueOfParts({ buffer, propertiesStart, headerEnd }: AmqpRecordParts, now: number): number {
  offsets.walk(buffer, propertiesStart, headerEnd);
  return offsets.headersStart < 0 ? 0 : dueOfFields(fieldAt(delayName), fieldAt(deliverAtName), now);
}

/** Of the record whose `offsets` are known. */
function fieldAt(name: Buffer): FieldValue | undefined {
  const { buffer, headersStart, headersEnd } = offsets;
  const at = findFieldAt(buffer, headersStart, headersEnd, name);
  return at < 0 ? undefined : readFieldValue(new ByteReader(buffer, at, headersEnd));
}

function dueOfFields(delay: FieldValue | undefined, at: FieldValue | undefined, now: number): number {
  const ms = inBounds(numberOf(delay));
  if (ms > 0) return now + ms;
  const due = numberOf(at);
  return inBounds(due - now) > 0 ? due : 0;
}

function inBounds(delay: number): number {
  return delay > 0 && delay <= delayMsMax ? delay : 0;
}

function numberOf(field: FieldValue | undefined): number {
  if (field === undefined) return 0;
  switch (field.type) {
    case "S": {
      const text = displayText(field.value);
      return /^[+-]?\d+$/.test(text) ? Number(text) : 0;
    }
    case "D":
      return Math.trunc(field.value / 10 ** field.scale);
    case "t":
    case "x":
    case "A":
    case "F":
    case "T":
    case "V":
      return 0;
    default:
      return Math.trunc(Number(field.value));
  }
}

/** The headers with `x-delay` negated, so that the message is not delayed again, and consumers see that it was. */
export function withDelayPast(headers: FieldTable, delay: number): FieldTable {
  const field: FieldValue = { type: delay > int32Max ? "l" : "I", value: -delay };
  return headers.map((each) => (each.name === delayHeader ? { name: each.name, field } : each));
}
