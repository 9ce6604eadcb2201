/**
 * What consumers of a stream's group do with records that are traced (trace/tracer.ts), whatever protocol they speak.
 *
 * Whoever gives or settles calls it behind `queue.trace !== null`. Not here: what is given up (give-up.ts calls it).
 */
import type { TraceParty } from "../../base/trace/trace-event.ts";
import { noOwner } from "../cursor/pending-table.ts";
import { shownName } from "../names.ts";
import type { Queue } from "../queue/queue.ts";
import type { GroupCursor } from "./group-cursor.ts";
import { memberPrefix } from "./member-prefix.ts";
import { isShareOwner, memberOfShareOwner } from "./share/share-owner.ts";

/** A record was given to a consumer of the group, or shown to it again. `by`: where the consumer is; its name is told by the group. */
export function traceGiven(queue: Queue, cursor: GroupCursor, offset: number, by?: () => TraceParty): void {
  const partyIs = (): TraceParty => ({ ...holderIn(cursor, offset), ...by?.() });
  const count = Math.max(cursor.pending.countOf(offset), 1);
  queue.vhost.broker.tracer.delivered(queue, offset, { count, isNoAck: false, partyIs });
}

/** It is about to be settled by who holds it; or it was settled, and `by` says by whom. */
export function traceAcknowledged(
  queue: Queue,
  cursor: GroupCursor,
  offset: number,
  by?: () => TraceParty,
): void {
  if (by === undefined && cursor.pending.ownerOf(offset) === noOwner) return;
  queue.vhost.broker.tracer.acknowledgedBy(queue, offset, by ?? (() => holderIn(cursor, offset)));
}

/** Its consumer does not want it, or has had it too often. */
export function traceRejected(queue: Queue, cursor: GroupCursor, offset: number, reason: string): void {
  queue.vhost.broker.tracer.rejected(queue, offset, reason, holderIn(cursor, offset));
}

/** Whose record it is in the group: its consumer, and the protocol that this one speaks. */
export function holderIn(cursor: GroupCursor, offset: number): TraceParty {
  const group = shownName(cursor.name);
  const name = cursor.ownerById(cursor.pending.ownerOf(offset))?.name;
  if (name === undefined) return { protocol: "redis", group };
  if (isShareOwner(name)) return { protocol: "kafka", group, consumer: shownName(memberOfShareOwner(name)) };
  if (name.startsWith(memberPrefix))
    return { protocol: "amqp", group, consumer: shownName(name.slice(memberPrefix.length)) };
  return { protocol: "redis", group, consumer: shownName(name) };
}
