/**
 * What a dead letter says of its death, in a few words: why, where, when, after how many deliveries.
 *
 * Not here: which messages are dead letters of what (src/broker/operations/letters/origin.ts). Headers may be a client's own and have any form, so
 * what is not of the form expected is left out.
 */
import type { Json } from "../broker/api.ts";
import { visible } from "./text.ts";

interface Death {
  readonly reason?: unknown;
  readonly place?: unknown;
  readonly group?: unknown;
  /** Unix seconds, or a text. */
  readonly time?: unknown;
  readonly deliveries?: unknown;
}

function lastDeathOf(headers: Json): Death | null {
  const deaths = headers["x-death"];
  const last: unknown = Array.isArray(deaths) ? deaths[0] : null;
  if (typeof last === "object" && last !== null) {
    const { reason, queue: place, time } = last as Json;
    return { reason, place, time, deliveries: headers["x-troika-deliveries"] };
  }
  if (headers["troika.reason"] !== undefined)
    return {
      reason: headers["troika.reason"],
      place: headers["troika.key"],
      group: headers["troika.group"],
      deliveries: headers["troika.deliveries"],
    };
  // Without the group it is a record that waits in a retry topic.
  if (headers["x-troika-group"] === undefined) return null;
  return {
    reason: headers["x-troika-reason"],
    place: headers["x-troika-topic"],
    group: headers["x-troika-group"],
    deliveries: headers["x-troika-deliveries"],
  };
}

const isPlain = (value: unknown): value is string | number =>
  typeof value === "string" || typeof value === "number";

function timeText(value: unknown): string {
  if (typeof value !== "number") return "";
  const at = new Date(value * 1000);
  return Number.isNaN(at.getTime()) ? "" : ` ${at.toISOString()}`;
}

/** Empty for what is no dead letter. */
export function deathText({ headers, message_id: id }: Json): string {
  const death = typeof headers === "object" && headers !== null ? lastDeathOf(headers as Json) : null;
  if (death === null) return "";
  const { reason, place, group, time, deliveries } = death;
  const where = isPlain(place) ? ` in ${place}` : "";
  const whose = isPlain(group) ? `, group ${group}` : "";
  const parts = [
    `${isPlain(reason) ? reason : "died"}${where}${whose}${timeText(time)}`,
    ...(isPlain(deliveries)
      ? [`${deliveries} ${String(deliveries) === "1" ? "delivery" : "deliveries"}`]
      : []),
    ...(isPlain(id) ? [`message-id ${id}`] : []),
  ];
  return ` (${visible(parts.join("; "))})`;
}
