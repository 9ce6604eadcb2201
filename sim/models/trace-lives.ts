/**
 * The traces of one queue, all of whose messages are traced: each message's events follow each other as its life can go, none is of the future,
 * and nothing is followed that is gone.
 *
 * Events of the last second are lost with a killed process, so what lies between may be missing then: but never the first, nor comes anything
 * behind the last. Not here: what clients saw.
 */
import { eventsOf } from "../../src/broker/trace/search.ts";
import type { TraceEvent, TraceEventKind } from "../../src/base/trace/trace-event.ts";
import type { Broker } from "../../src/broker/broker.ts";
import type { Queue } from "../../src/broker/queue/queue.ts";
import { Fault } from "../model.ts";

type State = "new" | "there" | "held" | "rejected" | "waiting" | "gone";

/** What may come in which state, and which state that leads to. */
const lives: Readonly<Record<State, Partial<Record<TraceEventKind, State>>>> = {
  new: { written: "there" },
  there: { delivered: "held", dead_lettered: "gone", dropped: "gone", expired: "gone", retried: "waiting" },
  held: { acknowledged: "gone", requeued: "there", rejected: "rejected", dead_lettered: "gone" },
  rejected: { retried: "waiting", dead_lettered: "gone", dropped: "gone" },
  waiting: { delivered: "held", retried: "waiting", dead_lettered: "gone", dropped: "gone" },
  gone: {},
};

/** What else the run had: `time` was set, or the disk lost or took nothing; it was killed; it was started again. */
export interface TraceWeather {
  readonly isDamaged: boolean;
  readonly isTimeSet: boolean;
  readonly isKilled: boolean;
  readonly isRestarted: boolean;
}

interface Life {
  readonly state: State;
  /** Until when it waits, ms. */
  readonly until: number;
  readonly traceId: string;
  /** Of the ring, that its last event is in. */
  readonly file: string;
}

export function checkTraces(broker: Broker, queue: Queue, now: number, weather: TraceWeather): void {
  const { ring } = broker.tracer;
  const notes = queue.trace?.notes.size ?? 0;
  if (notes > queue.messageCount)
    throw new Fault(`${queue.name}: ${notes} messages are followed, and ${queue.messageCount} are there`);
  if (weather.isDamaged || ring.dropped + ring.damaged > 0) return;
  const states = new Map<number, Life>();
  const counts: Partial<Record<TraceEventKind, number>> = {};
  for (const { text, file } of ring.read(0, Infinity)) {
    for (const event of eventsOf(text, () => true)) {
      if (event.queue !== queue.name || event.offset === undefined) continue;
      if (event.time > now + 1 && !weather.isTimeSet)
        throw new Fault(`a trace has an event of the future: ${event.time} at ${now}`);
      counts[event.event] = (counts[event.event] ?? 0) + 1;
      const before = states.get(event.offset) ?? { state: "new", until: 0, traceId: event.trace_id, file };
      states.set(event.offset, follow(before, event, file, weather));
    }
  }
  if (weather.isKilled || weather.isRestarted) return;
  const { delivered, acknowledged } = queue;
  const told = [counts.delivered ?? 0, counts.acknowledged ?? 0];
  if (told[0] !== delivered || told[1] !== acknowledged)
    throw new Fault(
      `${queue.name}: ${told.join(" and ")} are traced, ${delivered} were delivered, ${acknowledged} acknowledged`,
    );
}

function follow(known: Life, event: TraceEvent, file: string, { isKilled, isTimeSet }: TraceWeather): Life {
  // What a killed process had traced and not kept is gone: another message has the offset.
  const isAnother =
    isKilled && file !== known.file && event.event === "written" && known.traceId !== event.trace_id;
  const life: Life = isAnother ? { state: "new", until: 0, traceId: event.trace_id, file } : known;
  const { state, until, traceId } = life;
  const where = `${event.queue}/${event.offset}: ${event.event} at ${event.time}, when it was ${state}`;
  if (traceId !== event.trace_id) throw new Fault(`${where}, of another trace`);
  let next = lives[state][event.event];
  // What came between may have been lost with the process that wrote another file.
  if (isKilled && file !== life.file && state !== "new" && state !== "gone")
    for (const any of ["there", "held", "waiting", "rejected"] as const) next ??= lives[any][event.event];
  if (next === undefined) throw new Fault(where);
  if (next === "held" && state === "waiting" && !isTimeSet && event.time < until)
    throw new Fault(`${where} until ${until}`);
  return { state: next, until: event.until ?? 0, traceId, file };
}
