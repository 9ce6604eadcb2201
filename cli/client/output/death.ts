/**
 * Why and where a dead letter died, as its headers say it: of queues (`x-death`), of groups of Redis (`troika.*`), of groups of Kafka (`x-troika-*`).
 *
 * Not here: which messages are dead letters; a client may have written these headers. Pure.
 */
import type { Json } from "../broker/api.ts";
import { countText, visible } from "./text.ts";

export interface Death {
  readonly reason: string;
  readonly queue: string;
  readonly group: string | null;
  readonly deliveries: number | null;
}

/** Null: the headers say of no death. */
export function deathOf(headers: Json): Death | null {
  const deaths = headers["x-death"];
  const last: unknown = Array.isArray(deaths) ? deaths[0] : null;
  if (typeof last === "object" && last !== null) {
    const { reason, queue } = last as Json;
    if (typeof reason !== "string" || typeof queue !== "string") return null;
    return { reason, queue, group: null, deliveries: countIn(headers["x-troika-deliveries"]) };
  }
  return (
    ofGroup(headers, "troika.key", "troika.") ??
    // A record that waits in a retry topic says where it comes from too; only a dead letter has the group.
    ofGroup(headers, "x-troika-topic", "x-troika-")
  );
}

function ofGroup(headers: Json, place: string, prefix: string): Death | null {
  const [queue, group, reason] = [headers[place], headers[`${prefix}group`], headers[`${prefix}reason`]];
  if (typeof queue !== "string" || typeof group !== "string" || typeof reason !== "string") return null;
  return { reason, queue, group, deliveries: countIn(headers[`${prefix}deliveries`]) };
}

function countIn(value: unknown): number | null {
  const count = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof count === "number" ? count : null;
}

/** `rejected in orders, group billing, after 3 deliveries, 2026-01-31T12:00:00.000Z` */
export function deathText({ reason, queue, group, deliveries }: Death, time: number): string {
  const count =
    deliveries === null ? "" : `, after ${countText(deliveries)} deliver${deliveries === 1 ? "y" : "ies"}`;
  const by = group === null ? "" : `, group ${group}`;
  return visible(`${reason} in ${queue}${by}${count}, ${new Date(time).toISOString()}`);
}
