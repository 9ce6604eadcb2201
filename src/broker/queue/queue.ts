/**
 * A named log with its readers: what AMQP calls a queue or a stream queue, Redis a stream and Kafka a partition.
 *
 * A `queue` has one cursor and a record is gone once settled; a `stream` keeps its records until retention takes
 * them. Delivery runs at the end of each tick, in `deliver`. Invariants: of a queue's records, each is ready, held by
 * one consumer, or gone; a consumer never has more than its prefetch.
 */
import { assertsAreOn } from "../../base/assert.ts";
import { type Log, LogReader } from "../../storage/index.ts";
import type { ProducerState } from "./producer-state.ts";
import type { ArgumentTypes } from "../exchange/routing/plain-arguments.ts";
import type { BindingArguments } from "../exchange/routing/router.ts";
import type { QueueCursor } from "../cursor/queue-cursor.ts";
import type { GroupCursor } from "../groups/group-cursor.ts";
import type { Vhost } from "../vhost.ts";
import { QueueConsumers } from "./consumers.ts";
import type { QueueKind, QueueOptions } from "./definition.ts";
import { deliverReady } from "./delivery.ts";
import { HistoryMarks } from "./history-marks.ts";
import { effectivePolicy, keepsHistory, type PolicyLayers, type QueuePolicy } from "./policy.ts";
import { QueuePolicies } from "./policies.ts";
import type { LogWaiter, QueueConsumer } from "./readers.ts";
import { QueueReturns } from "./returns.ts";
import { assertQueue } from "./queue-invariants.ts";
import { ReadyBytes } from "./ready-bytes.ts";

/** Dead letters of one queue may make another one catch up, and so on. */
const queuesCatchingUpMax = 16;

export class Queue {
  readonly kind: QueueKind;
  readonly name: string;
  readonly vhost: Vhost;
  readonly durable: boolean;
  readonly exclusiveOwner: number;
  readonly autoDelete: boolean;
  readonly args: BindingArguments;
  readonly argTypes: ArgumentTypes | undefined;
  /** It was made by being written to, and nobody has declared it since; see name-rules.ts. */
  isImplicit: boolean;
  /** What counts of all that is said about it; `policies` replaces it. */
  policy: QueuePolicy;
  readonly policies: QueuePolicies;
  /** Some records may expire: the head is looked at before each delivery. */
  canExpire: boolean;
  /** What is settled stays in the log. A cursor may still have a history that is going. */
  keepsHistory: boolean;
  readonly log: Log;
  /** The queue's own cursor; streams have none. */
  readonly cursor: QueueCursor | null;
  /** Redis consumer groups. */
  groups = new Map<string, GroupCursor>();
  readonly waiters = new Set<LogWaiter>();
  /** Idempotent producers (Kafka); null before the first. */
  producers: ProducerState | null = null;
  readonly consumers = new QueueConsumers();
  /** AMQP consumers of a stream, which are among the waiters. */
  streamConsumers = 0;
  /** Kept for a bound by bytes only. */
  readyBytes: ReadyBytes | null;
  hadConsumers = false;
  isDeleted = false;
  /** Wall time at which it is deleted, ms; 0: never. Set by timed-deletions.ts. */
  deleteAt = 0;
  #isSettling = false;
  /** What consumers are giving back. */
  readonly returns: QueueReturns;
  /**
   * Records below were there when deliveries and bounds were last applied. One with a ttl of 0 that is above has just
   * come, and may go to a consumer that takes it at once.
   */
  settledTo = 0;
  /** In the vhost's list of queues to look at when the tick ends. */
  isScheduled = false;
  /** Its last turn ended in an error, which has been logged. */
  hasFailed = false;
  /** Wall time at which the broker looks at it again by itself, ms. */
  wakeAt = Infinity;
  // Counted since the start, for rates.ts.
  delivered = 0;
  redelivered = 0;
  acknowledged = 0;
  requeued = 0;
  expired = 0;
  dropped = 0;
  rejected = 0;

