/**
 * Start-up: which records of the queues were being traced when the broker stopped, by the events that it had written.
 *
 * All of the ring is read, in the start: what is delivered before that would be missing. Where there are no files it costs nothing.
 */
import { eventsOf } from "./search.ts";
import type { TracedQueue, Tracer } from "./tracer.ts";

/** The part of the broker that is needed here. */
interface RestoredBroker {
  readonly tracer: Tracer;
  readonly vhosts: ReadonlyMap<string, { readonly queues: ReadonlyMap<string, TracedQueue> }>;
}

export function restoreTraces({ tracer, vhosts }: RestoredBroker): void {
  const queueOf = (vhost: string, queue: string): TracedQueue | undefined =>
    vhosts.get(nameOf(vhost))?.queues.get(nameOf(queue));
  for (const { text } of tracer.ring.read(0, Infinity))
    for (const event of eventsOf(text, () => true)) tracer.restore(event, queueOf);
}

/** The broker's own form of a name. */
function nameOf(text: string): string {
  return Buffer.from(text).latin1Slice();
}
