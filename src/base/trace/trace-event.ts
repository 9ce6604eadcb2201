/**
 * What happened to one message at one time: the line of a trace, as it is kept (ring.ts), searched and shown.
 *
 * Names are text, not the broker's own form. Not here: when an event is noted (tracer.ts). Pure.
 */

/** In the order in which they can follow each other; docs/tracing.md says when each is noted. */
export const traceEventKinds = [
  "published",
  "routed",
  "written",
  "refused",
  "returned",
  "delivered",
  "acknowledged",
  "requeued",
  "rejected",
  "retried",
  "dead_lettered",
  "expired",
  "dropped",
] as const;
export type TraceEventKind = (typeof traceEventKinds)[number];

/** A client, as the event's one who did it or to whom it was done. */
export interface TraceParty {
  readonly protocol: string;
  readonly user?: string;
  /** The client's address. */
  readonly address?: string;
  /** As the client calls itself. */
  readonly client?: string;
  /** AMQP's. */
  readonly channel?: number;
  /** AMQP's consumer tag, or a consumer of a Redis group. */
  readonly consumer?: string;
  /** Of Redis or Kafka. */
  readonly group?: string;
}

export interface TraceEvent {
  /** Wall time, ms with a fraction. */
  readonly time: number;
  readonly event: TraceEventKind;
  readonly trace_id: string;
  /** Of the publish that all of a trace's events belong to, and of its client's span above it. */
  readonly span_id: string;
  readonly parent_span_id?: string;
  readonly vhost: string;
  /** A queue, a stream, or a partition of a topic. */
  readonly queue?: string;
  readonly offset?: number;
  readonly exchange?: string;
  readonly routing_key?: string;
  /** Bindings that matched: `source -> destination (key)`. */
  readonly bindings?: readonly string[];
  /** Where the message was to go. */
  readonly destinations?: readonly string[];
  readonly message_id?: string;
  readonly correlation_id?: string;
  /** Of a message from Kafka or Redis. */
  readonly key?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly by?: TraceParty;
  readonly to?: TraceParty;
  readonly delivery_count?: number;
  readonly no_ack?: true;
  readonly reason?: string;
  /** Wall time until which a rejected message waits, ms. */
  readonly until?: number;
  /** Subscribers of a Pub/Sub channel that got it. */
  readonly live_subscribers?: number;
  /** Wall time since which the message was in the queue, or with its consumer, ms. */
  readonly since?: number;
  /** Of the destination, for the broker: it tells a queue from a later one of the same name. */
  readonly log?: number;
  /** The message is not followed in that queue any more. */
  readonly ended?: true;
}

/** What the broker alone is to know is left out. */
export function shownEvent(event: TraceEvent): object {
  const { log: _log, ended: _ended, ...shown } = event;
  return shown;
}
