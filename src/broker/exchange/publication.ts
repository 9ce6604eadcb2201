/**
 * The one way of a message through an exchange, for every protocol and for dead letters. It has the intakes of queues look at a client's
 * message, asks bounded queues for room, copies the message into logs, handles refusals of full queues, serves live subscribers, and counts.
 *
 * Not here: which queues a key leads to (routes.ts), when a queue is full (retention.ts), what the publisher is answered.
 * Invariants: a queue is asked for room before the message is appended, and an appended message is never removed to keep a bound;
 * `publishWhole`, and a batch that `BatchGuard` has checked, are taken by all queues or by none.
 */
import { AmqpRecordParts, readAmqpRecord } from "../../message/amqp/record.ts";
import { deadLetterParts } from "../queue/dead-letter.ts";
import type { Exchange } from "./exchange.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import type { Queue } from "../queue/queue.ts";
import { fits } from "../queue/retention.ts";
import type { TracedPublish } from "../trace/traced.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { Route } from "./route.ts";
import type { Vhost } from "../vhost.ts";

/** Publishing to more queues than this is long work; what each queue costs the turn (turn-work.ts). */
const fewQueues = 8;
const unitsOfQueue = 0.3;

export class Publication {
  readonly #vhost: Vhost;
  readonly #tracer: Tracer;
  /** How many live subscribers got the last message. */
  heardBy = 0;
  /** Refused messages that are to be dead-lettered. A dead letter may be refused too. */
  readonly #refused: { queue: Queue; record: Buffer }[] = [];
  #isDeadLettering = false;
  /** Dead letters that were dropped because one publish caused more than `deadLettersPerPublishMax`. */
  deadLettersDropped = 0;

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
    this.#tracer = vhost.broker.tracer;
  }

  /** Publishes a client's message. A full queue refuses it for itself alone, as in RabbitMQ; false if one did. */
  publish(exchange: Exchange, route: Route, message: OutgoingMessage): boolean {
    exchange.published++;
    let isTaken = true;
    const traced = this.#tracer.isOn ? this.#traced(route, message) : null;
    if (route.hasGuards) isTaken = this.#offerEach(route, message);
    else appendToAll(route, message);
    this.#published(exchange, route, message);
    if (traced !== null) this.#tellTraced(traced, exchange, route, message);
    if (!isTaken) this.#deadLetterRefused();
    return isTaken;
  }

  /**
   * Publishes a message of the broker's own hand, such as a dead letter: it passes no intake. Queues for which `leavesOut` is true get
   * nothing, and refuse nothing.
   */
  publishOwn(
    exchange: Exchange,
    route: Route,
    message: OutgoingMessage,
    leavesOut: ((queue: Queue) => boolean) | null = null,
  ): boolean {
    exchange.published++;
    return this.publishAgain(exchange, route, message, leavesOut);
  }

  /** The same for a message that the exchange has kept until now: it was counted when it came. */
  publishAgain(
    exchange: Exchange,
    route: Route,
    message: OutgoingMessage,
    leavesOut: ((queue: Queue) => boolean) | null = null,
  ): boolean {
    let isTaken = true;
    const traced = this.#tracer.isOn ? this.#traced(route, message) : null;
    if (route.hasGuards || leavesOut !== null) isTaken = this.#appendEach(route, message, leavesOut);
    else appendToAll(route, message);
    this.#published(exchange, route, message);
    if (traced !== null) this.#tellTraced(traced, exchange, route, message);
    if (!isTaken) this.#deadLetterRefused();
    return isTaken;
  }

  /** Publishes to all queues of the route but those that are left out, or to none; false also where there is no queue. */
  publishSurely(
    exchange: Exchange,
    route: Route,
    message: OutgoingMessage,
    leavesOut: ((queue: Queue) => boolean) | null,
  ): boolean {
    if (!route.isTaken) return false;
    const guard = new BatchGuard();
    guard.addOwn(route, message);
    if (guard.fullQueues().some((full) => leavesOut === null || !leavesOut(full))) return false;
    this.publishOwn(exchange, route, message, leavesOut);
    return true;
  }

  /** Publishes a client's message to all queues of the route, or to none; in that case it returns a full one. */
  publishWhole(exchange: Exchange, route: Route, message: OutgoingMessage): Queue | null {
    if (route.hasGuards) {
      const guard = new BatchGuard();
      guard.add(route, message);
      const full = guard.fullQueues();
      if (full.length > 0) {
        for (const queue of full) this.refuse(queue, message);
        return full[0]!;
      }
    }
    this.append(exchange, route, message);
    return null;
  }

  /** Appends a client's message that `BatchGuard` has checked: bounds are not compared again. */
  append(exchange: Exchange, route: Route, message: OutgoingMessage): void {
    exchange.published++;
    const traced = this.#tracer.isOn ? this.#traced(route, message) : null;
    if (route.hasGuards) {
      for (const queue of route.queues) if (queue.intake?.takes(message) !== true) store(queue, message);
    } else appendToAll(route, message);
    this.#published(exchange, route, message);
    if (traced !== null) this.#tellTraced(traced, exchange, route, message);
  }

  /** Null: the message is not traced. */
  #traced(route: Route, message: OutgoingMessage): TracedPublish | null {
    const tracer = this.#tracer;
    return route.isTraced || tracer.carried !== null ? tracer.begin(route, message) : null;
  }

  #tellTraced(traced: TracedPublish, exchange: Exchange, route: Route, message: OutgoingMessage): void {
    const { heardBy } = this;
    const bindings = this.#tracer.bindings?.of(this.#vhost, exchange, message) ?? null;
    const publisher = message.publisher?.() ?? null;
    this.#tracer.published(traced, this.#vhost.name, exchange, route, { publisher, heardBy, bindings });
  }

  /** Each queue decides for itself: its intake may take the message, then it may be full. */
  #offerEach(route: Route, message: OutgoingMessage): boolean {
    let isTaken = true;
    for (const queue of route.queues) {
      if (queue.intake?.takes(message) === true) continue;
      if (this.#hasRoom(queue, message)) store(queue, message);
      else {
        isTaken = false;
        this.#noteRefused(queue, message);
      }
    }
    return isTaken;
  }

  #appendEach(
    route: Route,
    message: OutgoingMessage,
    leavesOut: ((queue: Queue) => boolean) | null,
  ): boolean {
    let isTaken = true;
    for (const queue of route.queues) {
      if (leavesOut !== null && leavesOut(queue)) continue;
      if (this.#hasRoom(queue, message)) message.appendTo(queue.log.group);
      else {
        isTaken = false;
        this.#noteRefused(queue, message);
      }
    }
    return isTaken;
  }

  #hasRoom(queue: Queue, { count, bodyBytes }: OutgoingMessage): boolean {
    return this.#vhost.broker.retention.hasRoom(queue, count, bodyBytes);
  }

  #published(exchange: Exchange, route: Route, message: OutgoingMessage): void {
    if (message.canExpire) for (const queue of route.queues) queue.canExpire = queue.hasExpirations = true;
    exchange.routed += route.queues.length;
    const { live, broker } = this.#vhost;
    if (route.queues.length > fewQueues) broker.work.spend(Math.ceil(unitsOfQueue * route.queues.length));
    this.heardBy = route.reachesLive && !live.isEmpty ? message.publishLive(live) : 0;
    if (route.stations !== null) for (const station of route.stations) station.take(message);
    if (this.isLost(route)) exchange.unroutable++;
  }

  /** Whether nobody got the last message, which had that route. Whoever published it samples it then (look/unroutable.ts). */
  isLost(route: Route): boolean {
    return !route.isTaken && this.heardBy === 0;
  }

  /**
   * A full queue refuses the client's message. With `x-overflow` `reject-publish-dlx` the message goes to the queue's dead-letter exchange. What its
   * intake would have taken needed no room: a copy of a message that is there, and one that waits, are no dead letters.
   */
  refuse(queue: Queue, message: OutgoingMessage): void {
    if (queue.intake?.concerns(message) === true) return;
    this.#noteRefused(queue, message);
    this.#deadLetterRefused();
  }

  #noteRefused(queue: Queue, message: OutgoingMessage): void {
    const { overflow, deadLetterExchange } = queue.policy;
    if (overflow !== "reject-publish-dlx" || deadLetterExchange === undefined) return;
    if (this.#refused.length >= this.#vhost.broker.turnBounds.deadLettersPerPublishMax) {
      this.deadLettersDropped++;
      return;
    }
    const parts = message.asAmqp();
    this.#refused.push({
      queue,
      record: Buffer.from(parts.buffer.subarray(parts.routeStart, parts.recordEnd)),
    });
  }

  /** A loop, not a recursion: the list grows while dead letters are refused. */
  #deadLetterRefused(): void {
    if (this.#isDeadLettering || this.#refused.length === 0) return;
    this.#isDeadLettering = true;
    const { heardBy } = this;
    const parts = new AmqpRecordParts();
    try {
      for (let at = 0; at < this.#refused.length; at++) {
        const { queue, record } = this.#refused[at]!;
        deadLetterParts(queue, readAmqpRecord(record, 0, record.length, parts), "maxlen", null);
      }
    } finally {
      this.#refused.length = 0;
      this.#isDeadLettering = false;
      this.heardBy = heardBy;
    }
  }
}

