/**
 * Follows single messages: which are traced, and what became of each, from the publish to the end, over every protocol.
 *
 * The places where something happens to a message call it, behind one test: `isOn` where a message is published, `queue.trace` where it
 * is in a queue. A message is traced if a destination's `trace-sample` chose it, if such a destination gets it with a sampled
 * `traceparent`, or if it comes of one that is traced: then `carried` says so while the broker publishes it (a dead letter).
 * What is traced is noted by log and offset (queue-trace.ts), in memory; the events go to a ring of files (ring.ts), and to whoever
 * exports them. Not here: searching (search.ts), docs/tracing.md says what each event means.
 * Invariants: without a policy that asks for it nothing is noted and no header is looked at; what is noted here never changes what becomes of a
 * message; an event is not earlier than the one before it, unless the clock was set back.
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { AmqpView } from "../../message/convert/as-amqp.ts";
import type { Log, LogReader } from "../../storage/index.ts";
import type { AmqpRecordParts } from "../../message/amqp/record.ts";
import { shownName } from "../names.ts";
import { type TracedMessage, tracedMessage } from "./message-facts.ts";
import type { Publisher } from "../look/unroutable.ts";
import { publisherParty } from "./party.ts";
import { QueueTrace, type TraceNote } from "./queue-trace.ts";
import type { TraceRing } from "./ring.ts";
import { TraceTime } from "./trace-time.ts";
import type { TraceEvent, TraceEventKind, TraceParty } from "../../base/trace/trace-event.ts";
import { mayHaveTraceparent, type TraceParent, traceparentName } from "./traceparent.ts";

/** The part of a queue that is needed here. */
export interface TracedQueue {
  readonly name: string;
  readonly vhost: { readonly name: string };
  readonly log: Log;
  trace: QueueTrace | null;
  reader(offset: number): LogReader;
}

/** The part of a message on its way that is needed here (exchange/outgoing-message.ts). */
interface PublishedMessage {
  asAmqp(): AmqpRecordParts;
  mayHaveHeader(name: Buffer): boolean;
}

/** Says by which bindings a message goes from an exchange to its queues. */
interface BindingsOf {
  /** Null where that would take long. */
  of(vhost: object, exchange: object, message: object): readonly string[] | null;
}

interface TracedExchange {
  readonly name: string;
}

interface TracedRoute {
  readonly queues: readonly TracedQueue[];
  readonly isTaken: boolean;
}

/** `buffer[start, end)`. */
interface CameIn {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The trace that a message which the broker publishes itself goes on with. */
export interface Carried {
  readonly traceId: string;
  readonly spanId: string;
  /** What it is to the broker. */
  readonly event: "dead_lettered";
  readonly reason: string;
  readonly from: TracedQueue;
  readonly offset: number;
}

/** A traced message on its way through an exchange. */
export interface TracedPublish {
  readonly traceId: string;
  readonly spanId: string;
  readonly carried: Carried | null;
  readonly message: TracedMessage;
  readonly parent: TraceParent | null;
  /** Of each queue of the route, where its log ended before. */
  readonly ends: readonly number[];
}

/** Deliveries of one record that are noted: a stream has any number of readers. */
const deliveriesMax = 200;
/** Records of one batch that are traced, and that are looked at for a trace that they bring. */
const tracedOfBatchMax = 256;
const looksOfBatchMax = 1000;
const destinationsShownMax = 20;

type Details = Omit<TraceEvent, "time" | "event" | "trace_id" | "span_id" | "vhost">;

export interface TraceExporter {
  take(event: TraceEvent): void;
  /** Spans that were sent, and that were dropped since nobody took them. */
  readonly sent: number;
  readonly dropped: number;
  /** Sends what waits, if that does not take long. */
  close(): Promise<void>;
}

export interface TracerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly ring: TraceRing;
}

const view = new AmqpView();

export class Tracer {
  readonly #time: TraceTime;
  readonly #random: Random;
  readonly ring: TraceRing;
  /** Some queue has a policy that asks for traces, or has had one since the start. */
  isOn = false;
  carried: Carried | null = null;
  /** Null: bindings are not told. Set by the wiring (exchange/explain/matched-bindings.ts). */
  bindings: BindingsOf | null = null;
  /** Gets every event too; null: nobody does. */
  exporter: TraceExporter | null = null;

  constructor({ clock, random, ring }: TracerOptions) {
    this.#time = new TraceTime(clock);
    this.#random = random;
    this.ring = ring;
  }

