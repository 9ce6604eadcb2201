/**
 * Finds traces in the ring: the newest first, each with its events in the order in which they happened.
 *
 *     1. from the newest block back: publishes that match, until there are enough traces
 *     2. from the oldest of these on: all events of these traces
 *
 * A trace whose publish the ring has lost is found by its id alone. In slices; lines that cannot match are not parsed. Not here: rights
 * and the form of the answer (admin/troika/trace.ts). Invariant: what one search keeps is bounded by `tracesMax` and `eventsMax` of each.
 */
import type { Job } from "../../base/turn-work.ts";
import { limits } from "../../base/limits.ts";
import type { TraceRing } from "./ring.ts";
import type { TraceEvent } from "../../base/trace/trace-event.ts";

/** A publish matches if it has all that is given. */
export interface TraceWanted {
  readonly traceId?: string;
  readonly messageId?: string;
  readonly key?: string;
  /** A header and its value, as text. */
  readonly header?: { readonly name: string; readonly value: string };
  /** Text, not the broker's form. */
  readonly vhost?: string;
  /** Of the publish; of a search by id, of the events. Wall time, ms. */
  readonly from: number;
  readonly to: number;
  readonly tracesMax: number;
}

export interface FoundTrace {
  readonly traceId: string;
  readonly events: TraceEvent[];
  /** It has more events than are shown. */
  isCut: boolean;
}

export interface FoundTraces {
  readonly traces: readonly FoundTrace[];
  /** `to` of the next page; null: there is no more. */
  readonly next: number | null;
}

const bytesPerUnit = 400;
const idForm = /"trace_id":"([0-9a-f]{32})"/;

/** The events of some lines; `mayMatch` is asked of each line before it is parsed. A line that is none is passed over. */
export function* eventsOf(text: string, mayMatch: (line: string) => boolean): Generator<TraceEvent, void> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf("\n", start);
    if (end < 0) return;
    const line = text.slice(start, end);
    start = end + 1;
    if (!mayMatch(line)) continue;
    try {
      yield JSON.parse(line) as TraceEvent;
    } catch {
      // Its block was whole, so it is of another version.
    }
  }
}

export function* searchingTraces(ring: TraceRing, wanted: TraceWanted): Job<FoundTraces> {
  const { traceId, from, to, tracesMax } = wanted;
  const found = new Map<string, FoundTrace>();
  let oldest = from;
  let next: number | null = null;
  if (traceId === undefined) {
    const starts = yield* newestStarts(ring, wanted);
    next = starts.next;
    oldest = starts.oldest;
    for (const id of starts.ids) found.set(id, { traceId: id, events: [], isCut: false });
  } else found.set(traceId, { traceId, events: [], isCut: false });
  if (found.size === 0 || tracesMax === 0) return { traces: [], next };
  const end = traceId === undefined ? Infinity : to;
  for (const { text } of ring.read(oldest, end)) {
    for (const event of eventsOf(text, (line) => found.has(idForm.exec(line)?.[1] ?? ""))) {
      if (event.time < oldest || event.time > end) continue;
      const trace = found.get(event.trace_id)!;
      if (trace.events.length < limits.traceEventsShownMax) trace.events.push(event);
      else trace.isCut = true;
    }
    yield 1 + text.length / bytesPerUnit;
  }
  const traces = [...found.values()].filter(({ events }) => events.length > 0);
  for (const { events } of traces) events.sort((a, b) => a.time - b.time);
  return { traces, next };
}

interface Starts {
  readonly ids: ReadonlySet<string>;
  readonly oldest: number;
  readonly next: number | null;
}

/** The ids of the newest traces whose publish matches, the newest first. */
function* newestStarts(ring: TraceRing, wanted: TraceWanted): Job<Starts> {
  const ids = new Set<string>();
  const needle = needleOf(wanted);
  let oldest = Infinity;
  for (const { text, from, to } of ring.read(wanted.from, wanted.to, true)) {
    if (to < wanted.from || from > wanted.to) continue;
    const starts = [
      ...eventsOf(text, (line) => line.includes('"event":"published"') && line.includes(needle)),
    ];
    for (const event of starts.toSorted((a, b) => b.time - a.time)) {
      if (!matches(event, wanted)) continue;
      if (!ids.has(event.trace_id) && ids.size === wanted.tracesMax)
        return { ids, oldest, next: Math.max(oldest - 0.001, 0) };
      ids.add(event.trace_id);
      oldest = Math.min(oldest, event.time);
    }
    yield 1 + text.length / bytesPerUnit;
  }
  return { ids, oldest, next: null };
}

/** A part of each line that can match, as JSON has it. */
function needleOf({ messageId, key, header }: TraceWanted): string {
  const text = messageId ?? key ?? header?.name ?? "";
  return JSON.stringify(text).slice(1, -1);
}

function matches(event: TraceEvent, { messageId, key, header, vhost, from, to }: TraceWanted): boolean {
  if (event.time < from || event.time > to) return false;
  if (messageId !== undefined && event.message_id !== messageId) return false;
  if (key !== undefined && event.key !== key && event.routing_key !== key) return false;
  if (vhost !== undefined && event.vhost !== vhost) return false;
  if (header === undefined) return true;
  const value = event.headers?.[header.name];
  return value !== undefined && (typeof value === "string" ? value : JSON.stringify(value)) === header.value;
}
