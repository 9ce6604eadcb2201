/**
 * What a destination does with a client's message before its bounds and its log: a copy of one that it has taken is dropped
 * (`dedup-*`), then one that is to arrive later waits (`delay-allowed`).
 *
 * Only publishes of clients pass here. What comes by the broker's own hand (a dead letter, a retry, what has waited) does not. Not here: who
 * asks (exchange/publication.ts, and the protocols where they append to one log), where messages wait (delayed-arrivals.ts).
 * Invariants: a queue without such a policy has no intake; `concerns` changes nothing, and says what `takes` will say next; what `takes` keeps
 * is in the journal's group of this tick.
 */
import type { DedupWindows } from "../dedup/dedup-windows.ts";
import { QueueCopies } from "../dedup/queue-copies.ts";
import type { OutgoingMessage } from "../exchange/outgoing-message.ts";
import { hasIntake, type QueuePolicy } from "../policy/policy.ts";
import type { Log } from "../../storage/index.ts";
import type { RecordBytes } from "../schedule/enter-stream.ts";
import type { Tracer } from "../trace/tracer.ts";
import { delayName, deliverAtName, dueOfParts } from "./delay-headers.ts";

/** The destination, as much of it as the intake knows. */
export interface IntakePlace {
  readonly name: string;
  readonly log: Log;
  deduplicated: number;
  readonly policy: QueuePolicy;
  readonly vhost: {
    readonly name: string;
    readonly broker: {
      readonly clock: { now(): number };
      readonly delays: Delays | null;
      readonly dedup: DedupWindows;
      readonly tracer: Tracer;
    };
  };
}

export interface NamedPlace {
  readonly vhostName: string;
  readonly name: string;
}

export interface DueRecord extends RecordBytes {
  /** Wall time, ms. */
  readonly due: number;
}

/** Keeps messages until their time. */
export interface Delays {
  add(place: IntakePlace, message: OutgoingMessage, due: number): void;
  /** What waits for one name waits for the other from now on. */
  renamed(from: NamedPlace, to: NamedPlace): void;
  /** The same as `add` for a record that a Kafka group gives up, in the form in which the destination will store it. */
  addReturned(place: IntakePlace, record: DueRecord): void;
}

/** Knows what came within a window. */
export interface Copies {
  /** A message like this one came within the window. Changes nothing. */
  isCopy(message: OutgoingMessage): boolean;
  /** The offset of the message that the last copy was one of; -1: that is not known. It may be gone. */
  readonly offsetOfFirst: number;
  /** The copy that was found last is dropped. */
  dropped(): void;
  /** The message that was looked at last was stored at that offset; -1: it waits. */
  taken(offset: number): void;
}

export class Intake {
  readonly #place: IntakePlace;
  /** Null: the destination drops no copies. */
  copies: Copies | null = null;
  /** When the message that `#isLater` was asked for last is due. */
  #due = 0;

  constructor(place: IntakePlace) {
    this.#place = place;
  }

  /** Whether the message does not go on to the log: it is a copy, or is to wait. */
  concerns(message: OutgoingMessage): boolean {
    return this.copies?.isCopy(message) === true || this.#isLater(message);
  }

  /** Takes the message, if it does not go on: drops the copy, or has it wait. */
  takes(message: OutgoingMessage): boolean {
    if (this.dropsCopy(message)) return true;
    if (!this.#isLater(message)) return false;
    this.#place.vhost.broker.delays!.add(this.#place, message, this.#due);
    this.copies?.taken(-1);
    return true;
  }

  /** Drops the message if it is a copy. For ways in on which nothing waits. */
  dropsCopy(message: OutgoingMessage): boolean {
    if (this.copies?.isCopy(message) !== true) return false;
    this.copies.dropped();
    const { tracer } = this.#place.vhost.broker;
    if (tracer.isOn) tracer.intakeTook(this.#place, null);
    return true;
  }

  /** The message that `takes` let pass is accepted: it is appended at that offset; -1: it waits elsewhere, and has none yet (retry topics). */
  appended(offset: number): void {
    this.copies?.taken(offset);
  }

  #isLater(message: OutgoingMessage): boolean {
    const { policy, vhost } = this.#place;
    if (!policy.delayAllowed) return false;
    if (!message.mayHaveHeader(delayName) && !message.mayHaveHeader(deliverAtName)) return false;
    const { clock, delays } = vhost.broker;
    if (delays === null) return false;
    this.#due = dueOfParts(message.asAmqp(), clock.now());
    return this.#due > 0;
  }
}

/** The intake of a destination with its current policy; null where it needs none. */
export function intakeOf(place: IntakePlace, before: Intake | null): Intake | null {
  const { policy, log, vhost } = place;
  const { dedup } = vhost.broker;
  const intake = hasIntake(policy) ? (before ?? new Intake(place)) : null;
  if (policy.dedup === null) dedup.empty(log);
  if (intake !== null)
    intake.copies =
      policy.dedup === null ? null : new QueueCopies(dedup, dedup.windowOf(log, policy.dedup), place);
  return intake;
}