function appendToAll({ durable, volatile }: Route, message: OutgoingMessage): void {
  if (durable !== null) message.appendTo(durable);
  if (volatile !== null) message.appendTo(volatile);
}

/** Appends a client's message that the queue's intake has let pass. */
function store(queue: Queue, message: OutgoingMessage): void {
  const { log, intake } = queue;
  message.appendTo(log.group);
  if (intake !== null) intake.appended(log.store.reservedOffset);
}

/** Checks whether a batch or a transaction fits as a whole: adds up first what each bounded queue would get. */
export class BatchGuard {
  readonly #demands = new Map<Queue, { count: number; bytes: number }>();

  /** Of a client's message, what a queue's intake takes needs no room. */
  add({ hasGuards, queues }: Route, message: OutgoingMessage): void {
    if (!hasGuards) return;
    for (const queue of queues) {
      if (queue.policy.overflow === "drop-head" || queue.intake?.concerns(message) === true) continue;
      this.#add(queue, message);
    }
  }

  /** Of a message of the broker's own hand. */
  addOwn({ hasGuards, queues }: Route, message: OutgoingMessage): void {
    if (!hasGuards) return;
    for (const queue of queues) if (queue.policy.overflow !== "drop-head") this.#add(queue, message);
  }

  #add(queue: Queue, { count, bodyBytes: bytes }: OutgoingMessage): void {
    const demand = this.#demands.get(queue);
    if (demand === undefined) this.#demands.set(queue, { count, bytes });
    else {
      demand.count += count;
      demand.bytes += bytes;
    }
  }

  /**
   * The queues that have no room for their part. A queue that is asked for room drops expired records, which may be dead-lettered
   * into a queue that was asked before. So all are asked first, and then compared.
   */
  fullQueues(): Queue[] {
    for (const [queue, { count, bytes }] of this.#demands)
      queue.vhost.broker.retention.hasRoom(queue, count, bytes);
    const full: Queue[] = [];
    for (const [queue, { count, bytes }] of this.#demands) {
      if (!fits(queue, count, bytes)) full.push(queue);
    }
    return full;
  }
}
