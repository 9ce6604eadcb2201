/**
 * The headers by which a message says when it is to arrive, for delayed exchanges and for destinations with `delay-allowed`:
 *
 *     x-delay        how long it waits, ms: any number of AMQP, or digits as text
 *     x-deliver-at   when it arrives, unix ms, in the same forms; only for destinations with `delay-allowed`
 *
 * Where both are there and `x-delay` is above 0, that counts. Not here: where messages wait. Invariant: a time that is over, is no number or is
 * further away than `delayMsMax` is no delay, as in RabbitMQ's plugin.
 */
import type { AmqpProperties } from "../../message/amqp/properties.ts";
import { type FieldTable, type FieldValue, findField } from "../../message/amqp/table.ts";
import { displayText } from "../../message/amqp/text.ts";

export const delayHeader = "x-delay";
export const deliverAtHeader = "x-deliver-at";
/** The plugin's longest delay: that of Erlang's timers. A message with a longer one does not wait. */
const delayMsMax = 4_294_967_295;
const int32Max = 0x7fff_ffff;

/** How long `x-delay` says that a message waits, ms; 0: it does not. */
export function delayOf({ headers = [] }: AmqpProperties): number {
  return inBounds(numberIn(headers, delayHeader));
}

/** When the message is to arrive, unix ms; 0: at once. */
export function dueOf(properties: AmqpProperties, now: number): number {
  const delay = delayOf(properties);
  if (delay > 0) return now + delay;
  const at = numberIn(properties.headers ?? [], deliverAtHeader);
  return inBounds(at - now) > 0 ? at : 0;
}

function inBounds(delay: number): number {
  return delay > 0 && delay <= delayMsMax ? delay : 0;
}

function numberIn(headers: FieldTable, name: string): number {
  const field = findField(headers, name);
  return field === undefined ? 0 : numberOf(field);
}

function numberOf(field: FieldValue): number {
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