  constructor(vhost: Vhost, options: QueueOptions, log: Log, cursor: QueueCursor | null) {
    this.vhost = vhost;
    this.kind = options.kind;
    this.name = options.name;
    this.durable = options.durable;
    this.exclusiveOwner = options.exclusiveOwner;
    this.autoDelete = options.autoDelete;
    this.args = options.args;
    this.argTypes = options.argTypes;
    this.isImplicit = options.isImplicit ?? false;
    this.policy = effectivePolicy(options, options.layers);
    this.canExpire = this.policy.messageTtl !== undefined;
    this.keepsHistory = keepsHistory(this.policy);
    this.log = log;
    this.cursor = cursor;
    log.owner = this;
    // Before the journal's replay, which tells it what was settled.
    if (cursor !== null && this.keepsHistory) cursor.history = new HistoryMarks();
    if (this.policy.keepsReturnOrder) cursor?.keepReturnOrder();
    this.readyBytes =
      cursor !== null && this.policy.maxLengthBytes !== undefined ? new ReadyBytes(this) : null;
    this.returns = new QueueReturns(this);
    this.policies = new QueuePolicies(this, options);
  }

  /** After replay: any of the records that are there may have an expiration of its own. */
  restored(): void {
    if (this.kind !== "queue") return;
    this.policies.change.restored();
    if (this.log.length === 0) return;
    this.canExpire = true;
    this.settledTo = this.log.stableEnd;
    this.vhost.broker.schedule(this);
  }

  /**
   * Puts policies on the queue, in the place of those that it had: what they ask for counts from here on, and what they leave to do
   * is done in slices. Kept with the queue's definition. Equal ones change nothing.
   */
  applyLayers(layers: PolicyLayers): void {
    this.policies.applyLayers(layers);
  }

  get consumerCount(): number {
    return this.consumers.size + this.streamConsumers;
  }

  get isExclusivelyConsumed(): boolean {
    return this.consumers.isExclusive;
  }

  /** Somebody declared it, consumes from it or took from it: `x-expires` counts from here. */
  used(): void {
    this.policies.idleExpiry.used();
  }

  /** Records that nobody holds. */
  get readyCount(): number {
    const { cursor, log } = this;
    if (cursor === null) return log.length;
    const unsettled = cursor.history === null ? log.length : log.stableEnd - cursor.history.countBelow(log);
    return unsettled - cursor.heldCount + this.returns.count;
  }

  /** A walker over the records from `offset` on, for those who look without consuming. */
  reader(offset = 0, seesOpen = false): LogReader {
    return new LogReader(this.log, offset, seesOpen);
  }

  /** A record that nobody has seen goes: where history counts what was settled, it is among that. */
  aborting(from: number, to: number): void {
    for (let offset = from; offset < to; offset++) this.cursor?.gone(offset);
  }

  /** Records came into the log in this tick, or became stable. */
  appended(): void {
    this.vhost.broker.schedule(this);
  }

  /** Sees to it that it has its turn at the tick's end. */
  schedule(): void {
    if (!this.isDeleted) this.vhost.broker.schedule(this);
  }

