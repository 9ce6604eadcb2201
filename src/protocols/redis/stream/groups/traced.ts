/**
 * What Redis's commands tell of entries that are traced (broker/trace/tracer.ts). Each is called where the stream's `trace` is not null, or
 * asks for that itself.
 */
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import type { Queue } from "../../../../broker/queue/queue.ts";
import type { TraceParty } from "../../../../base/trace/trace-event.ts";
import type { Caller } from "../../core/caller.ts";
import type { CommandContext } from "../../core/context.ts";
import { publisherIn } from "../../observe/publisher.ts";

/** The caller; with a consumer of a group, by the names that the broker has. */
function redisParty({ user, address, name }: Caller, group?: string, consumer?: string): TraceParty {
  return {
    protocol: "redis",
    user: textOf(user),
    ...(address === "" ? {} : { address }),
    ...(name === "" ? {} : { client: textOf(name) }),
    ...(group === undefined ? {} : { group: textOf(group) }),
    ...(consumer === undefined ? {} : { consumer: textOf(consumer) }),
  };
}

function textOf(name: string): string {
  return Buffer.from(name, "latin1").toString();
}

/** Arguments `first` to `last` (left out) were appended as one entry. */
export function traceEntry(context: CommandContext, queue: Queue, first: number, last: number): void {
  const { broker, request } = context;
  const { buffer, starts, ends } = request;
  const came = { buffer, start: starts[first]!, end: ends[last - 1]! };
  broker.tracer.entered(queue, 1, publisherIn(context), came);
}

/** A group's entry was given to a consumer, or shown to it again. */
export function traceGiven(
  { broker, caller }: CommandContext,
  cursor: GroupCursor,
  offset: number,
  consumer: string,
): void {
  const queue = cursor.log.owner as Queue | null;
  if (queue === null || queue.trace === null) return;
  const partyIs = (): TraceParty => redisParty(caller, cursor.name, consumer);
  const count = Math.max(cursor.pending.countOf(offset), 1);
  broker.tracer.delivered(queue, offset, { count, isNoAck: false, partyIs });
}

export function traceAcknowledged(
  { broker, caller }: CommandContext,
  cursor: GroupCursor,
  offset: number,
): void {
  const queue = cursor.log.owner as Queue | null;
  if (queue === null || queue.trace === null) return;
  broker.tracer.acknowledgedBy(queue, offset, () => redisParty(caller, cursor.name));
}

/** XREAD shows `count` entries from an offset on. */
export function traceRead(
  { broker, caller }: CommandContext,
  queue: Queue,
  from: number,
  count: number,
): void {
  const { removed, stableEnd } = queue.log;
  const before =
    Math.max(from - removed.first, 0) - removed.countIn(removed.first, Math.max(from, removed.first));
  const to = removed.offsetAfter(before + count, stableEnd);
  broker.tracer.read(queue, from, to, () => redisParty(caller));
}
