/**
 * What waits for its time before it enters a destination with `delay-allowed`: in a log of its own for each destination, by its name, in the
 * form in which it will be stored (schedule/timetable.ts). When it is due it enters as if it were published then: it meets the bounds
 * that the destination has at that time, and its time to live begins.
 *
 * A queue that refuses messages and is full leaves it waiting; it is tried again about once a second, less often where many wait. It waits as durably as the
 * destination is kept, and goes with the destination (queue/lifecycle.ts) and its virtual host. Not here: which messages wait (intake.ts).
 * Invariant: a message is here or in its destination, never in both or none, since it moves in one tick; none is early.
 */
import { EntryId } from "../../message/entry-id.ts";
import { envelope } from "../../message/envelope.ts";
import type { Broker } from "../broker.ts";
import { AmqpRecordMessage, appendStored, type OutgoingMessage } from "../exchange/outgoing-message.ts";
import { companionPrefixes } from "../names.ts";
import type { RecordBytes } from "../schedule/enter-stream.ts";
import { Timetable } from "../schedule/timetable.ts";
import { traceparentName } from "../trace/traceparent.ts";
import { endOf } from "../trace/tracer.ts";
import type { Delays, DueRecord, IntakePlace, NamedPlace } from "./intake.ts";
import { waitingForm } from "./waiting-form.ts";

const againMsMin = 1000;
/** What each of those that wait adds to the time until the next try. */
const againMsOfEach = 0.1;

const handle = new EntryId();
const message = new AmqpRecordMessage();
/** The bytes of what arrives may be gone once it is appended: the tracer looks into the log. */
const anyHeader = { buffer: traceparentName, start: 0, end: traceparentName.length };

export class DelayedArrivals implements Delays {
  readonly #broker: Broker;
  readonly #timetable: Timetable;

  /** The journal has been replayed. */
  constructor(broker: Broker) {
    this.#broker = broker;
    this.#timetable = new Timetable(broker, {
      vhostPrefix: companionPrefixes.later,
      enter: (vhostName, name, record, isReturned) =>
        this.#arrive(vhostName, name, record, isReturned === true),
      againMs: (waiting) => againMsMin + waiting * againMsOfEach,
    });
    this.#timetable.begin();
  }

  add(place: IntakePlace, outgoing: OutgoingMessage, due: number): void {
    const { name, vhost, log } = place;
    const target = this.#broker.vhost(vhost.name);
    if (target === undefined) return;
    const form = waitingForm(outgoing);
    const waiting = this.#timetable.add(target, name, { due, ...form }, handle, log.isDurable);
    const { tracer } = this.#broker;
    if (tracer.isOn) tracer.intakeTook(place, { due, waiting, offset: endOf(waiting) - 1 });
  }

  renamed(from: NamedPlace, to: NamedPlace): void {
    this.#timetable.move(from, to);
  }

  addReturned({ name, vhost, log }: IntakePlace, record: DueRecord): void {
    const target = this.#broker.vhost(vhost.name);
    if (target !== undefined)
      this.#timetable.add(target, name, { ...record, isReturned: true }, handle, log.isDurable);
  }

  /** True: it waits no more. */
  #arrive(vhostName: string, name: string, record: RecordBytes, isReturned: boolean): boolean {
    const queue = this.#broker.vhost(vhostName)?.queues.get(name);
    if (queue === undefined) return true;
    // Of what was merely delayed nobody has asked whether its publisher may read the topic that its headers name.
    const fate = (isReturned ? this.#broker.returned?.arrives(queue, record) : undefined) ?? "lives";
    if (fate !== "lives") return fate === "dead";
    const isAmqp = record.envelope === envelope.amqp;
    if (isAmqp) message.show(record.buffer, record.start, record.end);
    // Records of other protocols count whole, see ready-bytes.ts.
    const bytes = isAmqp ? message.bodyBytes : record.end - record.start;
    const mayExpire = isAmqp && message.mayExpire;
    if (!this.#broker.retention.hasRoom(queue, 1, bytes)) return false;
    appendStored(queue.log.group, record, this.#broker.clock.now());
    const { tracer } = this.#broker;
    if (tracer.carried !== null || queue.trace !== null) tracer.entered(queue, 1, null, anyHeader);
    if (mayExpire) queue.canExpire = queue.hasExpirations = true;
    return true;
  }
}