  /**
   * The end of the tick. Deliveries before bounds: what a consumer can take at once never counts against a bound, as in
   * RabbitMQ; but see `returned`. What it throws (its bytes are corrupt) is logged by the ticker, once, and stops no other
   * queue.
   */
  atTickEnd(): void {
    if (this.isDeleted) return;
    this.#settleRecords(this.vhost.broker.ticker.deliveryTime);
    let failure: unknown;
    for (const waiter of this.waiters) {
      try {
        waiter.logChanged(this);
      } catch (error) {
        // The others are to hear of it all the same.
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Does in the middle of a turn what its end does: delivers, then applies the bounds. A method that looks at the queue
   * sees the state after the methods before it, as in RabbitMQ. False where nothing was done, since it is being done.
   */
  catchUp(): boolean {
    const { broker } = this.vhost;
    if (this.isDeleted || this.#isSettling) return false;
    broker.storage.unwritten.lookedAt(this.log);
    if (broker.queuesCatchingUp >= queuesCatchingUpMax) return false;
    this.log.store.seal();
    // A stream has bounds alone, which hold for what was there when they were applied last.
    if (this.cursor === null && this.settledTo === this.log.stableEnd) return true;
    broker.queuesCatchingUp++;
    try {
      this.#settleRecords(broker.clock.now());
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    } finally {
      broker.queuesCatchingUp--;
    }
  }

  /** Deliveries, then bounds: where a dead letter leads back to this queue, it is not done inside itself. */
  #settleRecords(now: number): void {
    const { retention } = this.vhost.broker;
    this.#isSettling = true;
    try {
      this.readyBytes?.countNew();
      if (this.returns.takeNew()) retention.enforce(this);
      if (this.consumers.size > 0) deliverReady(this, now);
      retention.enforce(this);
      if (this.cursor !== null) this.dropExpired();
    } finally {
      this.settledTo = this.log.stableEnd;
      this.#isSettling = false;
    }
    if (assertsAreOn && this.vhost.broker.queuesCatchingUp <= 1) assertQueue(this);
  }

  /** A record of it cannot be read: said once until it can. */
  failed(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.vhost.broker.logger.error("a queue cannot deliver; run troikamq check, or purge or delete it", {
      queue: this.name,
      vhost: this.vhost.name,
      error: error instanceof Error ? error : new Error(String(error)),
    });
  }

  /** Drops what has expired at the head, so that it is not counted. */
  dropExpired(): void {
    if (this.canExpire && this.readyCount > 0) this.vhost.broker.retention.expireHead(this, true);
  }

  addConsumer(consumer: QueueConsumer): void {
    this.consumers.add(consumer);
    this.hadConsumers = true;
    this.vhost.broker.schedule(this);
  }

  /** A consumer may have room again that had none. */
  consumerReady(consumer: QueueConsumer): void {
    this.consumers.ready(consumer);
    this.vhost.broker.schedule(this);
  }

  /**
   * Takes consumers away that go together, as those of a channel do; what they hold is for their session to requeue. An auto-delete
   * queue goes with its last one.
   */
  removeConsumers(gone: Iterable<QueueConsumer>): void {
    let isAny = false;
    for (const consumer of gone) if (this.consumers.remove(consumer)) isAny = true;
    // The queue was deleted, and had told the consumers.
    if (!isAny) return;
    this.used();
    if (this.autoDelete && this.hadConsumers && this.consumers.size === 0 && !this.isDeleted) {
      this.vhost.deleteQueue(this);
    } else this.vhost.broker.schedule(this);
  }

  /** A consumer is done with a record for good. */
  settle(offset: number): void {
    this.drop(offset);
    this.acknowledged++;
  }

  /** The record is out of the queue: gone from the log too, unless that keeps its history. */
  drop(offset: number): void {
    this.cursor!.gone(offset);
    if (!this.keepsHistory) this.log.remove(offset);
  }

  /** Takes a record out by its place, whoever holds it (XDEL). */
  removeAt(offset: number): void {
    this.readyBytes?.removing(offset, offset + 1);
    this.cursor?.gone(offset);
    this.log.remove(offset);
  }

  /**
   * A consumer gives a record back; it goes out again from its old place (see `policy.keepsReturnOrder`), unless it did so too
   * often. See `returns` for what a method says before the first and behind the last.
   */
  requeue(offset: number): void {
    const cursor = this.cursor!;
    const limit = this.policy.deliveryLimit;
    if (limit !== undefined && cursor.pending.countOf(offset) > limit) {
      this.vhost.broker.retention.discard(this, offset, "delivery_limit");
      return;
    }
    this.requeued++;
    cursor.requeue(offset);
    this.readyBytes?.returned(offset);
    this.vhost.broker.schedule(this);
  }
}
