/**
 * Events of traces as OpenTelemetry's spans, by its messaging conventions.
 *
 *     published     send      at its time, below the client's own span where the message brought a traceparent
 *     delivered     receive   from when it was written to the queue until then: how long it was there
 *     acknowledged, requeued, rejected
 *                   settle    from its delivery until then: how long its consumer had it
 *     others        a span without length, with the event's name
 *
 * All but the first are below the first. Not here: sending them (exporter.ts). Pure, but for the ids of spans.
 */
import { type Attributes, type HrTime, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { TraceEvent, TraceEventKind } from "../../base/trace/trace-event.ts";

export interface SpanSource {
  readonly resource: Resource;
  readonly version: string;
  /** 16 hexadecimal digits. */
  readonly newSpanId: () => string;
}

/** By the conventions: the type of the operation, and the broker's own name for it. */
const operations: Partial<Record<TraceEventKind, readonly [type: string, name: string]>> = {
  published: ["send", "publish"],
  delivered: ["receive", "deliver"],
  acknowledged: ["settle", "ack"],
  requeued: ["settle", "requeue"],
  rejected: ["settle", "reject"],
};

const kinds: Partial<Record<TraceEventKind, SpanKind>> = {
  published: SpanKind.PRODUCER,
  delivered: SpanKind.CONSUMER,
};

const failures: ReadonlySet<TraceEventKind> = new Set([
  "refused",
  "returned",
  "rejected",
  "dead_lettered",
  "expired",
  "dropped",
]);

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1000) * 1000];
}

export function spanOf(event: TraceEvent, { resource, version, newSpanId }: SpanSource): ReadableSpan {
  const { event: kind, time, trace_id: traceId, span_id: first, reason } = event;
  const [type, name] = operations[kind] ?? [undefined, kind];
  const isFirst = kind === "published";
  const destination = destinationOf(event);
  const parentId = isFirst ? event.parent_span_id : first;
  const start = hrTimeOf(Math.min(event.since ?? time, time));
  const end = hrTimeOf(time);
  return {
    name: `${type ?? kind} ${destination}`,
    kind: kinds[kind] ?? SpanKind.INTERNAL,
    spanContext: () => ({ traceId, spanId: isFirst ? first : newSpanId(), traceFlags: TraceFlags.SAMPLED }),
    ...(parentId === undefined
      ? {}
      : {
          parentSpanContext: {
            traceId,
            spanId: parentId,
            traceFlags: TraceFlags.SAMPLED,
            isRemote: isFirst,
          },
        }),
    startTime: start,
    endTime: end,
    duration: between(start, end),
    status: failures.has(kind)
      ? { code: SpanStatusCode.ERROR, message: reason ?? kind }
      : { code: SpanStatusCode.UNSET },
    attributes: attributesOf(event, type, name),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: "troikamq", version },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function between([startS, startNs]: HrTime, [endS, endNs]: HrTime): HrTime {
  const ns = endNs - startNs;
  return ns < 0 ? [endS - startS - 1, ns + 1_000_000_000] : [endS - startS, ns];
}

/** The queue or stream, else the exchange: "" is the default one. */
function destinationOf({ queue, exchange, routing_key: key }: TraceEvent): string {
  if (queue !== undefined) return queue;
  return exchange === undefined || exchange === "" ? (key ?? "") : exchange;
}

function attributesOf(event: TraceEvent, type: string | undefined, name: string): Attributes {
  const party = event.by ?? event.to;
  const all: Record<string, string | number | string[] | undefined> = {
    "messaging.system": "troikamq",
    "messaging.operation.type": type,
    "messaging.operation.name": name,
    "messaging.destination.name": destinationOf(event),
    "messaging.message.id": event.message_id,
    "messaging.message.conversation_id": event.correlation_id,
    "messaging.client.id": party?.client,
    "messaging.consumer.group.name": party?.group,
    "messaging.troikamq.offset": event.offset,
    "messaging.troikamq.vhost": event.vhost,
    "messaging.troikamq.exchange": event.exchange,
    "messaging.troikamq.routing_key": event.routing_key,
    "messaging.troikamq.key": event.key,
    "messaging.troikamq.delivery_count": event.delivery_count,
    "messaging.troikamq.destinations": event.destinations === undefined ? undefined : [...event.destinations],
    "messaging.troikamq.bindings": event.bindings === undefined ? undefined : [...event.bindings],
    "messaging.troikamq.until": event.until,
    "messaging.troikamq.consumer": party?.consumer,
    "network.protocol.name": party?.protocol,
    "client.address": party?.address,
    "user.name": party?.user,
    "error.type": failures.has(event.event) ? event.event : undefined,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