  /** The queue's policy says `trace-sample`, or does not any more. */
  policyOf(queue: TracedQueue, chance: number | undefined): void {
    if (chance === undefined) {
      if (queue.trace === null) return;
      queue.trace.setChance(undefined);
      if (queue.trace.notes.size === 0) queue.trace = null;
      return;
    }
    this.isOn = true;
    this.#traceOf(queue).setChance(chance);
  }

  #traceOf(queue: TracedQueue): QueueTrace {
    return (queue.trace ??= new QueueTrace(this.#random));
  }

  #hex(bytes: number): string {
    return Buffer.from(this.#random.bytes(bytes)).toString("hex");
  }

  #emit(
    event: TraceEventKind,
    { traceId, spanId }: Pick<TraceNote, "traceId" | "spanId">,
    vhost: string,
    details: Details,
  ): number {
    const time = this.#time.next();
    const line = { time, event, trace_id: traceId, span_id: spanId, vhost: shownName(vhost), ...details };
    this.ring.append(time, JSON.stringify(line));
    this.exporter?.take(line);
    return time;
  }

  #at({ name, log }: TracedQueue, offset: number): Pick<TraceEvent, "queue" | "offset" | "log"> {
    return { queue: shownName(name), offset, ...(log.isDurable ? { log: log.id } : {}) };
  }

  // What is published

  /** A message is about to be copied to the queues of its route. Null: it is not traced. */
  begin(route: TracedRoute, message: PublishedMessage): TracedPublish | null {
    const { carried } = this;
    let isChosen = carried !== null;
    let looks = false;
    for (const { trace } of route.queues) {
      if (trace === null || !trace.samples) continue;
      looks = true;
      // Each destination counts for itself.
      if (trace.next(1) >= 0) isChosen = true;
    }
    if (!isChosen && (!looks || !message.mayHaveHeader(traceparentName))) return null;
    const traced = tracedMessage(message.asAmqp());
    const { parent } = traced;
    if (!isChosen && parent?.isSampled !== true) return null;
    return {
      traceId: carried?.traceId ?? parent?.traceId ?? this.#hex(16),
      spanId: carried?.spanId ?? this.#hex(8),
      carried,
      message: traced,
      parent: carried === null ? parent : null,
      ends: route.queues.map(endOf),
    };
  }

  /** The message was copied to those of the queues that took it. `heardBy`: live subscribers that got it. */
  published(
    traced: TracedPublish,
    vhost: string,
    exchange: TracedExchange,
    route: TracedRoute,
    {
      publisher,
      heardBy,
      bindings,
    }: { publisher: Publisher | null; heardBy: number; bindings: readonly string[] | null },
  ): void {
    const { message, carried, parent } = traced;
    const where = { exchange: shownName(exchange.name), routing_key: message.routingKey };
    if (carried === null)
      this.#publishedBy(traced, vhost, { ...where, ...message.facts, by: publisherParty(publisher) }, parent);
    else {
      const { from, offset, reason } = carried;
      const at = this.#at(from, offset);
      this.#emit("dead_lettered", traced, vhost, { ...at, ...where, ...message.facts, reason, ended: true });
      this.#forget(from, offset);
    }
    const { queues } = route;
    if (!route.isTaken && heardBy === 0) {
      this.#emit("returned", traced, vhost, { ...where, reason: "no queue is bound for it" });
      return;
    }
    this.#emit("routed", traced, vhost, {
      ...where,
      ...(bindings === null ? {} : { bindings }),
      destinations: queues.slice(0, destinationsShownMax).map(({ name }) => shownName(name)),
      ...(heardBy === 0 ? {} : { live_subscribers: heardBy }),
    });
    queues.forEach((queue, index) => {
      const end = endOf(queue);
      if (end > traced.ends[index]!) this.#written(queue, end - 1, traced);
      else
        this.#emit("refused", traced, vhost, { queue: shownName(queue.name), reason: "it did not take it" });
    });
  }

  #publishedBy(
    traced: Pick<TraceNote, "traceId" | "spanId">,
    vhost: string,
    details: Details,
    parent: TraceParent | null,
  ): void {
    const above = parent === null ? {} : { parent_span_id: parent.parentId };
    this.#emit("published", traced, vhost, { ...details, ...above });
  }

  #written(
    queue: TracedQueue,
    offset: number,
    { traceId, spanId }: Pick<TraceNote, "traceId" | "spanId">,
  ): void {
    const writtenAt = this.#emit("written", { traceId, spanId }, queue.vhost.name, this.#at(queue, offset));
    this.#traceOf(queue).note(offset, { traceId, spanId, writtenAt, deliveredAt: 0, deliveries: 0 });
  }

  /**
   * `count` records were appended to a log without an exchange, the newest of it. `came`: the bytes in which a header of theirs would be found.
   */
  entered(
    queue: TracedQueue,
    count: number,
    publisher: (() => Publisher) | null,
    { buffer, start, end }: CameIn,
  ): void {
    const { carried } = this;
    const { trace, log } = queue;
    const samples = trace !== null && trace.samples;
    let looks = carried === null && samples && mayHaveTraceparent(buffer, start, end);
    const last = endOf(queue);
    let index = 0;
    let picked = carried === null ? pick(trace, samples, count) : 0;
    if (picked < 0 && !looks) return;
    log.store.seal();
    const reader = queue.reader(last - count);
    let left = tracedOfBatchMax;
    for (; index < count && left > 0; index++) {
      const isChosen = index === picked;
      if (index >= looksOfBatchMax) looks = false;
      if (!isChosen && !looks) {
        if (picked < 0) return;
        index = picked - 1;
        continue;
      }
      reader.seek(last - count + index);
      if (!reader.next()) return;
      const message = tracedMessage(view.show(reader));
      if (isChosen) {
        const more = carried === null ? pick(trace, samples, count - index - 1) : -1;
        picked = more < 0 ? -1 : index + 1 + more;
      }
      if (isChosen || message.parent?.isSampled === true) {
        left--;
        this.#entered(queue, last - count + index, publisher, message);
      }
      if (picked < 0 && !looks) return;
    }
  }

  #entered(
    queue: TracedQueue,
    offset: number,
    publisher: (() => Publisher) | null,
    message: TracedMessage,
  ): void {
    const { carried } = this;
    const vhost = queue.vhost.name;
    const { facts, parent } = message;
    if (carried !== null) {
      const { from, offset: before, reason } = carried;
      this.#emit("dead_lettered", carried, vhost, { ...this.#at(from, before), ...facts, reason });
      this.#written(queue, offset, carried);
      return;
    }
    const traced = { traceId: parent?.traceId ?? this.#hex(16), spanId: this.#hex(8) };
    this.#publishedBy(traced, vhost, { ...facts, by: publisherParty(publisher?.() ?? null) }, parent);
    this.#written(queue, offset, traced);
  }

  /** While the broker publishes a dead letter of that record itself; the result is to be put back into `carried`. */
  carry(queue: TracedQueue, offset: number, reason: string): Carried | null {
    const before = this.carried;
    const note = queue.trace?.notes.get(offset);
    this.carried =
      note === undefined
        ? null
        : { traceId: note.traceId, spanId: note.spanId, event: "dead_lettered", reason, from: queue, offset };
    return before;
  }

  // What happens to a record in its queue; each is called where `queue.trace` is not null.

  #noteOf(queue: TracedQueue, offset: number): TraceNote | undefined {
    return queue.trace!.notes.get(offset);
  }

  #forget(queue: TracedQueue, offset: number): void {
    const { trace } = queue;
    if (trace === null || !trace.notes.delete(offset)) return;
    if (!trace.samples && trace.notes.size === 0) queue.trace = null;
  }

  /** `partyIs` is asked only for a record that is traced. */
  delivered(
    queue: TracedQueue,
    offset: number,
    {
      count,
      isNoAck,
      partyIs,
    }: { readonly count: number; readonly isNoAck: boolean; readonly partyIs: () => TraceParty },
  ): void {
    const note = this.#noteOf(queue, offset);
    if (note === undefined || note.deliveries >= deliveriesMax) return;
    note.deliveries++;
    const since = note.writtenAt;
    note.deliveredAt = this.#emit("delivered", note, queue.vhost.name, {
      ...this.#at(queue, offset),
      to: partyIs(),
      delivery_count: count,
      since,
      ...(isNoAck ? { no_ack: true, ended: true } : {}),
    });
    if (isNoAck) this.#forget(queue, offset);
  }

  /** A reader that takes nothing was shown `[from, to)`. */
  read(queue: TracedQueue, from: number, to: number, partyIs: () => TraceParty): void {
    const { trace } = queue;
    if (trace === null || trace.notes.size === 0) return;
    let party: TraceParty | null = null;
    for (const [offset] of trace.within(from, to)) {
      const reader = (party ??= partyIs());
      this.delivered(queue, offset, { count: 1, isNoAck: false, partyIs: () => reader });
    }
  }

  acknowledged(queue: TracedQueue, offset: number): void {
    const note = this.#noteOf(queue, offset);
    if (note === undefined) return;
    this.#emit("acknowledged", note, queue.vhost.name, {
      ...this.#at(queue, offset),
      ...sinceOf(note),
      ended: true,
    });
    this.#forget(queue, offset);
  }

  /** A group of Redis's has; the record stays in the stream. */
  acknowledgedBy(queue: TracedQueue, offset: number, partyIs: () => TraceParty): void {
    const note = this.#noteOf(queue, offset);
    if (note === undefined) return;
    const by = partyIs();
    this.#emit("acknowledged", note, queue.vhost.name, { ...this.#at(queue, offset), ...sinceOf(note), by });
  }

  /** A group of Kafka's has committed: all below `offset` is acknowledged. */
  committed(queue: TracedQueue, group: string, offset: number, partyIs: () => TraceParty): void {
    const trace = queue.trace!;
    const from = trace.groupReached(group, offset);
    if (from >= offset || trace.notes.size === 0) return;
    for (const [at] of trace.within(from, offset)) this.acknowledgedBy(queue, at, partyIs);
  }

  requeued(queue: TracedQueue, offset: number): void {
    const note = this.#noteOf(queue, offset);
    if (note === undefined) return;
    this.#emit("requeued", note, queue.vhost.name, { ...this.#at(queue, offset), ...sinceOf(note) });
    note.deliveredAt = 0;
  }

  rejected(queue: TracedQueue, offset: number, reason?: string, by?: TraceParty): void {
    const note = this.#noteOf(queue, offset);
    if (note === undefined) return;
    const why = { ...(reason === undefined ? {} : { reason }), ...(by === undefined ? {} : { by }) };
    this.#emit("rejected", note, queue.vhost.name, { ...this.#at(queue, offset), ...sinceOf(note), ...why });
    note.deliveredAt = 0;
  }

  /** A rejected record waits to be delivered again. */
  waits(queue: TracedQueue, offset: number, until: number, deliveries: number, by?: TraceParty): void {
    const note = this.#noteOf(queue, offset);
    if (note === undefined) return;
    const who = by === undefined ? {} : { by };
    this.#emit("retried", note, queue.vhost.name, {
      ...this.#at(queue, offset),
      until,
      delivery_count: deliveries,
      ...who,
    });
  }

  /** The record leaves its queue unconsumed. Of a dead letter nothing is noted here any more. */
  left(queue: TracedQueue, offset: number, reason: string): void {
    const note = this.#noteOf(queue, offset);
    if (note === undefined) return;
    const event = reason === "expired" ? "expired" : "dropped";
    this.#emit(event, note, queue.vhost.name, { ...this.#at(queue, offset), reason, ended: true });
    this.#forget(queue, offset);
  }

  /** Records in `[from, to)` were deleted. */
  removed(queue: TracedQueue, from: number, to: number, reason: string): void {
    const { trace } = queue;
    if (trace === null || trace.notes.size === 0) return;
    for (const [offset] of trace.within(from, to)) this.left(queue, offset, reason);
  }

  // Start-up

  /** What is noted of records that are still there, from an event of an earlier start. `queueOf`: by virtual host, name and log. */
  restore(event: TraceEvent, queueOf: (vhost: string, queue: string) => TracedQueue | undefined): void {
    const { queue: name, offset, log, time, trace_id: traceId, span_id: spanId } = event;
    if (name === undefined || offset === undefined || log === undefined) return;
    const queue = queueOf(event.vhost, name);
    if (queue === undefined || queue.log.id !== log) return;
    const note = queue.trace?.notes.get(offset);
    const group = event.by?.group;
    if (event.event === "written") {
      if (offset < queue.log.nextOffset && !queue.log.removed.has(offset))
        this.#traceOf(queue).note(offset, {
          traceId,
          spanId,
          writtenAt: time,
          deliveredAt: 0,
          deliveries: 0,
        });
      return;
    }
    if (event.event === "acknowledged" && group !== undefined && event.by?.protocol === "kafka")
      this.#traceOf(queue).groupReached(Buffer.from(group).latin1Slice(), offset + 1);
    if (note === undefined || note.traceId !== traceId) return;
    if (event.ended === true) this.#forget(queue, offset);
    else if (event.event === "delivered") {
      note.deliveredAt = time;
      note.deliveries++;
    } else if (event.event === "requeued" || event.event === "rejected") note.deliveredAt = 0;
  }

  close(): void {
    this.ring.close();
  }
}

function pick(trace: QueueTrace | null, samples: boolean, count: number): number {
  return trace === null || !samples || count <= 0 ? -1 : trace.next(count);
}

/** What the log's next record gets as offset, those of the open frame counted. */
export function endOf({ log }: Pick<TracedQueue, "log">): number {
  return log.nextOffset + log.store.openCountOf(log);
}

function sinceOf({ deliveredAt }: TraceNote): Pick<TraceEvent, "since"> {
  return deliveredAt === 0 ? {} : { since: deliveredAt };
}
