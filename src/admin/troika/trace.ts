/**
 * Traces of messages: /api/troika/trace.
 *
 *     {"traces": [{"trace_id": "...", "events": [{"time": 1.5, "event": "published", ...}, ...]}], "next": "..."}
 *
 * Users with the tag `monitoring` see all events of the virtual hosts that they see; others those of queues and streams which they may
 * read, and what was published of a message that went to one of these. Not here: finding them (broker/trace/search.ts).
 */
import { limits } from "../../base/limits.ts";
import { writtenTimeMs } from "../../base/text/written-time.ts";
import { resultOf } from "../../base/turn-work.ts";
import { mayUseLog } from "../../broker/access/rights.ts";
import { type FoundTrace, searchingTraces, type TraceWanted } from "../../broker/trace/search.ts";
import { shownEvent, type TraceEvent } from "../../base/trace/trace-event.ts";
import { json } from "../answers.ts";
import { isMonitor, seenVhosts, visibleVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { brokerName } from "../rabbitmq/names.ts";

const tracesUsual = 20;

const query = {
  trace_id: "the trace's id, 32 hexadecimal digits",
  message_id: "the message's id, as its publisher gave it",
  key: "the routing key or the key",
  "header.NAME": "the value of the header NAME, as text",
  vhost: "the virtual host that it was published in; any, if it is not given",
  from: "time from which on, such as 2026-01-31T12:00Z or unix ms",
  to: "time up to which, such as `next` of the page before; now, if it is not given",
  limit: `traces of a page, 1 to ${limits.tracesShownMax}; ${tracesUsual} if it is not given`,
} as const;

const headerPrefix = "header.";

/** @throws Refusal */
function timeIn(asked: URLSearchParams, name: string, usual: number): number {
  const text = asked.get(name) || null;
  if (text === null) return usual;
  const at = /^\d{1,15}(\.\d{1,6})?$/.test(text) ? Number(text) : writtenTimeMs(text);
  if (Number.isNaN(at))
    throw badRequest(`${name} is '${text}': give a time such as 2026-01-31T12:00Z, or unix ms`);
  return at;
}

/** @throws Refusal */
function wantedIn(asked: URLSearchParams): TraceWanted {
  const traceId = asked.get("trace_id")?.toLowerCase();
  if (traceId !== undefined && !/^[0-9a-f]{32}$/.test(traceId))
    throw badRequest("trace_id is not 32 hexadecimal digits");
  const headers = [...asked].filter(([name]) => name.startsWith(headerPrefix));
  if (headers.length > 1) throw badRequest("give one header");
  const limitText = asked.get("limit") || String(tracesUsual);
  const tracesMax = Number(limitText);
  if (!/^\d{1,4}$/.test(limitText) || tracesMax < 1 || tracesMax > limits.tracesShownMax)
    throw badRequest(`limit is '${limitText}': give a whole number from 1 to ${limits.tracesShownMax}`);
  const [header] = headers;
  const [messageId, key, vhost] = [asked.get("message_id"), asked.get("key"), asked.get("vhost")];
  return {
    ...(traceId === undefined ? {} : { traceId }),
    ...(messageId === null ? {} : { messageId }),
    ...(key === null ? {} : { key }),
    ...(header === undefined
      ? {}
      : { header: { name: header[0].slice(headerPrefix.length), value: header[1] } }),
    ...(vhost === null ? {} : { vhost }),
    from: timeIn(asked, "from", 0),
    to: timeIn(asked, "to", Infinity),
    tracesMax,
  };
}

/** Of a trace what the caller may see. */
function seenEvents({ events }: FoundTrace, asked: Asked): readonly TraceEvent[] {
  const { broker, caller, remoteHost } = asked;
  const monitors = isMonitor(caller);
  const vhosts = new Set(
    (monitors ? visibleVhosts(broker, caller) : seenVhosts(broker, caller)).map(({ name }) => name),
  );
  const known = new Map<string, boolean>();
  const mayRead = (vhostName: string, queue: string): boolean => {
    const id = JSON.stringify([vhostName, queue]);
    let may = known.get(id);
    if (may === undefined) {
      const vhost = broker.vhost(brokerName(vhostName));
      may =
        vhost !== undefined &&
        mayUseLog({ authorization: caller, host: remoteHost }, "read", vhost, brokerName(queue));
      known.set(id, may);
    }
    return may;
  };
  const inVhosts = events.filter(({ vhost }) => vhosts.has(brokerName(vhost)));
  if (monitors) return inVhosts;
  const isRead = ({ vhost, queue }: TraceEvent): boolean => queue !== undefined && mayRead(vhost, queue);
  if (!inVhosts.some(isRead)) return [];
  const readable = (event: TraceEvent): TraceEvent => {
    if (event.destinations === undefined) return event;
    const { bindings: _, ...others } = event;
    return { ...others, destinations: event.destinations.filter((name) => mayRead(event.vhost, name)) };
  };
  return inVhosts.filter((event) => event.queue === undefined || isRead(event)).map(readable);
}

export const traceEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/troika/trace",
    audience: "management",
    summary:
      "Which message went where, over all protocols: the newest traces that match, each with its events in the order in which they happened.",
    query,
    run: async (asked) => {
      const { broker } = asked;
      const { traces, next } = await resultOf(
        broker.work,
        searchingTraces(broker.tracer.ring, wantedIn(asked.query)),
      );
      const shown = traces.flatMap((trace) => {
        const events = seenEvents(trace, asked);
        if (events.length === 0) return [];
        return [
          { trace_id: trace.traceId, events: events.map(shownEvent), ...(trace.isCut ? { cut: true } : {}) },
        ];
      });
      return json(200, { traces: shown, next: next === null ? null : String(next) });
    },
  }),
];
